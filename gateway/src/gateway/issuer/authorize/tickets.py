"""An authorization request (RFC 6749 §4.1.1, PKCE, OIDC), and the sealed ticket in the sign-in form that keeps it: what
was asked, for whom, until when.

The ticket replaces server-side state. Together with a cookie of the same browser it is also what keeps
another site from signing somebody in as somebody else (login CSRF).
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import UUID

import orjson
from common import crypto

from gateway.issuer.sign_ins.proofs import Factor

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


def origin_of(uri: str) -> str:
    """Scheme and authority: what a page's `form-action` must allow."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"


LIFETIME = timedelta(minutes=10)
_CONTEXT, _ENTERED = b"sign-in ticket", b"entered ticket"


class NoTicket(Exception):
    """The ticket is not Ruta's, or belongs to another browser."""


class OldTicket(Exception):
    """The ticket is of this browser, but expired: the request can be made again."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked


class Tickets:
    def __init__(self, master: bytes) -> None:
        self._key = crypto.derived(master, b"ruta sign-in ticket")

    def make(self, asked: Asked, browser: str, now: datetime) -> str:
        """`browser`: the random value of the cookie."""
        return self._make(_CONTEXT, {"asked": asdict(asked)}, browser, now)

    def open(self, text: str, browser: str, now: datetime) -> "Opened":
        content = self._open(_CONTEXT, text, browser, now)
        return Opened(Asked(**content["asked"]), _made(content))

    def make_entered(self, entered: "Entered", browser: str) -> str:
        content = {
            "asked": asdict(entered.asked),
            "person": str(entered.person),
            "version": entered.version,
            "factor": entered.factor,
            "news": entered.news,
        }
        return self._make(_ENTERED, content, browser, entered.at)

    def open_entered(self, text: str, browser: str, now: datetime) -> "Entered":
        content = self._open(_ENTERED, text, browser, now)
        return Entered(
            Asked(**content["asked"]),
            UUID(content["person"]),
            content["version"],
            Factor(content["factor"]),
            _made(content),
            content["news"],
        )

    def _make(self, use: bytes, content: Mapping[str, Any], browser: str, made: datetime) -> str:
        until = (made + LIFETIME).timestamp()
        whole = {**content, "browser": _digest(browser), "until": until}
        sealed = crypto.seal(self._key, orjson.dumps(whole), use)
        return base64.urlsafe_b64encode(sealed).decode()

    def _open(self, use: bytes, text: str, browser: str, now: datetime) -> Mapping[str, Any]:
        try:
            sealed = _sealed(text)
            content: dict[str, Any] = orjson.loads(crypto.open_sealed(self._key, sealed, use))
        except (ValueError, crypto.CannotOpen):
            raise NoTicket from None
        if not hmac.compare_digest(content["browser"], _digest(browser)):
            raise NoTicket
        if now.timestamp() > content["until"]:
            raise OldTicket(Asked(**content["asked"]))
        return content


@dataclass(frozen=True)
class Opened:
    asked: Asked
    made: datetime


@dataclass(frozen=True)
class Entered:
    """A person who proved who they are and is shown news before they are let in. `at`: when; `version`: of their row, so that
    any change meanwhile makes the ticket void; `news`: the mark of the news shown."""

    asked: Asked
    person: UUID
    version: int
    factor: Factor
    at: datetime
    news: str = ""


def challenge_of(ticket: str) -> bytes:
    """The challenge that a passkey signs: nobody can guess it, and it is valid as long as the ticket, in its browser
    only. So nothing is stored for it."""
    return hashlib.sha256(_sealed(ticket)).digest()


def _made(content: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(content["until"], UTC) - LIFETIME


def _sealed(ticket: str) -> bytes:
    return base64.urlsafe_b64decode(ticket)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
