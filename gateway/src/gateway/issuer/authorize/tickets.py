"""The sealed ticket in the sign-in form: what was asked, for whom, until when.

It replaces server-side state. Together with a cookie of the same browser it is also what keeps
another site from signing somebody in as somebody else (login CSRF).
"""

import base64
import hashlib
import hmac
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

import orjson
from common import crypto

from gateway.issuer.authorize.asked import Asked

LIFETIME = timedelta(minutes=10)
_CONTEXT = b"sign-in ticket"


class NoTicket(Exception):
    """Not ours, or of another browser."""


class OldTicket(Exception):
    """Ours and of this browser, but its time is over: what was asked is known, and can be asked anew."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked


class Tickets:
    def __init__(self, master: bytes) -> None:
        self._key = crypto.derived(master, b"ruta sign-in ticket")

    def make(self, asked: Asked, browser: str, now: datetime) -> str:
        """`browser`: the random value of the cookie."""
        content = {
            "asked": asdict(asked),
            "browser": _digest(browser),
            "until": (now + LIFETIME).timestamp(),
        }
        sealed = crypto.seal(self._key, orjson.dumps(content), _CONTEXT)
        return base64.urlsafe_b64encode(sealed).decode()

    def open(self, text: str, browser: str, now: datetime) -> "Opened":
        try:
            sealed = _sealed(text)
            content = orjson.loads(crypto.open_sealed(self._key, sealed, _CONTEXT))
        except (ValueError, crypto.CannotOpen):
            raise NoTicket from None
        if not hmac.compare_digest(content["browser"], _digest(browser)):
            raise NoTicket
        if now.timestamp() > content["until"]:
            raise OldTicket(Asked(**content["asked"]))
        made = datetime.fromtimestamp(content["until"], UTC) - LIFETIME
        return Opened(Asked(**content["asked"]), made)


@dataclass(frozen=True)
class Opened:
    asked: Asked
    made: datetime


def challenge_of(ticket: str) -> bytes:
    """What a passkey signs here: nobody can guess it, and it holds as long as the ticket, in its
    browser only. Nothing has to be stored for it."""
    return hashlib.sha256(_sealed(ticket)).digest()


def _sealed(ticket: str) -> bytes:
    return base64.urlsafe_b64decode(ticket)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
