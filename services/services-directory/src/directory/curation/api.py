"""Routes for history, the log of restricted reads, reminders, duplicates and merges."""

from collections.abc import Mapping
from functools import partial
from operator import attrgetter
from typing import Annotated, Any, Literal
from uuid import UUID

from common.auth import Principal, Role
from common.crypto import key_from_base64
from common.http import (
    IfMatch,
    Postmaster,
    ReturnedMail,
    Session,
    context_of,
    deprecated_since,
    requires,
    router,
)
from common.paging import (
    CursorText,
    Limit,
    Page,
    day_in,
    id_in,
    keys_in,
    moment_in,
    number_in,
    page_of,
)
from common.sight import NAMES, RESTRICTED
from fastapi import Path, Query
from pydantic import AwareDatetime
from starlette.requests import Request
from starlette.responses import Response

from directory.curation import queries, service
from directory.curation.message_ids import Names
from directory.curation.schemas import (
    AnyReadOut,
    ChangeOut,
    DuplicateOut,
    DuplicatesOut,
    HouseIn,
    HouseOut,
    MergeIn,
    ReadOut,
    ReminderOut,
)
from directory.ground.entries.queries import history_of
from directory.ground.entries.schemas import WrittenOut
from directory.ground.hsds.formerly import Formerly
from directory.ground.old_spelling import SINCE
from directory.ground.reading import queries as read_queries
from directory.ground.reading.answers import ReadIn
from directory.ground.reading.restricted_service import log_look, log_restricted
from directory.record.houses.queries import waiting_words
from directory.record.records.queries import duplicates_of
from directory.record.records.service import looked_at, readable_record
from directory.record.services.records_api import written

routes = router("/directory/v1/records", ["Curation"])
Editor = Annotated[Principal, requires(scope="directory:read")]
Auditor = Annotated[Principal, requires("referrals:read", roles={Role.AUDITOR})]
Curator = Annotated[
    Principal, requires(scope="directory:curate", roles={Role.COORDINATOR, Role.IM})
]


