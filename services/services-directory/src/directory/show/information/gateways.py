"""Gateways that forward text messages from the public: how they authenticate, and how the directory responds."""

import hmac
import time
from collections import OrderedDict, deque
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

_AN_HOUR = 3600
_KNOWN = 20_000


class Fields(BaseModel):
    """The names of the fields that the gateway sends."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: str = "secret"  # noqa: S105 - the name of a field
    number: str = "from"
    text: str = "text"


class Questions(BaseModel):
    """Settings of a gateway. `answer` is `returned` in the response, which needs no number, or `sent` through the
    gateway for outgoing messages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: SecretStr = Field(min_length=16)
    answer: Literal["returned", "sent"] = "returned"
    fields: Fields = Fields()

    def knows(self, secret: object) -> bool:
        own = self.secret.get_secret_value().encode()
        return isinstance(secret, str) and hmac.compare_digest(secret.encode(), own)


def questions_of(file: Path) -> Questions:
    """Read the settings. Raise a pydantic ValueError that names the invalid member."""
    return Questions.model_validate_json(file.read_bytes())


class Turns:
    """Counts the replies to each number within an hour. Two machines that reply to each other therefore stop. Only this
    process keeps the counts, by a hash of the number."""

    MOST = 6

    def __init__(self) -> None:
        self._key = token_bytes(32)
        self._answered: OrderedDict[bytes, deque[float]] = OrderedDict()

    def take(self, number: str, now: float | None = None) -> bool:
        """Return whether this number may get another reply."""
        at = time.monotonic() if now is None else now
        name = self._named(number)
        while self._answered and at - next(iter(self._answered.values()))[-1] > _AN_HOUR:
            self._answered.popitem(last=False)
        times = self._answered.setdefault(name, deque())
        while times and at - times[0] > _AN_HOUR:
            times.popleft()
        if len(times) >= self.MOST:
            return False
        times.append(at)
        self._answered.move_to_end(name)
        if len(self._answered) > _KNOWN:
            self._answered.popitem(last=False)
        return True

    def give_back(self, number: str) -> None:
        """Undo the last count, because nothing was sent and the gateway will repeat its request."""
        if times := self._answered.get(self._named(number)):
            times.pop()
            if not times:
                del self._answered[self._named(number)]

    def _named(self, number: str) -> bytes:
        return hmac.digest(self._key, number.encode(), sha256)
