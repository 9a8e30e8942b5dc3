"""Bodies of transfers."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from common.http import Strict
from pydantic import BaseModel

from referrals.ground.vocabulary.facts import decided


class NewTransfer(Strict):
    case_id: UUID
    to_organisation: UUID
    grant_id: UUID


class DeclineTransfer(Strict):
    reason: Literal["capacity", "eligibility", "coverage", "safety", "conflict_of_interest"]


class RecallTransfer(Strict):
    reason: Literal["needs_changed", "person_declined", "mistake", "no_answer", "other"]


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
