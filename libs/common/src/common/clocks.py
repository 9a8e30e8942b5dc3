"""How far clocks may be apart, and what to say when they are. No I/O.

Machines of a field office have no NTP, so clocks drift. Tokens between our own processes tolerate
two minutes: they live for one, never leave the deployment, are bound to one service, and the
caller's own token was checked before; an overheard one is of use for two minutes longer. What
callers bring from outside keeps its shorter leeway at its end.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

BETWEEN_PROCESSES_SECONDS = 120
"""Apart by more than this, internal tokens are refused, and nothing ends by its date."""
TOLD_SECONDS = 10
"""From here on `/readyz` and `doctor` name the clock: time to mend it before it matters."""
OK = "ok"
REMEDY = (
    "set the clocks of the machines (chrony or another NTP client); apart by more than"
    f" {BETWEEN_PROCESSES_SECONDS} s, requests between them are refused"
)
DOUBTED = (
    "nothing ends by its date meanwhile: compare the machine's date with one you trust, set it if it is wrong;"
    " if it is right, nothing is to be done (docs/operate.md, RutaClockDoubted)"
)


def too_far(ours: float, theirs: float) -> bool:
    return abs(ours - theirs) > BETWEEN_PROCESSES_SECONDS


def compared(ours: float, theirs: float, whose: str) -> str:
    """`ok`, or how many seconds this process's clock is ahead of or behind another's."""
    apart = ours - theirs
    if abs(apart) < TOLD_SECONDS:
        return OK
    return f"{abs(apart):.0f} s {'ahead of' if apart > 0 else 'behind'} {whose}"


LEAP = timedelta(days=7)
DOUBTED_FOR = timedelta(days=3)
_BACK = timedelta(seconds=BETWEEN_PROCESSES_SECONDS)


@dataclass(frozen=True)
class Look:
    """The time at the last look at the clock, and from when on the clock is believed."""

    at: datetime
    believed_from: datetime

    @property
    def believed(self) -> bool:
        return self.at >= self.believed_from


def after(last: Look, now: datetime) -> Look:
    if -_BACK <= now - last.at <= LEAP:
        return Look(now, last.believed_from)
    return Look(now, now + DOUBTED_FOR)
