"""Organisations and their AoR memberships, for administrators."""

from operator import itemgetter
from uuid import UUID

from common.paging import CursorText, Limit, Page, keys_in, next_cursor
from common.web import IfMatch, Session, check_if_match, etag_of, router
from fastapi import Response

from gateway.issuer.access import Admin
from gateway.issuer.organisations import queries, service
from gateway.issuer.organisations.schemas import NewOrganisation, Organisation, OrganisationChange

routes = router("/identity/v1/organisations", ["identity"])


@routes.post("", status_code=201, summary="Add an organisation")
async def create(
    new: NewOrganisation, admin: Admin, session: Session, response: Response
) -> Organisation:
    row = await service.create(session, admin, new)
    response.headers["ETag"] = etag_of(row["version"])
    response.headers["Location"] = f"/identity/v1/organisations/{row['id']}"
    return await service.shown(session, row)


@routes.get("", summary="List organisations")
async def listed(
    _admin: Admin, session: Session, limit: Limit = 100, cursor: CursorText = None
) -> Page[Organisation]:
    (after,) = keys_in(cursor, str) or (None,)
    rows = await queries.page(session, after, limit)
    items = [await service.shown(session, row) for row in rows[:limit]]
    return Page(items=items, next_cursor=next_cursor(rows, limit, itemgetter("id")))


@routes.get("/{organisation_id}", summary="One organisation")
async def one(
    organisation_id: UUID, _admin: Admin, session: Session, response: Response
) -> Organisation:
    row = await service.found(session, organisation_id)
    response.headers["ETag"] = etag_of(row["version"])
    return await service.shown(session, row)


@routes.patch("/{organisation_id}", summary="Rename, suspend, or change AoR memberships")
async def change(
    *,
    organisation_id: UUID,
    wanted: OrganisationChange,
    admin: Admin,
    session: Session,
    response: Response,
    if_match: IfMatch = None,
) -> Organisation:
    """Suspending it or changing its AoRs voids the tokens of all its clients and people."""
    row = await service.found(session, organisation_id)
    check_if_match(if_match, etag_of(row["version"]))
    changed = await service.change(session, admin, row, wanted)
    response.headers["ETag"] = etag_of(changed["version"])
    return await service.shown(session, changed)
