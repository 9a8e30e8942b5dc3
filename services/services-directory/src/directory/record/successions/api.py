"""HTTP for successions, for curators of the directory."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any
from uuid import UUID

from common.auth import Principal, Role
from common.http import Session, StepUp, deprecated_since, requires, router
from common.paging import CursorText, Limit, Page, id_cursor, page_of

from directory.ground.old_spelling import SINCE
from directory.record.records.queries import readable_among
from directory.record.successions import queries, service
from directory.record.successions.schemas import NewSuccession, Succession

routes = router("/directory/v1/successions", ["Curation"])
routes.dependencies.append(deprecated_since(SINCE))
Curator = Annotated[
    Principal, requires(scope="directory:curate", roles={Role.COORDINATOR, Role.IM})
]


@routes.get("", summary="Who takes over from which organisation")
async def list_successions(
    session: Session, caller: Curator, cursor: CursorText = None, limit: Limit = 50
) -> Page[Succession]:
    """Newest first."""
    rows = await queries.page(session, id_cursor(cursor), limit)
    return page_of(rows, limit, await _shown_to(session, caller, rows))


@routes.post("", status_code=201, summary="Propose who takes over from an organisation")
async def propose(body: NewSuccession, session: Session, caller: Curator) -> Succession:
    """Nothing changes until a second person confirms it."""
    row = await service.propose(session, caller, body)
    return (await _shown_to(session, caller, [row]))(row)


@routes.post(
    "/{succession_id}/confirm", summary="Confirm it as a second person", dependencies=[StepUp]
)
async def confirm(succession_id: UUID, session: Session, caller: Curator) -> Succession:
    """The services move at once, the cases within a minute. Cases without a consent to the successor are offered to it
    without content until the person agrees. In a merger, services that you may not see are
    withdrawn. Closed cases, reports of the line and cases that accuse the successor stay.
    Suspend the accounts of an organisation that ended."""
    row = await service.confirm(session, caller, succession_id)
    return (await _shown_to(session, caller, [row]))(row)


@routes.post("/{succession_id}/refuse", summary="Refuse it, or take it back")
async def refuse(succession_id: UUID, session: Session, caller: Curator) -> Succession:
    """Refuse the succession, so that no service moves. The organisation that proposed it can withdraw it here, too."""
    row = await service.refuse(session, caller, succession_id)
    return (await _shown_to(session, caller, [row]))(row)


async def _shown_to(
    session: Session, caller: Principal, rows: Sequence[Any]
) -> Callable[[Any], Succession]:
    """Return a function that turns a row into a response, without services that the caller may not see."""
    named = {service_id for row in rows for service_id in row.service_ids}
    seen = await readable_among(session, caller, named)

    def shown(row: Any) -> Succession:
        whole = Succession.model_validate(row, from_attributes=True)
        return whole.model_copy(
            update={"service_ids": [each for each in whole.service_ids if each in seen]}
        )

    return shown
