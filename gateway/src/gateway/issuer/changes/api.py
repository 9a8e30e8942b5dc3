"""The record of identity changes, newest first, for administrators."""

from datetime import datetime
from uuid import UUID

from common.paging import CursorText, Limit, Page, decode_cursor, encode_cursor
from common.web import Session, router
from pydantic import BaseModel

from gateway.issuer.access import Admin
from gateway.issuer.changes import queries

routes = router("/identity/v1/changes", ["identity"])


class Change(BaseModel):
    id: UUID
    at: datetime
    by_client: str
    by_subject: str
    what: str
    kind: str
    target: str


@routes.get("", summary="Who changed which identity")
async def listed(
    _admin: Admin, session: Session, limit: Limit = 100, cursor: CursorText = None
) -> Page[Change]:
    before = decode_cursor(cursor, 1)
    rows = await queries.page(session, str(before[0]) if before else None, limit)
    items = [Change(**row) for row in rows[:limit]]
    more = encode_cursor(str(items[-1].id)) if len(rows) > limit else None
    return Page[Change](items=items, next_cursor=more)
