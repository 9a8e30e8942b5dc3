"""A person's session: tokens sealed in an httpOnly cookie, so that no script can read them.

The cookie identifies the caller. The CSRF token, which only Ruta's own pages can read, shows that the person intended
the request. Every change needs both.
"""

import base64
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TypeVar

import orjson
from common import crypto
from common.errors import CSRF
from common.pages.form_tokens import FIELD, is_form_token

from gateway.front.edge.heads import Head, Header, cookie

SESSION_SECONDS = 12 * 3600
# The idle time is checked on every request but written at most this often.
SEEN_SECONDS = 60
SIGN_IN_SECONDS = 600
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class PersonSession:
    """A signed-in person's tokens. The access token expires at `expires`, and the session ends at `ends` (seconds since
    1970). `name` is the sign-in name."""

    access_token: str
    refresh_token: str
    csrf: str
    expires: float
    ends: float
    name: str | None = None
    organisation_name: str | None = None
    language: str | None = None


@dataclass(frozen=True)
class Seen:
    """The time when a session was last used. It has its own cookie, so that a late response cannot restore tokens that
    another response has replaced."""

    session: str
    at: float


@dataclass(frozen=True)
class Former:
    """The last person who signed in here, with their CSRF token. After an idle timeout, it lets the person still send
    the text that they typed. It grants no access."""

    subject: str
    csrf: str


@dataclass(frozen=True)
class SignIn:
    """Values that the browser must return after the provider's redirect."""

    state: str
    verifier: str
    return_to: str
    language: str | None = None


# Other cookies expire when the browser closes, which signs the person out.
_KEPT_SECONDS: Mapping[type, int] = {Former: SESSION_SECONDS, SignIn: SIGN_IN_SECONDS}

Sealed = TypeVar("Sealed", PersonSession, Seen, Former, SignIn)


class Cookies:
    """Seals and opens the cookies. `origin` is Ruta's own origin, as browsers see it. A session ends after
    `idle_seconds` without a request."""

    def __init__(self, key: bytes, origin: str, idle_seconds: int) -> None:
        self.idle_seconds = idle_seconds
        self._key = key
        self._origin = origin.encode()
        self._secure = origin.startswith("https://")
        prefix = "__Host-" if self._secure else ""
        self._names: dict[type, str] = {
            PersonSession: f"{prefix}ruta-session",
            Seen: f"{prefix}ruta-seen",
            Former: f"{prefix}ruta-former",
            SignIn: f"{prefix}ruta-sign-in-state",
        }

    def read(self, head: Head, kind: type[Sealed]) -> Sealed | None:
        """Return the value sealed in the request's cookie, or None if it is absent or was not sealed here."""
        value = cookie(head, self._names[kind])
        if value is None:
            return None
        try:
            sealed = base64.urlsafe_b64decode(value)
            return kind(
                **orjson.loads(crypto.open_sealed(self._key, sealed, kind.__name__.encode()))
            )
        except (ValueError, TypeError, crypto.CannotOpen):
            return None

    def write(self, value: PersonSession | Seen | Former | SignIn) -> Header:
        kind = type(value)
        sealed = crypto.seal(self._key, orjson.dumps(asdict(value)), kind.__name__.encode())
        return self._header(
            self._names[kind], base64.urlsafe_b64encode(sealed).decode(), _KEPT_SECONDS.get(kind)
        )

    def clear(self, kind: type[PersonSession] | type[Seen] | type[Former] | type[SignIn]) -> Header:
        return self._header(self._names[kind], "", 0)

    def has(self, head: Head) -> bool:
        """Return whether the request has a session cookie, valid or not."""
        return cookie(head, self._names[PersonSession]) is not None

    def living(self, head: Head, now: float) -> PersonSession | None:
        """Return the session, or None if it has ended, was idle too long, or is not valid."""
        session = self.read(head, PersonSession)
        if session is None or session.ends <= now:
            return None
        seen = self.read(head, Seen)
        if seen is None or seen.session != session.csrf or seen.at + self.idle_seconds <= now:
            return None
        return session

    def seen(self, head: Head, session: PersonSession, now: float) -> list[Header]:
        """Return the last-use cookie to set if the request's own last-use cookie is older than a minute."""
        before = self.read(head, Seen)
        if before is not None and before.session == session.csrf and now - before.at < SEEN_SECONDS:
            return []
        return [self.write(Seen(session.csrf, now))]

    def ended(self) -> list[Header]:
        """Return the cookies that end the session. `Former` remains, so that the person can still send the text that
        they typed."""
        return [self.clear(PersonSession), self.clear(Seen)]

    def sign_out(self) -> list[Header]:
        return [*self.ended(), self.clear(Former)]

    def check_meant(
        self,
        head: Head,
        method: str,
        session: PersonSession,
        form: Mapping[str, str] | None = None,
        action: str = "",
    ) -> None:
        """Raise 403 unless a changing request comes from Ruta's own pages: from a script with the header, or from a
        form whose token is for `action`."""
        if method in SAFE_METHODS:
            return
        own = head.own
        given = own.get(b"x-csrf-token", b"").decode("latin-1")
        meant = hmac.compare_digest(given.encode(), session.csrf.encode())
        if not meant and not is_form_token((form or {}).get(FIELD, ""), session.csrf, action):
            raise CSRF.because("x_csrf_token_is_missing")
        self.check_origin(head, method)

    def check_origin(self, head: Head, method: str) -> None:
        """Raise 403 if a changing request comes from another site's page."""
        if method in SAFE_METHODS:
            return
        own = head.own
        site = own.get(b"sec-fetch-site")
        if site not in {None, b"same-origin"}:
            raise CSRF.because("request_comes_from_another_site")
        origin = own.get(b"origin", self._origin)
        # A page without a referrer policy sends `Origin: null` with its forms (Fetch §3.2). Sec-Fetch-Site then shows
        # that the page is ours.
        ours = origin == self._origin or (origin == b"null" and site is not None)
        if not ours:
            raise CSRF.because("request_comes_from_another_origin")

    def _header(self, name: str, value: str, seconds: int | None) -> Header:
        kept = "" if seconds is None else f"; Max-Age={seconds}"
        # Lax, not Strict: the browser must send the sign-in cookie after the provider's redirect.
        secure = "; Secure" if self._secure else ""
        cookie = f"{name}={value}; Path=/{kept}; HttpOnly; SameSite=Lax{secure}"
        return b"set-cookie", cookie.encode()


def new_csrf() -> str:
    return secrets.token_urlsafe(24)
