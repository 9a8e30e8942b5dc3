"""Schedules retries of undelivered messages. Pure."""

from datetime import datetime, timedelta

_MINUTE = 60
_HOUR = 3600
# The pauses add up to more than a day, so that a relay can be down for a day without losing a message. Greylisting
# (RFC 6647) accepts a message after some minutes. No pause exceeds two hours, so that an emergency message is sent
# soon after the relay recovers.
PAUSES = (
    30,
    2 * _MINUTE,
    10 * _MINUTE,
    30 * _MINUTE,
    _HOUR,
    *[2 * _HOUR] * 12,
)
OWED_FOR = timedelta(seconds=sum(PAUSES) * 6 / 5)
"""The sum of all pauses at their longest. A message that arrives later is still pending when an older one is given
up."""
URGENT_PAUSES = (
    5,
    10,
    20,
    40,
    *[_MINUTE] * 5,
    *[2 * _MINUTE] * 5,
    *[5 * _MINUTE] * 6,
    10 * _MINUTE,
)
"""Pauses of an emergency. If the relay or gateway asks for a longer pause, it gets at most a minute."""


def next_attempt(
    attempts: int, now: datetime, jitter: float, asked: timedelta | None = None
) -> datetime | None:
    """Return the time of the next attempt as `next_try` does. Return None after the last pause, because no further
    attempt follows."""
    return None if attempts > len(PAUSES) else next_try(attempts, now, jitter, asked)


def next_try(
    attempts: int,
    now: datetime,
    jitter: float,
    asked: timedelta | None = None,
    *,
    urgent: bool = False,
) -> datetime:
    """Return the time of the next attempt after `attempts` failures. The last pause repeats. `jitter` (0–1) adds up to
    a fifth. If the relay or gateway requested a pause, the attempt comes after it."""
    pauses = URGENT_PAUSES if urgent else PAUSES
    pause = timedelta(seconds=pauses[min(attempts, len(pauses)) - 1] * (1 + jitter / 5))
    waits = asked or timedelta(0)
    return now + max(pause, min(waits, timedelta(seconds=_MINUTE)) if urgent else waits)
