"""A person's session: tokens sealed in an httpOnly cookie, so that no script ever holds one.

The cookie names the caller; the CSRF token, which only Ruta's own pages can read, says that the
request was meant. Both are needed for anything that changes something.
"""

import base64
import hmac
import secrets
from dataclasses import asdict, dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TypeVar

import orjson
from common import crypto

from gateway.front.errors import CSRF
from gateway.front.heads import Head, Header

SESSION_SECONDS = 12 * 3600
SIGN_IN_SECONDS = 600
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class PersonSession:
    access_token: str
    refresh_token: str
    csrf: str
    expires: float


@dataclass(frozen=True)
class SignIn:
    """What the browser must bring back from the provider."""

    state: str
    verifier: str
    return_to: str


Sealed = TypeVar("Sealed", PersonSession, SignIn)


class Cookies:
    """Seals and opens them. `origin`: Ruta's own, as browsers see it."""

    def __init__(self, key: bytes, origin: str) -> None:
        self._key = key
        self._origin = origin.encode()
        self._secure = origin.startswith("https://")
        prefix = "__Host-" if self._secure else ""
        self._names: dict[type, str] = {
            PersonSession: f"{prefix}ruta-session",
            SignIn: f"{prefix}ruta-sign-in-state",
        }

    def read(self, head: Head, kind: type[Sealed]) -> Sealed | None:
        """The sealed value of the request's cookie; None if there is none, or it is not ours."""
        text = _cookies(head).get(self._names[kind])
        if text is None:
            return None
        try:
            sealed = base64.urlsafe_b64decode(text)
            return kind(
                **orjson.loads(crypto.open_sealed(self._key, sealed, kind.__name__.encode()))
            )
        except (ValueError, TypeError, crypto.CannotOpen):
            return None

    def write(self, value: PersonSession | SignIn) -> Header:
        kind = type(value)
        sealed = crypto.seal(self._key, orjson.dumps(asdict(value)), kind.__name__.encode())
        seconds = SESSION_SECONDS if kind is PersonSession else SIGN_IN_SECONDS
        return self._header(self._names[kind], base64.urlsafe_b64encode(sealed).decode(), seconds)

    def clear(self, kind: type[PersonSession] | type[SignIn]) -> Header:
        return self._header(self._names[kind], "", 0)

    def check_meant(self, head: Head, method: str, session: PersonSession) -> None:
        """403 unless a changing request comes from Ruta's own pages."""
        if method in SAFE_METHODS:
            return
        own = head.own
        token = own.get(b"x-csrf-token", b"").decode("latin-1")
        if not hmac.compare_digest(token.encode(), session.csrf.encode()):
            raise CSRF.because("X-CSRF-Token is missing or not that of this session.")
        if own.get(b"sec-fetch-site", b"same-origin") != b"same-origin":
            raise CSRF.because("The request comes from another site.")
        if own.get(b"origin", self._origin) != self._origin:
            raise CSRF.because("The request comes from another origin.")

    def _header(self, name: str, value: str, seconds: int) -> Header:
        # Lax, not Strict: the provider's redirect back must find the sign-in state.
        secure = "; Secure" if self._secure else ""
        cookie = f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
        return b"set-cookie", cookie.encode()


def new_csrf() -> str:
    return secrets.token_urlsafe(24)


def _cookies(head: Head) -> dict[str, str]:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(head.own.get(b"cookie", b"").decode("latin-1"))
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in jar.items()}
