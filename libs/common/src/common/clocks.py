"""Limits for clock differences, and how to report a difference. Pure.

Machines in a field office have no NTP, so their clocks drift. Tokens between our own processes tolerate two minutes.
They are valid for one minute, never leave the deployment and are meant for one service. The caller's own token was
checked before. An intercepted token works for two minutes longer. Tokens from outside keep their shorter leeway.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

BETWEEN_PROCESSES_SECONDS = 120
"""If clocks differ by more than this, internal tokens are refused and nothing expires by date."""
TOLD_SECONDS = 10
"""From this difference on, `/readyz` and `doctor` report the clock, so that it is corrected before it matters."""
OK = "ok"
REMEDY = (
    "synchronise the clocks of the machines (chrony or another NTP client); if they differ by more than"
    f" {BETWEEN_PROCESSES_SECONDS} s, requests between them are refused"
)
DOUBTED = "meanwhile nothing ends on its date. Compare the machine's date with one that you trust, and set it if it is wrong; if it is right, you need not do anything (docs/operate.md, RutaClockDoubted)"


def too_far(ours: float, theirs: float) -> bool:
    return abs(ours - theirs) > BETWEEN_PROCESSES_SECONDS


def compared(ours: float, theirs: float, whose: str) -> str:
    """Return `ok`, or the number of seconds by which this process's clock is ahead of or behind another clock."""
    apart = ours - theirs
    if abs(apart) < TOLD_SECONDS:
        return OK
    return f"{abs(apart):.0f} s {'ahead of' if apart > 0 else 'behind'} {whose}"


LEAP = timedelta(days=7)
DOUBTED_FOR = timedelta(days=3)
_BACK = timedelta(seconds=BETWEEN_PROCESSES_SECONDS)


@dataclass(frozen=True)
class Look:
    """The time of the last clock check, and the time from which the clock is trusted."""

    at: datetime
    believed_from: datetime

    @property
    def believed(self) -> bool:
        return self.at >= self.believed_from


def after(last: Look, now: datetime) -> Look:
    if -_BACK <= now - last.at <= LEAP:
        return Look(now, last.believed_from)
    return Look(now, now + DOUBTED_FOR)
