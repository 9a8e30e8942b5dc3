"""Webhook addresses and the deliveries to them."""

from datetime import datetime, timedelta
from uuid import UUID

from common.db.endings import Ending
from sqlmodel import Field

from referrals.tables import Instant, Row, Texts


class Webhook(Row, table=True):
    """A webhook. `kept_by` is its owner since it was last enabled; None means the person who added it. The webhook is
    silent while its owner or organisation is suspended."""

    __tablename__ = "webhooks"

    id: UUID = Field(primary_key=True)
    organisation_id: UUID
    url: str
    kinds: list[str] | None = Field(default=None, sa_type=Texts)
    secret: bytes
    former_secret: bytes | None = None
    former_until: datetime | None = Field(default=None, sa_type=Instant)
    active: bool
    disabled_reason: str | None = None
    created_at: datetime = Field(sa_type=Instant)
    created_by: str
    kept_by: str | None = None


class Delivery(Row, table=True):
    __tablename__ = "webhook_deliveries"

    id: UUID = Field(primary_key=True)
    webhook_id: UUID
    organisation_id: UUID
    notice_id: UUID
    status: str
    attempts: int
    next_attempt_at: datetime = Field(sa_type=Instant)
    answer_status: int | None = None
    failure: str | None = None
    created_at: datetime = Field(sa_type=Instant)
    delivered_at: datetime | None = Field(default=None, sa_type=Instant)


_webhook_deliveries = Delivery.metadata.tables["webhook_deliveries"]
# This applies whatever the outcome. A system that was offline for a quarter of a year reads the lists instead.
ENDING = Ending(_webhook_deliveries, _webhook_deliveries.c.created_at, timedelta(days=90))
