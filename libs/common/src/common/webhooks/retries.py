"""Schedules retries of webhook calls: for three days, then never. Pure."""

from datetime import datetime, timedelta

_MINUTE = 60
_HOUR = 3600
PAUSES = (
    5,
    5 * _MINUTE,
    30 * _MINUTE,
    2 * _HOUR,
    5 * _HOUR,
    10 * _HOUR,
    14 * _HOUR,
    20 * _HOUR,
    24 * _HOUR,
)


def next_attempt(attempts: int, now: datetime, jitter: float) -> datetime | None:
    """Return the time of the next attempt after `attempts` failures, or None to give up. `jitter` (0–1) shifts it by up
    to a tenth."""
    if attempts > len(PAUSES):
        return None
    return now + timedelta(seconds=PAUSES[attempts - 1] * (1 + jitter / 10))
