"""The records behind the stored documents, for editors and curators. `/services` reads and `/records` writes, because
in HSDS a POST to a list is a query."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from common.auth import Principal
from common.errors import INVALID, FieldError
from common.http import (
    IfMatch,
    Session,
    check_if_match,
    deprecated_since,
    etag_of,
    requires,
    router,
)
from common.sight import NAMES, RESTRICTED
from fastapi import Body, Query
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from directory.ground.entries.offered import is_published
from directory.ground.entries.schemas import Upserted, WrittenOut
from directory.ground.entries.states import possible_steps
from directory.ground.hsds.schemas import ServiceDocument
from directory.ground.old_spelling import SINCE
from directory.ground.reading.answers import ReadIn
from directory.ground.reading.restricted_service import log_restricted
from directory.record.endorsements.queries import endorsed_aors
from directory.record.records import queries as record_queries
from directory.record.records.schemas import RecordPage
from directory.record.records.service import looked_at, readable_record
from directory.record.services import service
from directory.record.services.comparison import merged
from directory.record.services.schemas import (
    CapacityIn,
    ReasonIn,
    RecordOut,
    ReviewOut,
    VerificationIn,
)
from directory.record.services.upsert import upsert_service

routes = router("/directory/v1", ["Records"])
Writer = Annotated[Principal, requires(scope="directory:write")]
Editor = Annotated[Principal, requires(scope="directory:read")]
Curator = Annotated[Principal, requires(scope="directory:curate")]


def written(result: Upserted, status: int = 200) -> Response:
    body: dict[str, Any] = {
        "id": str(result.id),
        "outcome": result.outcome,
        "version": result.version,
        "state": result.state,
    }
    if result.may_be_house:
        body["may_be_house"] = result.may_be_house
    headers = {"ETag": etag_of(result.version)}
    if status == 201:
        headers["Location"] = f"/directory/v1/records/services/{result.id}"
    return JSONResponse(body, status_code=status, headers=headers)


@routes.get(
    "/records/services",
    response_model=RecordPage,
    summary="Records that you may edit",
    dependencies=[deprecated_since(SINCE)],
)
async def list_records(
    *,
    request: Request,
    session: Session,
    caller: Editor,
    search: Annotated[str | None, Query(max_length=200, description="Part of the name.")] = None,
    state: Annotated[str | None, Query(pattern="^[a-z]{1,20}$")] = None,
    own: Annotated[
        bool, Query(description="Only those of your organisation that have not ended.")
    ] = False,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    language: ReadIn = None,
) -> RecordPage:
    """Records of your organisation and of your areas of responsibility. For example, `state=submitted` lists the
    records that wait for a decision. Each has its capacity and its endorsements. Names are in the language of
    `Accept-Language` where they were translated."""
    page = await record_queries.page(
        session,
        caller,
        search=search,
        state=state,
        own=own,
        language=language,
        cursor=cursor,
        limit=limit,
    )
    restricted = [line.id for line in page.items if line.visibility == NAMES[RESTRICTED]]
    await log_restricted(session, caller, request.url.path, restricted)
    endorsed = await endorsed_aors(session, [line.id for line in page.items])
    for line in page.items:
        line.endorsed_by = list(endorsed.get(line.id, ()))
    return page


@routes.post("/records/services", status_code=201, response_model=WrittenOut, summary="New service")
async def create(session: Session, caller: Writer, body: ServiceDocument) -> Response:
    """The directory gives the id. An id that you send names the service inside your organisation: sending it again is
    412, and the answer contains the id to read it by."""
    result = await upsert_service(session, caller, body, if_match='"0"')
    return written(result, 201)


@routes.get(
    "/records/services/{service_id}", response_model=RecordOut, summary="A record, with its ETag"
)
async def read(request: Request, session: Session, caller: Editor, service_id: UUID) -> Response:
    """The whole entry, for its editors. Send its ETag as `If-Match` when you change it."""
    row = await looked_at(session, caller, request.url.path, service_id)
    record = RecordOut(
        id=row.id,
        version=row.version,
        state=row.state,
        possible_steps=possible_steps(row.state),
        published=is_published(row.approved, row.state, row.restricted),
        withheld=row.withheld,
        managed_by=row.managed_by,
        document=row.document,
        approved_differs=row.approved is not None and row.approved != row.document,
    )
    return JSONResponse(record.model_dump(mode="json"), headers={"ETag": etag_of(row.version)})


@routes.get(
    "/records/services/{service_id}/review",
    response_model=ReviewOut,
    summary="What approving would change, and for whom",
)
async def reviewed(
    request: Request, session: Session, caller: Editor, service_id: UUID
) -> Response:
    """The approved and the submitted document, field by field, and as each audience would see them: anybody, a partner,
    somebody on the pathway, the coordination. Publishing uses the same code; this writes nothing."""
    row = await looked_at(session, caller, request.url.path, service_id)
    found = await service.review_of(session, row)
    return JSONResponse(found.model_dump(mode="json"), headers={"ETag": etag_of(row.version)})


@routes.put(
    "/records/services/{service_id}",
    response_model=WrittenOut,
    summary="Replace a record",
)
async def replace(
    session: Session,
    caller: Writer,
    service_id: UUID,
    body: ServiceDocument,
    if_match: IfMatch = None,
) -> Response:
    """Changes an existing record and never creates one. An unknown id and a hidden record are both 404."""
    row = await readable_record(session, caller, service_id, lock=True)
    check_if_match(if_match, etag_of(row.version))
    result = await upsert_service(session, caller, body, service_id=service_id, if_match=if_match)
    return written(result)


@routes.patch(
    "/records/services/{service_id}", response_model=WrittenOut, summary="Change some fields"
)
async def patch(
    session: Session,
    caller: Writer,
    service_id: UUID,
    body: Annotated[dict[str, Any], Body(description="JSON merge patch (RFC 7396).")],
    if_match: IfMatch = None,
) -> Response:
    """Change only the members that you send. Send the ETag of the record as `If-Match`."""
    row = await readable_record(session, caller, service_id, lock=True)
    check_if_match(if_match, etag_of(row.version))
    try:
        document = ServiceDocument.model_validate(merged(row.document, body))
    except ValidationError as error:
        raise invalid(error) from None
    result = await upsert_service(
        session, caller, document, service_id=service_id, if_match=if_match
    )
    return written(result)


def invalid(error: ValidationError) -> Exception:
    """Return a 422 error with a pointer for each invalid field."""
    errors = [
        FieldError("/" + "/".join(map(str, item["loc"])), item["msg"], item["type"])
        for item in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    return INVALID.because("changed_record_would_not_be_valid", errors=errors)


_STEPS: tuple[tuple[str, Any, str, str], ...] = (
    ("submit", Writer, "Submit for approval", "draft or returned → submitted"),
    (
        "withdraw",
        Writer,
        "Withdraw: no longer offered",
        "The entry leaves every list; copies are told by the change feed.",
    ),
    ("reopen", Writer, "Work on a withdrawn entry again", "withdrawn → draft"),
    (
        "approve",
        Curator,
        "Approve and publish (the coordinator)",
        "Endorses it for the areas of responsibility that the caller coordinates.",
    ),
    ("return", Curator, "Return to its writer (the coordinator)", "submitted → returned"),
)


def _endpoint(step: str, who: Any) -> Callable[..., Awaitable[Response]]:
    async def take(
        session: Session,
        caller: Principal,
        service_id: UUID,
        if_match: IfMatch = None,
        body: ReasonIn | None = None,
    ) -> Response:
        reason = body.reason if body else None
        return written(
            await service.take_step(
                session, caller, service_id, step, if_match=if_match, reason=reason
            )
        )

    take.__annotations__["caller"] = who
    return take


for _step, _who, _summary, _says in _STEPS:
    routes.add_api_route(
        f"/records/services/{{service_id}}/{_step}",
        _endpoint(_step, _who),
        methods=["POST"],
        name="give_back" if _step == "return" else _step,
        response_model=WrittenOut,
        summary=_summary,
        description=_says,
    )


@routes.post(
    "/records/services/{service_id}/verify",
    response_model=WrittenOut,
    summary="Say that the entry was checked",
)
async def verify(
    session: Session, caller: Writer, service_id: UUID, body: VerificationIn
) -> Response:
    """Record that somebody checked the entry today."""
    return written(await service.verify(session, caller, service_id, body))


@routes.put(
    "/services/{service_id}/capacity",
    response_model=WrittenOut,
    summary="Capacity, in one line",
)
async def capacity(
    session: Session, caller: Writer, service_id: UUID, body: CapacityIn
) -> Response:
    """For example `{"state": "full"}`. Takes effect at once. Needs no If-Match: the last call wins."""
    return written(await service.set_capacity(session, caller, service_id, body))
