"""The sealed ticket in the sign-in form: what was asked, for whom, until when.

It replaces server-side state. Together with a cookie of the same browser it is also what keeps
another site from signing somebody in as somebody else (login CSRF).
"""

import base64
import hashlib
import hmac
from dataclasses import asdict
from datetime import datetime, timedelta

import orjson
from common import crypto

from gateway.issuer.authorize.asked import Asked

LIFETIME = timedelta(minutes=10)
_CONTEXT = b"sign-in ticket"


class NoTicket(Exception):
    """Not ours, too old, or of another browser."""


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

    def open(self, text: str, browser: str, now: datetime) -> Asked:
        try:
            sealed = base64.urlsafe_b64decode(text)
            content = orjson.loads(crypto.open_sealed(self._key, sealed, _CONTEXT))
        except (ValueError, crypto.CannotOpen):
            raise NoTicket from None
        if now.timestamp() > content["until"]:
            raise NoTicket
        if not hmac.compare_digest(content["browser"], _digest(browser)):
            raise NoTicket
        return Asked(**content["asked"])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
