"""An authorization request (RFC 6749 §4.1.1, PKCE, OIDC): read and judged, no I/O."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_SECONDS = re.compile(r"[0-9]{1,9}")
_MAX_VALUE = 1000


class Unanswerable(Exception):
    """Client or redirect URI are not to be trusted: say so here, never by redirect."""


class Faulty(Exception):
    """The client is known but asks wrongly; the error goes back by redirect."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.error = error
        self.description = description


@dataclass(frozen=True)
class Asked:
    """`application` and `organisation`: what the client is called, and whose it is; None where it is Ruta's own."""

    client_id: str
    redirect_uri: str
    scope: str
    challenge: str
    state: str | None = None
    nonce: str | None = None
    application: str | None = None
    organisation: str | None = None


def redirect_of(query: Mapping[str, str], registered: Sequence[str] | None) -> str:
    """The redirect URI, compared character by character with the registered ones (RFC 9700 §2.1)."""
    uri = query.get("redirect_uri", "")
    if registered is None or uri not in registered:
        raise Unanswerable("Unknown client, or a redirect URI that it did not register.")
    return uri


def read(query: Mapping[str, str], redirect_uri: str) -> Asked:
    """The request; Faulty if it is not a code request with PKCE S256.

    `prompt=login` and `max_age` ask for what happens anyway: every request signs somebody in anew.
    """
    if any(len(value) > _MAX_VALUE for value in query.values()):
        raise Faulty("invalid_request", "A parameter is too long.")
    if query.get("response_type") != "code":
        raise Faulty("unsupported_response_type", "Only response_type=code is offered.")
    if query.get("code_challenge_method") != "S256":
        raise Faulty("invalid_request", "PKCE with code_challenge_method=S256 is needed.")
    challenge = query.get("code_challenge", "")
    if not _CHALLENGE.fullmatch(challenge):
        raise Faulty("invalid_request", "code_challenge is not a SHA-256 in base64url.")
    if "none" in query.get("prompt", "").split():
        raise Faulty("login_required", "Nobody is signed in here without typing what they know.")
    if not _SECONDS.fullmatch(query.get("max_age", "0")):
        raise Faulty("invalid_request", "max_age is a number of seconds.")
    return Asked(
        client_id=query["client_id"],
        redirect_uri=redirect_uri,
        scope=query.get("scope", ""),
        challenge=challenge,
        state=query.get("state"),
        nonce=query.get("nonce"),
    )


def answer_uri(redirect_uri: str, parameters: Mapping[str, str | None]) -> str:
    """The redirect URI with parameters added; its own query stays."""
    added = urlencode({k: v for k, v in parameters.items() if v is not None})
    parts = urlsplit(redirect_uri)
    query = f"{parts.query}&{added}" if parts.query else added
    return urlunsplit(parts._replace(query=query))
