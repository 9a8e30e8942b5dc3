"""Reads events into facts: which columns a fact takes from which event, and nothing more."""

from datetime import date
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from common import clock
from common.events.referrals import EscalationRaised, ReferralData
from common.places import Places
from common.referral_states import ReferralState

from reporting.facts.progress import CONFIRMED, ESCALATION, STATE, FactStep, ReferralFact

FIRST_TOLD = 2
"""The version of a referral at its first step, unless it was changed as a draft."""
AREA_LEVEL = 1
"""Facts keep areas at the first administrative level: no reader needs more, no leak can give it."""


class RecordedStep(NamedTuple):
    """A step with the parts that only releases use. Attributes are None without a reporting grant.

    `natural_day` is the day on which it happened; the day it counts on may be later (R4).
    """

    event_id: UUID
    step: FactStep
    natural_day: date
    urgency: str | None = None
    person: bytes | None = None
    countable: bool = False
    sex: str | None = None
    age_band: str | None = None


@lru_cache(maxsize=4096)
def area_of(pcode: str | None) -> str | None:
    """The first-level area of a P-code; None for one that no table knows."""
    places = Places.load()
    if pcode is None or not places.is_known(pcode):
        return None
    return places.at_most(pcode, AREA_LEVEL)


def is_next(step: FactStep, stood: ReferralFact | None) -> bool:
    """Whether it seems to be what follows where its referral `stood`; None: nothing came before."""
    if stood is not None:
        return step.version - 1 in (stood.state_version, stood.escalated_version)
    return step.kind == STATE and (step.state == ReferralState.SENT or step.version == FIRST_TOLD)


def read_state(event: ReferralData, event_id: UUID, person: bytes) -> RecordedStep:
    """A referral of the person entered a state. What an organisation refers to itself is internal work,
    which no release counts."""
    internal = event.from_organisation == event.to_organisation
    attributes, at = None if internal else event.attributes, event.occurred_at
    # By position, as a rebuild reads millions: names take twice as long.
    step = FactStep(
        event.referral_id,
        event.version,
        STATE,
        event.state,
        at,
        event.from_organisation,
        event.to_organisation,
        event.category,
        event.aor,
        area_of(event.area),
        event.reason,
        event.outcome,
        event.late,
    )
    countable = attributes is not None
    sex, age_band = (attributes.sex, attributes.age_band) if attributes else (None, None)
    return RecordedStep(
        event_id, step, clock.utc_day(at), event.urgency, person, countable, sex, age_band
    )


def read_confirmation(event: ReferralData, event_id: UUID) -> RecordedStep:
    """Somebody other than the recipient confirmed what was delivered."""
    step = FactStep(event.referral_id, event.version, CONFIRMED, "", event.occurred_at)
    return RecordedStep(event_id=event_id, step=step, natural_day=clock.utc_day(event.occurred_at))


def read_escalation(event: EscalationRaised, event_id: UUID) -> RecordedStep:
    """A deadline passed; `state` holds which step of the escalation it is."""
    step = FactStep(event.referral_id, event.version, ESCALATION, event.step, event.due_at)
    return RecordedStep(event_id=event_id, step=step, natural_day=clock.utc_day(event.due_at))