@routes.get("/services/{service_id}/history", summary="Who changed what, when, from what to what")
async def history(
    *,
    request: Request,
    session: Session,
    caller: Editor,
    service_id: UUID,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[ChangeOut]:
    """Every change of the entry: the field, both values, the person and the time."""
    record = await looked_at(session, caller, request.url.path, service_id)
    held = bool(await waiting_words(session, service_id))
    formerly = Formerly(record.document, record.approved, held=held)
    after = keys_in(cursor, number_in, id_in)
    rows = await history_of(session, service_id, after, limit + 1)
    return page_of(rows, limit, partial(_change, formerly), attrgetter("version", "id"))


def _change(formerly: Formerly, row: Any) -> ChangeOut:
    change = ChangeOut.model_validate(row, from_attributes=True)
    told = {name: formerly.shown(row.pointer, getattr(row, name)) for name in ("old", "new")}
    return change.model_copy(update=told)


@routes.get("/services/{service_id}/reads", summary="Who read this restricted entry")
async def reads(
    session: Session,
    caller: Editor,
    service_id: UUID,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[ReadOut]:
    """Every reading of the entry. Ruta logs readings of restricted entries only."""
    await readable_record(session, caller, service_id)
    (before,) = keys_in(cursor, number_in) or (None,)
    rows = await read_queries.reads(session, service_id=service_id, before=before, limit=limit + 1)
    return page_of(rows, limit, lambda row: ReadOut.model_validate(row, from_attributes=True))


@routes.get("/reads", summary="Who read which restricted entry, for auditors")
async def all_reads(
    *,
    request: Request,
    session: Session,
    caller: Auditor,
    service_id: UUID | None = None,
    doer: Annotated[
        str | None, Query(max_length=100, description="Who read: a colleague's id or a client.")
    ] = None,
    since: Annotated[
        AwareDatetime | None, Query(alias="from", description="From this moment on.")
    ] = None,
    until: Annotated[
        AwareDatetime | None, Query(alias="to", description="Before this moment.")
    ] = None,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[AnyReadOut]:
    """Newest first. Each reading of this log is logged too, without an entry."""
    (before,) = keys_in(cursor, number_in) or (None,)
    rows = await read_queries.reads(
        session,
        service_id=service_id,
        doer=doer,
        since=since,
        until=until,
        before=before,
        limit=limit + 1,
    )
    await log_look(session, caller, request.url.path)
    return page_of(rows, limit, lambda row: AnyReadOut.model_validate(row, from_attributes=True))


@routes.get(
    "/reminders",
    summary="Entries whose verification runs out or has run out",
    dependencies=[deprecated_since(SINCE)],
)
async def reminders(
    *,
    request: Request,
    session: Session,
    caller: Editor,
    of: Annotated[
        Literal["own", "curated"],
        Query(description="`own`: of your organisation; `curated`: also those that you curate."),
    ] = "own",
    cursor: CursorText = None,
    limit: Limit = 50,
    language: ReadIn = None,
) -> Page[ReminderOut]:
    """The most urgent first. Verification reminders are also sent as `ruta.directory.verification.due.v1`; a capacity
    reminder ends when the organisation next states the capacity. Names are in the language of `Accept-Language` where
    they were translated."""
    after = keys_in(cursor, day_in, id_in)
    rows = await queries.reminders_for(
        session, caller, curated=of == "curated", language=language, after=after, limit=limit + 1
    )
    await _log_names(session, caller, request, {row.service_id: row.visibility for row in rows})
    refusing = await queries.refusing(session, {row.organisation_id for row in rows})
    return page_of(
        rows,
        limit,
        lambda row: ReminderOut.model_validate(
            {**row._asdict(), "mailbox_refused": row.organisation_id in refusing}
        ),
        attrgetter("due_on", "id"),
    )


@routes.get(
    "/houses",
    summary="What may be a safe house and waits for a look",
    dependencies=[deprecated_since(SINCE)],
)
async def houses(
    *,
    session: Session,
    caller: Curator,
    cursor: CursorText = None,
    limit: Limit = 50,
    language: ReadIn = None,
) -> Page[HouseOut]:
    """The oldest first. Until its review, verified organisations see each entry without its place, and nobody else sees
    it."""
    after = keys_in(cursor, moment_in, id_in)
    rows = await queries.houses_for(
        session, caller, language=language, after=after, limit=limit + 1
    )
    return page_of(
        rows,
        limit,
        lambda row: HouseOut.model_validate({**row._asdict(), "visibility": NAMES[row.visibility]}),
        attrgetter("since", "id"),
    )


@routes.post("/houses/{entity_id}", status_code=204, summary="Say whether it is a safe house")
async def look(
    session: Session,
    caller: Curator,
    entity_id: Annotated[UUID, Path(description="Id of the service or of the organisation.")],
    body: HouseIn,
) -> None:
    """The directory stores who reviewed the entry and when. It asks again only for words that you did not see."""
    await service.look(session, caller, entity_id, body)


@routes.post("/reminders/bounces", status_code=204)
async def take_bounced_reminder(
    request: Request, body: ReturnedMail, session: Session, _caller: Postmaster
) -> None:
    """Reports an e-mail to an organisation that bounced, from the mailbox that sends them. The directory stops writing
    to that address, and the reminders say so. A message that is not a bounce report changes nothing."""
    key = key_from_base64(context_of(request).settings.stored_result_key.get_secret_value())
    await service.bounced(session, Names(key), body.bounce())


@routes.get(
    "/services/{service_id}/duplicates",
    summary="Entries that look like this one",
    dependencies=[deprecated_since(SINCE)],
)
async def duplicates(
    request: Request, session: Session, caller: Editor, service_id: UUID
) -> DuplicatesOut:
    """The 20 entries most like this one, which may describe the same service, so that you can merge them."""
    row = await readable_record(session, caller, service_id)
    found = await duplicates_of(session, caller, row)
    await _log_names(session, caller, request, {each.id: each.visibility for each in found})
    return DuplicatesOut(
        items=[
            DuplicateOut.model_validate(
                {**each._asdict(), "mergeable": service.may_merge(caller, row, each)}
            )
            for each in found
        ]
    )


async def _log_names(
    session: Session, caller: Principal, request: Request, levels: Mapping[UUID, int]
) -> None:
    """Log the restricted houses named in the response, as for any other read of them."""
    restricted = [each for each, level in levels.items() if level == RESTRICTED]
    await log_restricted(session, caller, request.url.path, restricted)


@routes.post("/services/{service_id}/merge", response_model=WrittenOut, summary="Merge a duplicate")
async def merge(
    session: Session,
    caller: Curator,
    service_id: UUID,
    body: MergeIn,
    if_match: IfMatch = None,
) -> Response:
    """Merge two entries of the same service into one."""
    return written(await service.merge(session, caller, service_id, body.into, if_match))
