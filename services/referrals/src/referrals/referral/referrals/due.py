"""When a referral's next step is due, and whether it is overdue. Pure. `due_queries` turns this table into SQL."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

from common import clock
from common.words.choices import words
from common.words.referral_states import ReferralState

from referrals.referral.referrals.lifecycle import UNDECIDED

LIMITS: dict[str, frozenset[ReferralState]] = {
    "acknowledge_by": frozenset({ReferralState.SENT}),
    "decide_by": UNDECIDED,
    "clinical_deadline": UNDECIDED,
    "act_by": frozenset({ReferralState.ACCEPTED, ReferralState.IN_SERVICE}),
    "appointment_at": frozenset({ReferralState.SCHEDULED}),
    "review_on": frozenset({ReferralState.ON_HOLD}),
}
"""The deadlines of a referral, and the states in which each counts. A deadline on a day sorts at the day's start in
UTC, and is overdue after the day has ended in local time."""


class Limited(Protocol):
    state: str
    acknowledge_by: datetime | None
    decide_by: datetime | None
    clinical_deadline: datetime | None
    act_by: datetime | None
    appointment_at: datetime | None
    review_on: date | None


class Sent(Limited, Protocol):
    unshared_deadline: datetime | None


def due(referral: Limited) -> datetime | None:
    """Return when the next step is due; None if it has no deadline."""
    return min(map(_start, _limits(referral)), default=None)


def due_to_sender(referral: Sent) -> datetime | None:
    """Return when the sender's next step is due, including the clinical deadline that the recipient may not see."""
    known, own = due(referral), referral.unshared_deadline
    if own is None or referral.state not in LIMITS["clinical_deadline"]:
        return known
    return own if known is None else min(known, own)


def is_overdue(referral: Limited, now: datetime) -> bool:
    return any(
        limit < (now if isinstance(limit, datetime) else clock.day_of(now))
        for limit in _limits(referral)
    )


def _limits(referral: Limited) -> Iterator[date]:
    for name, states in LIMITS.items():
        limit = getattr(referral, name)
        if limit is not None and referral.state in states:
            yield limit


def _start(limit: date) -> datetime:
    return limit if isinstance(limit, datetime) else datetime.combine(limit, time.min, UTC)


BEGINS_WITHIN = {
    code: timedelta(days=int(row["begins_days"])) for code, row in words("urgencies").items()
}
"""The time from acceptance to the appointment or the start."""
LOOKED_AT_WITHIN = timedelta(days=30)
"""The time between two reviews of an ongoing service."""


def act_by(state: ReferralState, urgency: str, now: datetime) -> datetime | None:
    """Return the deadline of a state entered now. Return None if the state has no deadline or has its own field for
    it."""
    if state is ReferralState.ACCEPTED:
        return now + BEGINS_WITHIN[urgency]
    if state is ReferralState.IN_SERVICE:
        return now + LOOKED_AT_WITHIN
    return None
