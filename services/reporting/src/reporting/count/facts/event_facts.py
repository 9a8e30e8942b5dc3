"""Converts events into facts: which columns a fact takes from which event."""

from datetime import date
from typing import NamedTuple
from uuid import UUID

from common import clock
from common.events.referrals import EscalationRaised, ReferralData
from common.words.places import Places

from reporting.count.facts.progress import CONFIRMED, ESCALATION, STATE, FactStep

AREA_LEVEL = 1
"""Facts contain areas only at the first administrative level: no reader needs more, and no leak can reveal more."""


class RecordedStep(NamedTuple):
    """A step with the parts that only releases use. Attributes are None without a reporting grant. `natural_day` is the
    day on which it happened; it may count on a later day (R4)."""

    event_id: UUID
    step: FactStep
    natural_day: date
    urgency: str | None = None
    person: bytes | None = None
    countable: bool = False
    sex: str | None = None
    age_band: str | None = None


def area_of(pcode: str | None) -> str | None:
    """Return the first-level area of a P-code; None if it is unknown."""
    places = Places.load()
    if pcode is None or not places.is_known(pcode):
        return None
    return places.at_most(pcode, AREA_LEVEL)


def read_state(event: ReferralData, event_id: UUID, person: bytes) -> RecordedStep:
    """Convert a referral's state event to a step. An organisation's referrals to itself are internal work, which
    releases do not count."""
    internal = event.from_organisation == event.to_organisation
    attributes = None if internal else event.attributes
    step = FactStep(
        referral_id=event.referral_id,
        version=event.version,
        kind=STATE,
        state=event.state,
        occurred_at=event.occurred_at,
        from_organisation=event.from_organisation,
        to_organisation=event.to_organisation,
        category=event.category,
        aor=event.aor,
        area=area_of(event.area),
        reason=event.reason,
        outcome=event.outcome,
        late=event.late,
    )
    return RecordedStep(
        event_id=event_id,
        step=step,
        natural_day=clock.utc_day(event.occurred_at),
        urgency=event.urgency,
        person=person,
        countable=attributes is not None,
        sex=attributes.sex if attributes else None,
        age_band=attributes.age_band if attributes else None,
    )


def read_confirmation(event: ReferralData, event_id: UUID) -> RecordedStep:
    """Convert a confirmation event to a step. Somebody other than the recipient confirmed the delivery."""
    step = FactStep(event.referral_id, event.version, CONFIRMED, "", event.occurred_at)
    return RecordedStep(event_id=event_id, step=step, natural_day=clock.utc_day(event.occurred_at))


def read_escalation(event: EscalationRaised, event_id: UUID) -> RecordedStep:
    """Convert a missed-deadline event to a step; `state` is the escalation step."""
    step = FactStep(event.referral_id, event.version, ESCALATION, event.step, event.due_at)
    return RecordedStep(event_id=event_id, step=step, natural_day=clock.utc_day(event.due_at))
