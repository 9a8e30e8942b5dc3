"""Notices by organisation; `position` orders them by transaction, for the feed."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from common.db.endings import TOLD_KEPT, Ending
from sqlmodel import Field

from referrals.tables import Instant, Row


class Xid8(sa.types.UserDefinedType[int]):
    """A 64-bit transaction id, which asyncpg treats as an integer."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


class Notice(Row, table=True):
    __tablename__ = "notices"

    id: UUID = Field(primary_key=True)
    position: int = Field(sa_type=Xid8)
    organisation_id: UUID
    kind: str
    subject_type: str
    subject_id: UUID
    version: int | None = None
    for_supervisor: bool = False
    at: datetime = Field(sa_type=Instant)
    fanned_out_at: datetime | None = Field(default=None, sa_type=Instant)


_notices = Notice.metadata.tables["notices"]
# Counted from the creation of the deliveries. They expire earlier, so each delivery still finds its notice.
ENDING = Ending(_notices, _notices.c.fanned_out_at, TOLD_KEPT)
