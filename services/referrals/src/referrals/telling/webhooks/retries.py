"""When a failed delivery is tried again. Pure. The schedule is that of Standard Webhooks."""

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
    """After `attempts` failures; `jitter` 0–1 spreads it by up to a tenth. None: give up."""
    if attempts > len(PAUSES):
        return None
    return now + timedelta(seconds=PAUSES[attempts - 1] * (1 + jitter / 10))
