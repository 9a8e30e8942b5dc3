"""Bodies of transfers."""

from datetime import datetime
from uuid import UUID

from common.http import Strict
from pydantic import BaseModel

from referrals.ground.vocabulary import reasons
from referrals.ground.vocabulary.facts import decided


class NewTransfer(Strict):
    case_id: UUID
    to_organisation: UUID
    grant_id: UUID


class DeclineTransfer(Strict):
    reason: reasons.DeclineTransfer


class RecallTransfer(Strict):
    reason: reasons.RecallTransfer


class AcceptTransfer(Strict):
    pass


class TransferView(BaseModel):
    id: UUID
    case_id: UUID
    from_organisation: UUID
    to_organisation: UUID
    grant_id: UUID
    state: str
    version: int
    reason: str | None
    offered_at: datetime
    decided_at: datetime | None
    legal_transitions: list[str]


decided("TransferView", TransferView.model_fields)
