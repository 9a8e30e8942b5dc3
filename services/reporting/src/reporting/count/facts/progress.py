"""The state of one referral, built from its steps in any order. `advance` is commutative and idempotent over (referral,
version): each field is a minimum, a maximum, or the value from the highest version so far."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from common.words.referral_states import ACCEPTED, ANSWERED, DELIVERED

STATE, CONFIRMED, ESCALATION = "state", "confirmed", "escalation"


class FactStep(NamedTuple):
    """A referral event; its `kind` is state, confirmed or escalation."""

    referral_id: UUID
    version: int
    kind: str
    state: str
    occurred_at: datetime
    from_organisation: UUID | None = None
    to_organisation: UUID | None = None
    category: str | None = None
    aor: str | None = None
    area: str | None = None
    reason: str | None = None
    outcome: str | None = None
    late: bool = False


class ReferralFact(NamedTuple):
    """One referral's milestones. `state_version` 0 means that no state has arrived yet."""

    referral_id: UUID
    state_version: int = 0
    state: str = ""
    reason: str | None = None
    outcome: str | None = None
    from_organisation: UUID | None = None
    to_organisation: UUID | None = None
    category: str | None = None
    aor: str | None = None
    area: str | None = None
    sent_at: datetime | None = None
    acknowledged_at: datetime | None = None
    accepted_at: datetime | None = None
    delivered_at: datetime | None = None
    confirmed_at: datetime | None = None
    escalated_version: int = 0
    late: bool = False

    @property
    def overdue(self) -> bool:
        """Return whether an escalation was raised and nothing has happened since."""
        return self.escalated_version > self.state_version > 0


def advance(fact: ReferralFact, step: FactStep) -> ReferralFact:
    """Return the fact after `step`, whatever its position in the order of versions."""
    if step.kind == ESCALATION:
        return fact._replace(escalated_version=max(fact.escalated_version, step.version))
    if step.kind == CONFIRMED:
        return fact._replace(confirmed_at=_first(fact.confirmed_at, step.occurred_at))
    newest = step if step.version > fact.state_version else fact
    state, at = step.state, step.occurred_at
    return fact._replace(
        state_version=max(fact.state_version, step.version),
        state=newest.state,
        reason=newest.reason,
        outcome=newest.outcome,
        from_organisation=newest.from_organisation,
        to_organisation=newest.to_organisation,
        category=newest.category,
        aor=newest.aor,
        area=newest.area,
        sent_at=_first(fact.sent_at, at) if state == "sent" else fact.sent_at,
        acknowledged_at=_first(fact.acknowledged_at, at)
        if state in ANSWERED
        else fact.acknowledged_at,
        accepted_at=_first(fact.accepted_at, at) if state in ACCEPTED else fact.accepted_at,
        delivered_at=_first(fact.delivered_at, at) if state in DELIVERED else fact.delivered_at,
        late=fact.late or step.late,
    )


def _first(known: datetime | None, other: datetime) -> datetime:
    return other if known is None else min(known, other)
