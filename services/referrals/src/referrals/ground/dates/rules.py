"""When a clock is believed that says that something has to end for good. Pure.

A key that was destroyed comes back by no correction of the clock. A clock that leapt further than a machine is
usually switched off for, or that was set back, may be as wrong after as before: for some days nothing ends by it, so
that somebody can look.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from common.clocks import BETWEEN_PROCESSES_SECONDS

LEAP = timedelta(days=7)
DOUBTED = timedelta(days=3)
_BACK = timedelta(seconds=BETWEEN_PROCESSES_SECONDS)


@dataclass(frozen=True)
class Look:
    """What the clock said when it was looked at last, and from when on it is believed."""

    at: datetime
    believed_from: datetime

    @property
    def believed(self) -> bool:
        return self.at >= self.believed_from


def after(last: Look, now: datetime) -> Look:
    """The look at `now`."""
    if -_BACK <= now - last.at <= LEAP:
        return Look(now, last.believed_from)
    return Look(now, now + DOUBTED)
