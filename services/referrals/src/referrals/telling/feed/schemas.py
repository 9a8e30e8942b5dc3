"""The feed's items, with only ids and kinds."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from common.words.enums import enum_of
from pydantic import BaseModel

from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.vocabulary.facts import decided


class FeedItem(BaseModel):
    id: UUID
    kind: Annotated[str, enum_of(NoticeKind)]
    subject_type: str
    subject_id: UUID
    version: int | None
    for_supervisor: bool
    at: datetime


class Feed(BaseModel):
    """A page of the feed. `next_cursor` is always present: store it for the next request. `more`: send the next request
    at once."""

    items: list[FeedItem]
    next_cursor: str
    more: bool


decided("FeedItem", FeedItem.model_fields)
