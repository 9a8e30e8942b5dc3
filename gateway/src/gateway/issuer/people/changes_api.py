"""The record of identity changes, newest first, for administrators and auditors."""

from datetime import datetime
from operator import itemgetter
from uuid import UUID

from common.paging import Limit, Page, page_of
from common.web import Session, router
from pydantic import BaseModel

from gateway.issuer.access import Admin, Auditor
from gateway.issuer.changes import queries, service
from gateway.issuer.records import After

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
    _admin: Admin, session: Session, before: After, limit: Limit = 100
) -> Page[Change]:
    return await _page(session, before, limit)


@routes.get("/record", summary="Who changed which identity, for auditors")
async def audited(
    auditor: Auditor, session: Session, before: After, limit: Limit = 100
) -> Page[Change]:
    """The same; each look stands in the record itself."""
    page = await _page(session, before, limit)
    await service.record(session, auditor, "read", "record", "changes")
    return page


async def _page(session: Session, before: str | None, limit: int) -> Page[Change]:
    rows = await queries.page(session, before, limit)
    return page_of(rows, limit, lambda row: Change(**row), itemgetter("id"))
