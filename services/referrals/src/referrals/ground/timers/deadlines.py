"""When the recipient must acknowledge and decide a referral, and the steps after a missed deadline. Pure.

The order is fixed: remind the recipient, notify its supervisor, suggest an alternative to the referrer, expire. Health
referrals never expire: late care is still care.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo

from common.words.codelists import categories
from common.words.tables import rows

DAY_MINUTES = 24 * 60
ANY = "*"


class Clock(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    DECIDE = "decide"
    REVIEW = "review"


class EscalationStep(StrEnum):
    REMINDER = "reminder"
    SUPERVISOR = "supervisor"
    ALTERNATIVE = "alternative"
    EXPIRY = "expiry"


_ORDER = tuple(EscalationStep)


@dataclass(frozen=True)
class Policy:
    """Minutes: the response window, then the delay of each later step."""

    window: int
    supervisor_after: int
    alternative_after: int
    expiry_after: int
    working_time: bool

    def after(self, step: EscalationStep) -> int:
        return {
            EscalationStep.REMINDER: 0,
            EscalationStep.SUPERVISOR: self.supervisor_after,
            EscalationStep.ALTERNATIVE: self.alternative_after,
            EscalationStep.EXPIRY: self.expiry_after,
        }[step]


Policies = Mapping[tuple[str, str, str], Policy]


@dataclass(frozen=True)
class WorkCalendar:
    """A country's working days; holidays are (month, day)."""

    timezone: ZoneInfo
    working_days: frozenset[int]
    holidays: frozenset[tuple[int, int]]

    def works_on(self, day: date) -> bool:
        return day.isoweekday() in self.working_days and (day.month, day.day) not in self.holidays

    def add(self, start: datetime, minutes: int) -> datetime:
        """Return `start` plus `minutes`, counting working days only."""
        moment, left = start.astimezone(self.timezone), timedelta(minutes=minutes)
        while True:
            midnight = (moment + timedelta(days=1)).replace(
                hour=0, minute=0, second=0, microsecond=0
            )
            if self.works_on(moment.date()):
                if left <= midnight - moment:
                    return (moment + left).astimezone(start.tzinfo)
                left -= midnight - moment
            moment = midnight


@cache
def default_policies() -> Policies:
    return {
        (row["aor"], row["urgency"], row["clock"]): Policy(
            int(row["window_minutes"]),
            int(row["supervisor_after_minutes"]),
            int(row["alternative_after_minutes"]),
            int(row["expiry_after_minutes"]),
            row["working_time"] == "yes",
        )
        for row in rows(__package__, "policies")
    }


@cache
def calendars() -> Mapping[str, WorkCalendar]:
    return {
        row["country"]: WorkCalendar(
            ZoneInfo(row["timezone"]),
            frozenset(int(d) for d in row["working_days"].split()),
            frozenset((int(m), int(d)) for m, d in (h.split("-") for h in row["holidays"].split())),
        )
        for row in rows(__package__, "calendars")
    }


def calendar_of(country: str) -> WorkCalendar:
    known = calendars()
    return known.get(country, known[ANY])


def policy_of(aor: str, urgency: str, clock: str, overrides: Policies) -> Policy:
    for table in (overrides, default_policies()):
        for name in (aor, ANY):
            if (name, urgency, clock) in table:
                return table[(name, urgency, clock)]
    raise KeyError((aor, urgency, clock))


def after(start: datetime, minutes: int, policy: Policy, calendar: WorkCalendar) -> datetime:
    if policy.working_time:
        return calendar.add(start, minutes)
    return start + timedelta(minutes=minutes)


def deadline(sent_at: datetime, policy: Policy, calendar: WorkCalendar) -> datetime:
    return after(sent_at, policy.window, policy, calendar)


def never_expires(category: str, clinical_deadline: datetime | None) -> bool:
    known = categories().get(category)
    return clinical_deadline is not None or (known is not None and known.helps_late)


def next_step(clock: Clock, step: EscalationStep, *, expires: bool) -> EscalationStep | None:
    """Return the step after `step` if nobody responds; None at the end."""
    if clock is Clock.REVIEW:
        return None
    following = _ORDER[_ORDER.index(step) + 1 :]
    if not following or (following[0] is EscalationStep.EXPIRY and not expires):
        return None
    return following[0]


def is_late(now: datetime, *limits: datetime | None) -> bool:
    return any(limit is not None and now > limit for limit in limits)
