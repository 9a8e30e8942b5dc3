"""The record of identity changes, newest first, for administrators and auditors."""

from datetime import datetime
from operator import itemgetter
from uuid import UUID

from common.http import Session, router
from common.ids import is_id
from common.paging import Limit, Page, page_of
from pydantic import BaseModel, Field
from sqlalchemy import RowMapping

from gateway.issuer.access import Admin, Auditor
from gateway.issuer.changes import queries as changes
from gateway.issuer.changes import service
from gateway.issuer.organisations.queries import names_of as organisations_of
from gateway.issuer.people.queries import names_of as people_of
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
    by_name: str | None = Field(None, description="By which name this person signs in.")
    target_name: str | None = Field(
        None, description="By which name the person signs in, or what the organisation is called."
    )


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
    """With the names of who did it, and to whom: an id says nothing to whoever reads it."""
    rows = await changes.page(session, before, limit)
    ids = [UUID(one) for row in rows for one in (row["by_subject"], row["target"]) if is_id(one)]
    names = await people_of(session, [str(one) for one in ids]) | await organisations_of(
        session, ids
    )

    def view(row: RowMapping) -> Change:
        by, target = names.get(row["by_subject"]), names.get(row["target"])
        return Change(**row, by_name=by, target_name=target)

    return page_of(rows, limit, view, itemgetter("id"))
