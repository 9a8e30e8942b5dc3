"""When a message that could not be handed over is tried again. Pure."""

from datetime import datetime, timedelta

_MINUTE = 60
_HOUR = 3600
# Together more than a day: a relay that is away for one loses nobody's message. Greylisting (RFC 6647)
# takes a message after some minutes. None is longer than two hours: a relay that is back after a bad day
# is not left waiting with an emergency until the next morning.
PAUSES = (
    30,
    2 * _MINUTE,
    10 * _MINUTE,
    30 * _MINUTE,
    _HOUR,
    *[2 * _HOUR] * 12,
)
OWED_FOR = timedelta(seconds=sum(PAUSES) * 6 / 5)
"""How long something is tried: all pauses at their longest. What came later is still owed when that is given up."""
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
"""Of an emergency: a relay or gateway that asks for more time gets a minute at most."""


def next_attempt(
    attempts: int, now: datetime, jitter: float, asked: timedelta | None = None
) -> datetime | None:
    """As `next_try`; None after the last pause: give up."""
    return None if attempts > len(PAUSES) else next_try(attempts, now, jitter, asked)


def next_try(
    attempts: int,
    now: datetime,
    jitter: float,
    asked: timedelta | None = None,
    *,
    urgent: bool = False,
) -> datetime:
    """After `attempts` failures; the last pause is repeated. `jitter` 0–1 spreads it by up to a fifth; not before
    `asked` is over, where the other side named a time."""
    pauses = URGENT_PAUSES if urgent else PAUSES
    pause = timedelta(seconds=pauses[min(attempts, len(pauses)) - 1] * (1 + jitter / 5))
    waits = asked or timedelta(0)
    return now + max(pause, min(waits, timedelta(seconds=_MINUTE)) if urgent else waits)
