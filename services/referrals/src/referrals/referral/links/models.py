"""Answer links, stored by the digest of their token. The token itself is never stored."""

from datetime import datetime
from uuid import UUID

from common.db.endings import TOLD_KEPT, Ending
from sqlmodel import Field

from referrals.tables import Instant, Row


class AnswerLink(Row, table=True):
    __tablename__ = "answer_links"

    digest: bytes = Field(primary_key=True)
    referral_id: UUID
    organisation_id: UUID
    language: str
    created_at: datetime = Field(sa_type=Instant)
    created_by: str
    expires_at: datetime = Field(sa_type=Instant)
    used_at: datetime | None = Field(default=None, sa_type=Instant)


_answer_links = AnswerLink.metadata.tables["answer_links"]
# An unknown link gets the same response as an expired one.
ENDING = Ending(_answer_links, _answer_links.c.expires_at, TOLD_KEPT)
