"""Authorization requests (RFC 6749 §4.1.1, PKCE, OIDC) and the sealed tickets that carry them in the sign-in form.

A ticket contains the request, its browser and its expiry, so the server stores nothing. Together with a cookie of the
same browser, it prevents login CSRF: another site cannot sign a person in as somebody else.
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
    """The client or the redirect URI is not trusted. Show the error here, never redirect."""


class Faulty(Exception):
    """The client is known, but its request is invalid. A redirect returns the error to the client."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.error = error
        self.description = description


@dataclass(frozen=True)
class Asked:
    """An authorization request. `application` and `organisation` are the names of the client and its owner; they are
    None for Ruta's own client."""

    client_id: str
    redirect_uri: str
    scope: str
    challenge: str
    state: str | None = None
    nonce: str | None = None
    application: str | None = None
    organisation: str | None = None


def redirect_of(query: Mapping[str, str], registered: Sequence[str] | None) -> str:
    """Return the redirect URI after an exact comparison with the registered URIs (RFC 9700 §2.1)."""
    uri = query.get("redirect_uri", "")
    if registered is None or uri not in registered:
        raise Unanswerable("Unknown client, or a redirect URI that it did not register.")
    return uri


def read(query: Mapping[str, str], redirect_uri: str) -> Asked:
    """Parse the request. Raise Faulty unless it requests a code with PKCE S256. `prompt=login` and `max_age` need no
    handling, because every request requires a new sign-in."""
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
    """Add parameters to the redirect URI and keep its existing query."""
    added = urlencode({k: v for k, v in parameters.items() if v is not None})
    parts = urlsplit(redirect_uri)
    query = f"{parts.query}&{added}" if parts.query else added
    return urlunsplit(parts._replace(query=query))


def origin_of(uri: str) -> str:
    """Return the scheme and authority, which a page's `form-action` must allow."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"


LIFETIME = timedelta(minutes=10)
_CONTEXT, _ENTERED = b"sign-in ticket", b"entered ticket"


class NoTicket(Exception):
    """The ticket is forged or belongs to another browser."""


class OldTicket(Exception):
    """The ticket belongs to this browser but has expired. The person can start again."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked


class Tickets:
    def __init__(self, master: bytes) -> None:
        self._key = crypto.derived(master, b"ruta sign-in ticket")

    def make(self, asked: Asked, browser: str, now: datetime) -> str:
        """Return a ticket. `browser` is the random value in the browser's cookie."""
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
    """A person who authenticated at time `at` and must see recent changes before the sign-in completes. Any later
    change of the row's `version` voids the ticket. `news` identifies the changes shown."""

    asked: Asked
    person: UUID
    version: int
    factor: Factor
    at: datetime
    news: str = ""


def challenge_of(ticket: str) -> bytes:
    """Return the challenge for a passkey. It cannot be guessed. It is valid only in the ticket's browser and for as
    long as the ticket, so nothing is stored for it."""
    return hashlib.sha256(_sealed(ticket)).digest()


def _made(content: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(content["until"], UTC) - LIFETIME


def _sealed(ticket: str) -> bytes:
    return base64.urlsafe_b64decode(ticket)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
