"""The feed's items: ids and kinds only."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from referrals.ground.vocabulary.facts import decided


class FeedItem(BaseModel):
    id: UUID
    kind: str
    subject_type: str
    subject_id: UUID
    version: int | None
    for_supervisor: bool
    at: datetime


class Feed(BaseModel):
    """`next_cursor` is always present: store it for the next request. `more`: request again at once."""

    items: list[FeedItem]
    next_cursor: str
    more: bool


decided("FeedItem", FeedItem.model_fields)
