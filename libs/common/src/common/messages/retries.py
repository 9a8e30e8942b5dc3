"""When a message that could not be handed over is tried again. Pure."""

from datetime import datetime, timedelta

_MINUTE = 60
_HOUR = 3600
# Together more than a day: a relay that is away for one loses nobody's message. Greylisting (RFC 6647)
# takes a message after some minutes.
PAUSES = (
    30,
    2 * _MINUTE,
    10 * _MINUTE,
    30 * _MINUTE,
    _HOUR,
    2 * _HOUR,
    4 * _HOUR,
    8 * _HOUR,
    12 * _HOUR,
)


def next_attempt(
    attempts: int, now: datetime, jitter: float, asked: timedelta | None = None
) -> datetime | None:
    """After `attempts` failures; `jitter` 0–1 spreads it by up to a fifth; not before `asked` is over,
    where the other side named a time. None: give up."""
    if attempts > len(PAUSES):
        return None
    pause = timedelta(seconds=PAUSES[attempts - 1] * (1 + jitter / 5))
    return now + max(pause, asked or timedelta(0))
