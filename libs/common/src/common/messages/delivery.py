"""A message, and the result of one delivery attempt. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum


@dataclass(frozen=True)
class Message:
    """A message. `headers` are e-mail headers, which other channels ignore."""

    subject: str
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Result(StrEnum):
    HANDED = "handed"
    LATER = "later"
    REFUSED = "refused"
    """Final: this address accepts nothing."""
    GONE = "gone"
    UNCLEAR = "unclear"
    """The message may have been sent: the answer was lost, and a repetition could be a duplicate."""


@dataclass(frozen=True)
class Handing:
    """The result of an attempt. `failure` is our own code, never the text from the relay or gateway, which may quote
    the address. `wait` is the pause that the relay or gateway requested."""

    result: Result
    failure: str | None = None
    wait: timedelta | None = None


# RFC 3463: the address itself is wrong. Other rejections (policy, size, blocklists) do not concern the address.
ADDRESS_REFUSED = ("5.1.", "5.2.1")
HANDED = Handing(Result.HANDED)


def waiting(retry_after: str | None) -> timedelta | None:
    """Parse Retry-After in seconds; ignore a date or a malformed value."""
    if retry_after is None or not retry_after.strip().isdigit():
        return None
    return timedelta(seconds=min(int(retry_after), 24 * 3600))
