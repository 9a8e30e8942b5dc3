"""Records of places. A change to a place applies to all services that share it."""

from typing import Annotated, Any
from uuid import UUID

from common.auth import Principal
from common.errors import CONFLICT, NOT_FOUND
from common.http import IfMatch, Session, etag_of, requires, router
from common.ids import new_id
from starlette.responses import JSONResponse, Response

from directory.ground.entries.ids import own_id
from directory.ground.entries.schemas import WrittenOut
from directory.ground.hsds.schemas import LocationDocument
from directory.record.locations import service

routes = router("/directory/v1/records/locations", ["Records"])
Writer = Annotated[Principal, requires(scope="directory:write")]
Editor = Annotated[Principal, requires(scope="directory:read")]


def _answer(row: Any, outcome: str) -> Response:
    body = {"id": str(row.id), "outcome": outcome, "version": row.version, "state": "approved"}
    return JSONResponse(
        body,
        status_code=201 if outcome == "created" else 200,
        headers={"ETag": etag_of(row.version)},
    )


@routes.post("", status_code=201, response_model=WrittenOut, summary="New place")
async def create(session: Session, caller: Writer, body: LocationDocument) -> Response:
    """The directory gives the id; an id that you send names the place inside your organisation."""
    own = new_id() if body.id is None else await _meant(session, caller, body.id)
    if await service.known(session, [own]):
        raise CONFLICT.because("this_place_is_listed_already_change", pointer="/id")
    row = await service.put(session, caller, own, body)
    return _answer(row, "created")


@routes.get("/{location_id}", summary="A place's record, with its ETag")
async def read(session: Session, caller: Editor, location_id: UUID) -> Response:
    """The whole record of the place, for its editors. Send its ETag as `If-Match` when you change it."""
    row = await _own(session, caller, location_id)
    body = {
        "id": str(row.id),
        "version": row.version,
        "managed_by": str(row.managed_by),
        "document": row.document,
    }
    return JSONResponse(body, headers={"ETag": etag_of(row.version)})


@routes.put("/{location_id}", response_model=WrittenOut, summary="Replace a place")
async def replace(
    session: Session,
    caller: Writer,
    location_id: UUID,
    body: LocationDocument,
    if_match: IfMatch = None,
) -> Response:
    """All services at this place show the change at once. The caller must be allowed to publish each of them, and none
    may show more than its visibility allows."""
    await _own(session, caller, location_id)
    before, after = await service.replace(session, caller, location_id, body, if_match)
    return _answer(after, "unchanged" if after.version == before.version else "changed")


async def _own(session: Session, caller: Principal, location_id: UUID) -> Any:
    row = (await service.editable(session, caller, [location_id])).get(location_id)
    if row is None:
        raise NOT_FOUND.because("no_place_has_this_id")
    return row


async def _meant(session: Session, caller: Principal, given: UUID) -> UUID:
    readable = await service.editable(session, caller, [given])
    return given if given in readable else own_id(caller, given)
