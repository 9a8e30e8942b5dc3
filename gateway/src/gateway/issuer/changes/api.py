"""The record of identity changes, newest first, for administrators."""

from datetime import datetime
from operator import itemgetter
from uuid import UUID

from common.paging import CursorText, Limit, Page, keys_in, page_of
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
    (before,) = keys_in(cursor, str) or (None,)
    rows = await queries.page(session, before, limit)
    return page_of(rows, limit, lambda row: Change(**row), itemgetter("id"))
