"""Request and response bodies for webhooks."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from common.http import ShownOnce, Strict
from pydantic import BaseModel, Field, model_validator

from referrals.ground.notices.kinds import NoticeKind

DeliveryStatus = Literal["waiting", "delivered", "dead", "access_ended"]


class NewWebhook(Strict):
    url: str = Field(max_length=2000, examples=["https://cases.example.org/ruta"])
    kinds: list[NoticeKind] | None = Field(
        None, max_length=50, description="Only these kinds of notice; absent: all."
    )


class WebhookView(BaseModel):
    id: UUID
    url: str
    kinds: list[str] | None
    active: bool
    disabled_reason: str | None
    held: bool = Field(
        False,
        description="It calls nobody, as the account that answers for it (that added it, or enabled it last) is"
        " switched off: what is due waits. Whoever enables it answers for it.",
    )
    created_at: datetime


class WebhookSecret(WebhookView):
    secret: ShownOnce = Field(
        None,
        description="whsec_…; shown this once. Verify every call with it. A repeated command shows "
        "null: if the first answer was lost, rotate the secret.",
    )


class Replay(Strict):
    """A replay of one delivery, or of all failed ones since a given time."""

    delivery_id: UUID | None = None
    dead_since: datetime | None = None

    @model_validator(mode="after")
    def _one(self) -> "Replay":
        if (self.delivery_id is None) == (self.dead_since is None):
            raise ValueError("give delivery_id or dead_since")
        if self.dead_since is not None and self.dead_since.tzinfo is None:
            raise ValueError("dead_since needs an offset, e.g. 2026-01-31T12:00:00Z")
        return self


class Replayed(BaseModel):
    deliveries: int


class Nothing(Strict):
    pass


class DeliveryView(BaseModel):
    id: UUID
    notice_id: UUID
    status: DeliveryStatus
    attempts: int
    next_attempt_at: datetime
    answer_status: int | None
    failure: str | None
    created_at: datetime
    delivered_at: datetime | None
