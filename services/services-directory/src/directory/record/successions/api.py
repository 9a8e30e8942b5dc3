"""HTTP of successions, for those who curate the directory."""

from typing import Annotated
from uuid import UUID

from common.auth import Principal, Role
from common.http import Session, StepUp, requires, router
from common.paging import CursorText, Limit, Page, id_cursor, page_of

from directory.record.successions import queries, service
from directory.record.successions.schemas import NewSuccession, Succession

routes = router("/directory/v1/successions", ["Curation"])
Curator = Annotated[
    Principal, requires(scope="directory:curate", roles={Role.COORDINATOR, Role.IM})
]


@routes.get("", summary="Who takes over from which organisation")
async def list_successions(
    session: Session, _caller: Curator, cursor: CursorText = None, limit: Limit = 50
) -> Page[Succession]:
    """Newest first."""
    rows = await queries.page(session, id_cursor(cursor), limit)
    return page_of(rows, limit, _shown)


@routes.post("", status_code=201, summary="Propose who takes over from an organisation")
async def propose(body: NewSuccession, session: Session, caller: Curator) -> Succession:
    """Nothing changes until somebody else confirms it."""
    return _shown(await service.propose(session, caller, body))


@routes.post(
    "/{succession_id}/confirm", summary="Confirm it as a second person", dependencies=[StepUp]
)
async def confirm(succession_id: UUID, session: Session, caller: Curator) -> Succession:
    """Its services follow at once, its cases within a minute. Cases without a consent to the successor are offered to
    it without content until the person has said yes. Suspend the accounts of an organisation that ended."""
    return _shown(await service.confirm(session, caller, succession_id))


@routes.post("/{succession_id}/refuse", summary="Refuse it, or take it back")
async def refuse(succession_id: UUID, session: Session, caller: Curator) -> Succession:
    return _shown(await service.refuse(session, caller, succession_id))


def _shown(row: object) -> Succession:
    return Succession.model_validate(row, from_attributes=True)
