"""HSDS read endpoints for organisations, and endpoints for their records."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

import orjson
from common.auth import Principal
from common.errors import NOT_FOUND
from common.http import (
    IfMatch,
    OwnQuery,
    Session,
    check_if_match,
    context_of,
    etag_of,
    open_to_all,
    requires,
    router,
)
from common.sight import Audience, audience_of
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from directory.errors import NOT_YOURS
from directory.ground.entries.schemas import Upserted, WrittenOut
from directory.ground.hsds.schemas import OrganizationDocument
from directory.ground.hsds.shown import ShownOrganization, one, page_of
from directory.ground.reading import envelope
from directory.ground.reading.answers import (
    answer,
    audit,
    described,
    page_answer,
    search_route,
    stream,
)
from directory.ground.reading.parameters import described as parameters_of
from directory.ground.reading.request_parameters import parameters
from directory.ground.reading.rows_queries import Row
from directory.record.organizations import queries, service
from directory.record.organizations.parameters import OneOrganizationQuery, OrganizationQuery

routes = router("/directory/v1", ["HSDS"])
records = router("/directory/v1", ["Records"])
Anyone = Annotated[Principal, open_to_all()]
Writer = Annotated[Principal, requires(scope="directory:write")]
Editor = Annotated[Principal, requires(scope="directory:read")]
_BATCH = 200


@search_route(
    routes,
    "/organizations",
    OrganizationQuery,
    summary="Search organisations",
    responses=page_of(ShownOrganization),
)
async def organizations(request: Request, session: Session, caller: Anyone) -> Response:
    """Search organisations by words and place. You find only organisations that you may see."""
    query = await parameters(request, OrganizationQuery)
    audience = audience_of(caller)
    if query.format == "ndjson":
        return _stream(request, caller, query, audience)
    rows, total = await queries.page(session, query, audience)
    items, read = await _items(session, query, audience, rows)
    await audit(session, caller, request, read)
    return page_answer(request, items, total=total, number=query.page, per_page=query.per_page)


async def _items(
    session: AsyncSession, query: OrganizationQuery, audience: Audience, rows: list[Row]
) -> tuple[list[bytes], list["_Sliced"]]:
    """Return the bodies, and the service rows that they contain."""
    if not (query.full or query.full_service):
        return [row["list_body"] for row in rows], []
    found = await _services(session, audience, rows, full=query.full_service)
    own: dict[UUID, list[bytes]] = {}
    for each in found:
        own.setdefault(each["organization_id"], []).append(each["body"])
    items = [
        envelope.organization(row["full_body"], own.get(row["organization_id"], [])) for row in rows
    ]
    return items, found


async def _services(
    session: AsyncSession, audience: Audience, rows: list[Row], *, full: bool
) -> list["_Sliced"]:
    found = await queries.services_of(
        session, [row["organization_id"] for row in rows], audience, full=full
    )
    if full:
        return [_Sliced(row) for row in found]
    return [_Sliced(row, simple=True) for row in found]


class _Sliced(dict[str, Any]):
    """A service row without its organisation, because the organisation's body contains it."""

    def __init__(self, row: Row, *, simple: bool = False) -> None:
        super().__init__(row)
        body = orjson.loads(row["body"])
        body.pop("organization", None)
        if simple:
            body = {key: body[key] for key in ("id", "name", "status") if key in body}
        self["body"] = orjson.dumps(body)


def _stream(
    request: Request, caller: Principal, query: OrganizationQuery, audience: Audience
) -> Response:
    async def rows(session: AsyncSession) -> AsyncIterator[Any]:
        number = 1
        while True:
            page = query.model_copy(update={"page": number, "per_page": _BATCH})
            found, _ = await queries.page(session, page, audience)
            items, read = await _items(session, page, audience, found)
            by_owner = {each["organization_id"] for each in read if each["sensitive"]}
            for row, item in zip(found, items, strict=True):
                yield {
                    "body": item,
                    "service_id": row["organization_id"],
                    "sensitive": row["organization_id"] in by_owner,
                }
            if len(found) < _BATCH:
                return
            number += 1

    return stream(request, context_of(request).database, caller, rows, lambda row: row["body"])


@routes.get(
    "/organizations/{organization_id}",
    summary="One organisation, with its services",
    responses=one(ShownOrganization),
    openapi_extra=described(parameters_of(OneOrganizationQuery)),
    dependencies=[OwnQuery],
)
async def organization(
    request: Request, session: Session, caller: Anyone, organization_id: UUID
) -> Response:
    """An organisation and those of its services that you may see."""
    query = await parameters(request, OneOrganizationQuery)
    audience = audience_of(caller)
    row = await queries.one(session, organization_id, audience)
    if row is None:
        raise NOT_FOUND.because("no_organisation_has_this_id")
    found = await _services(session, audience, [row], full=query.full_service)
    await audit(session, caller, request, found)
    return answer(request, envelope.organization(row["full_body"], [s["body"] for s in found]))


def _written(result: Upserted, status: int = 200) -> Response:
    body = {
        "id": str(result.id),
        "outcome": result.outcome,
        "version": result.version,
        "state": result.state,
    }
    return JSONResponse(body, status_code=status, headers={"ETag": etag_of(result.version)})


@records.post(
    "/records/organizations",
    status_code=201,
    response_model=WrittenOut,
    responses={200: {"model": WrittenOut, "description": "Known by its name: now as sent."}},
    summary="New organisation",
)
async def create(session: Session, caller: Writer, body: OrganizationDocument) -> Response:
    """The directory chooses the id, unless it is your own organisation."""
    if body.id is not None:
        existing = await service.changeable(session, caller, body.id)
        if existing is not None:
            check_if_match(None, etag_of(existing.version))
        elif body.id != caller.organisation_id:
            raise NOT_YOURS.because(
                "leave_id_out_it_is_chosen_here",
                pointer="/id",
            )
    result = await service.upsert_organization(session, caller, body)
    return _written(result, 201 if result.outcome == "created" else 200)


@records.get("/records/organizations/{organization_id}", summary="A record, with its ETag")
async def read(session: Session, caller: Editor, organization_id: UUID) -> dict[str, Any]:
    """The whole entry, for its editors. Send its ETag as `If-Match` when you change it."""
    row = await service.changeable(session, caller, organization_id)
    if row is None:
        raise NOT_FOUND.because("no_organisation_record_has_this_id")
    body = {
        "id": str(row.id),
        "version": row.version,
        "managed_by": str(row.managed_by),
        "document": row.document,
    }
    return JSONResponse(body, headers={"ETag": etag_of(row.version)})  # type: ignore[return-value]  # a response carries the ETag


@records.put(
    "/records/organizations/{organization_id}",
    response_model=WrittenOut,
    responses={201: {"model": WrittenOut}},
    summary="Replace, or create your own organisation",
)
async def replace(
    session: Session,
    caller: Writer,
    organization_id: UUID,
    body: OrganizationDocument,
    if_match: IfMatch = None,
) -> Response:
    """Replace the whole entry with the body. Missing members become empty."""
    row = await service.changeable(session, caller, organization_id)
    if row is not None:
        check_if_match(if_match, etag_of(row.version))
    elif organization_id != caller.organisation_id:
        # An unknown and a hidden organisation get the same response.
        raise NOT_FOUND.because("no_organisation_record_has_this_id")
    result = await service.upsert_organization(
        session, caller, body, organization_id=organization_id
    )
    return _written(result, 201 if result.outcome == "created" else 200)
