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
OWED_FOR = timedelta(seconds=sum(PAUSES))
"""How long something is tried; what came later than the first failure is still owed when that is given up."""


def next_attempt(
    attempts: int, now: datetime, jitter: float, asked: timedelta | None = None
) -> datetime | None:
    """After `attempts` failures; `jitter` 0–1 spreads it by up to a fifth; not before `asked` is over,
    where the other side named a time. None: give up."""
    if attempts > len(PAUSES):
        return None
    pause = timedelta(seconds=PAUSES[attempts - 1] * (1 + jitter / 5))
    return now + max(pause, asked or timedelta(0))
