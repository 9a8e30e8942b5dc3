"""A message, and what became of one attempt to hand it over. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum


@dataclass(frozen=True)
class Message:
    """`headers`: of a mail alone."""

    subject: str
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Result(StrEnum):
    HANDED = "handed"
    LATER = "later"
    REFUSED = "refused"
    """For good: this address takes nothing."""
    GONE = "gone"
    UNCLEAR = "unclear"
    """It may have been taken: the answer was lost, and a second one would be told twice."""


@dataclass(frozen=True)
class Handing:
    """`failure` is a code for the list of channels, never a text of theirs: that may quote the address.
    `wait`: how long the other side asked to be left alone."""

    result: Result
    failure: str | None = None
    wait: timedelta | None = None


# RFC 3463: the address itself is wrong. Other refusals (policy, size, blocked lists) say nothing of it.
ADDRESS_REFUSED = ("5.1.", "5.2.1")
HANDED = Handing(Result.HANDED)


def waiting(retry_after: str | None) -> timedelta | None:
    """Retry-After in seconds; a date, or nonsense, counts as not said."""
    if retry_after is None or not retry_after.strip().isdigit():
        return None
    return timedelta(seconds=min(int(retry_after), 24 * 3600))
