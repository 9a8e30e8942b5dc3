"""Routes for organisations and their AoR memberships, for administrators."""

from operator import itemgetter
from uuid import UUID

from common.http import Session, StepUp, router
from common.paging import Limit, Page, next_cursor

from gateway.issuer.organisations import queries, service
from gateway.issuer.organisations.schemas import NewOrganisation, Organisation, OrganisationChange
from gateway.issuer.requests import Admin, After, Answered, Changing

PATH = "/identity/v1/organisations"
routes = router(PATH, ["identity"])


@routes.post("", status_code=201, summary="Add an organisation")
async def create(
    new: NewOrganisation, admin: Admin, session: Session, answer: Answered
) -> Organisation:
    """Register an organisation, so that it can get clients and people. Use its id in the directory."""
    row = answer.made(await service.create(session, admin, new), PATH)
    return await service.shown(session, row)


@routes.get("", summary="List organisations")
async def listed(
    _admin: Admin, session: Session, after: After, limit: Limit = 100
) -> Page[Organisation]:
    """All organisations by id, including suspended ones."""
    rows = await queries.page(session, after, limit)
    items = [await service.shown(session, row) for row in rows[:limit]]
    return Page(items=items, next_cursor=next_cursor(rows, limit, itemgetter("id")))


@routes.get("/{organisation_id}", summary="One organisation")
async def one(
    organisation_id: UUID, _admin: Admin, session: Session, answer: Answered
) -> Organisation:
    """Name, areas of responsibility and state of one organisation."""
    return await service.shown(session, answer.of(await service.found(session, organisation_id)))


@routes.patch(
    "/{organisation_id}",
    summary="Rename, suspend, or change AoR memberships",
    dependencies=[StepUp],
)
async def change(
    *,
    organisation_id: UUID,
    wanted: OrganisationChange,
    admin: Admin,
    session: Session,
    answer: Answered,
    changing: Changing,
) -> Organisation:
    """Change an organisation.

    The directory is the source of its name: rename it there first. Suspending it or changing its AoRs voids the tokens
    of all its clients and people. Suspending it also ends sign-ins of other organisations' people through its clients.
    """
    row = changing.of(await service.found(session, organisation_id))
    changed = await service.change(session, admin, row, wanted)
    return await service.shown(session, answer.of(changed))
