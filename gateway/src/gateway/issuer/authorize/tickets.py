"""The sealed ticket in the sign-in form: what was asked, for whom, until when.

It replaces server-side state. Together with a cookie of the same browser it is also what keeps
another site from signing somebody in as somebody else (login CSRF).
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from common import crypto

from gateway.issuer.authorize.asked import Asked
from gateway.issuer.sign_ins.factors import Factor

LIFETIME = timedelta(minutes=10)
_CONTEXT, _ENTERED = b"sign-in ticket", b"entered ticket"


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
    """Somebody who proved who they are, at that moment, and is shown what was changed before they are let in. `version`:
    of their row, so that whatever is changed meanwhile makes it void; `news`: the mark of what they are shown."""

    asked: Asked
    person: UUID
    version: int
    factor: Factor
    at: datetime
    news: str = ""


def challenge_of(ticket: str) -> bytes:
    """What a passkey signs here: nobody can guess it, and it holds as long as the ticket, in its
    browser only. Nothing has to be stored for it."""
    return hashlib.sha256(_sealed(ticket)).digest()


def _made(content: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(content["until"], UTC) - LIFETIME


def _sealed(ticket: str) -> bytes:
    return base64.urlsafe_b64decode(ticket)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
