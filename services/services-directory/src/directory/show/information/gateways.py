"""Gateways that pass on text messages of the public: how they are known, and how they are answered."""

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
    """The gateway's names of its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: str = "secret"  # noqa: S105 - the name of a field
    number: str = "from"
    text: str = "text"


class Questions(BaseModel):
    """`answer`: `returned` in the answer to the gateway, which needs no number; `sent` through the
    gateway that messages go out by."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: SecretStr = Field(min_length=16)
    answer: Literal["returned", "sent"] = "returned"
    fields: Fields = Fields()

    def knows(self, secret: object) -> bool:
        own = self.secret.get_secret_value().encode()
        return isinstance(secret, str) and hmac.compare_digest(secret.encode(), own)


def questions_of(file: Path) -> Questions:
    """ValueError (of pydantic) says which member is wrong."""
    return Questions.model_validate_json(file.read_bytes())


class Turns:
    """How often a number was answered in the last hour, so that two machines that answer each other
    come to an end. In the memory of this process alone, under a key that ends with it."""

    MOST = 6

    def __init__(self) -> None:
        self._key = token_bytes(32)
        self._answered: OrderedDict[bytes, deque[float]] = OrderedDict()

    def take(self, number: str, now: float | None = None) -> bool:
        """Whether this number is answered once more."""
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
        """The turn just taken was none: nothing went out, and the gateway asks again."""
        if times := self._answered.get(self._named(number)):
            times.pop()
            if not times:
                del self._answered[self._named(number)]

    def _named(self, number: str) -> bytes:
        return hmac.digest(self._key, number.encode(), sha256)
