"""History, the log of restricted reads, reminders, duplicates and merges."""

from operator import attrgetter
from typing import Annotated, Literal
from uuid import UUID

from common.auth import Principal, Role
from common.paging import (
    CursorText,
    Limit,
    Page,
    day_in,
    id_in,
    keys_in,
    number_in,
    page_of,
)
from common.web import IfMatch, Session, requires, router
from fastapi import Query
from starlette.responses import Response

from services_directory.curation import queries, service
from services_directory.curation.schemas import (
    ChangeOut,
    DuplicateOut,
    DuplicatesOut,
    MergeIn,
    ReadOut,
    ReminderOut,
)
from services_directory.entries.queries import history_of
from services_directory.entries.schemas import WrittenOut
from services_directory.reading.queries import reads_of
from services_directory.records.queries import duplicates_of
from services_directory.records.service import readable_record
from services_directory.services.records_api import written

routes = router("/directory/v1/records", ["Curation"])
Editor = Annotated[Principal, requires(scope="directory:read")]
Curator = Annotated[
    Principal, requires(scope="directory:curate", roles={Role.COORDINATOR, Role.IM})
]


@routes.get("/services/{service_id}/history", summary="Who changed what, when, from what to what")
async def history(
    session: Session,
    caller: Editor,
    service_id: UUID,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[ChangeOut]:
    await readable_record(session, caller, service_id)
    after = keys_in(cursor, number_in, id_in)
    rows = await history_of(session, service_id, after, limit + 1)
    return page_of(
        rows,
        limit,
        lambda row: ChangeOut.model_validate(row, from_attributes=True),
        attrgetter("version", "id"),
    )


@routes.get("/services/{service_id}/reads", summary="Who read this restricted entry")
async def reads(
    session: Session,
    caller: Editor,
    service_id: UUID,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[ReadOut]:
    await readable_record(session, caller, service_id)
    (before,) = keys_in(cursor, number_in) or (None,)
    rows = await reads_of(session, service_id, before, limit + 1)
    return page_of(rows, limit, lambda row: ReadOut.model_validate(row, from_attributes=True))


@routes.get("/reminders", summary="Entries whose verification runs out or has run out")
async def reminders(
    session: Session,
    caller: Editor,
    of: Annotated[
        Literal["own", "curated"],
        Query(description="`own`: of your organisation; `curated`: also those that you curate."),
    ] = "own",
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[ReminderOut]:
    """The most urgent first. Those of verification go out as `ruta.directory.verification.due.v1`
    too; one about capacity ends with the next word about its capacity."""
    after = keys_in(cursor, day_in, id_in)
    rows = await queries.reminders_for(
        session, caller, curated=of == "curated", after=after, limit=limit + 1
    )
    return page_of(
        rows,
        limit,
        lambda row: ReminderOut.model_validate(row, from_attributes=True),
        attrgetter("due_on", "id"),
    )


@routes.get("/services/{service_id}/duplicates", summary="Entries that look like this one")
async def duplicates(session: Session, caller: Editor, service_id: UUID) -> DuplicatesOut:
    row = await readable_record(session, caller, service_id)
    found = await duplicates_of(session, caller, row)
    return DuplicatesOut(
        items=[DuplicateOut.model_validate(each, from_attributes=True) for each in found]
    )


@routes.post("/services/{service_id}/merge", response_model=WrittenOut, summary="Merge a duplicate")
async def merge(
    session: Session,
    caller: Curator,
    service_id: UUID,
    body: MergeIn,
    if_match: IfMatch = None,
) -> Response:
    return written(await service.merge(session, caller, service_id, body.into, if_match))
