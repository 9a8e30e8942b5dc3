"""`/directory/v1/features`: OGC API - Features, for QGIS, GDAL and ArcGIS."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from common import clock
from common.auth import Principal
from common.errors import INVALID, NOT_FOUND
from common.http import Session, context_of, open_to_all, router
from common.paging import CursorText, encode_cursor, id_cursor, keys_in, number_in
from common.words.languages import PageLanguage
from fastapi import Query, Request, Response

from directory.files.exports import features
from directory.files.exports.queries import Box, Chosen, exported
from directory.files.exports.writers import feature
from directory.ground.reading.restricted_service import log_restricted
from directory.pathways.gaps import service as gaps
from directory.pathways.gaps.matrix import GapQuery
from directory.pathways.planning.answers import need_label

routes = router("/directory/v1/features", ["features"])
Anyone = Annotated[Principal, open_to_all()]
_MOST = 1_000
_BOX = r"^-?\d{1,3}(\.\d{1,9})?(,-?\d{1,3}(\.\d{1,9})?){3}$"
Within = Annotated[
    str | None, Query(pattern=_BOX, description="West, south, east, north in degrees.")
]
AtATime = Annotated[int, Query(ge=1, le=10_000, description=f"{_MOST} at most are returned.")]


def _base(request: Request) -> str:
    return f"{context_of(request).settings.public_url.rstrip('/')}/directory/v1/features"


@routes.get("")
async def landing(request: Request, _principal: Anyone) -> dict[str, Any]:
    """The landing page of OGC API - Features."""
    root = context_of(request).settings.public_url.rstrip("/")
    return features.landing(_base(request), f"{root}/openapi.json")


@routes.get("/conformance")
async def conformance(_principal: Anyone) -> dict[str, Any]:
    """The parts of OGC API – Features that this API follows."""
    return features.CONFORMANCE


@routes.get("/collections")
async def list_collections(
    request: Request, _principal: Anyone, language: PageLanguage = "es"
) -> dict[str, Any]:
    """The layers that a map program can open: services, and gaps of each country."""
    return features.collections(_base(request), language)


@routes.get("/collections/{collection}")
async def read_collection(
    request: Request, _principal: Anyone, collection: str, language: PageLanguage = "es"
) -> dict[str, Any]:
    """Name, extent and links of one layer."""
    return features.collection(_base(request), _known(collection), language)


@routes.get("/collections/{collection}/items", response_class=Response)
async def list_items(
    *,
    request: Request,
    session: Session,
    caller: Anyone,
    collection: str,
    limit: AtATime = _MOST,
    bbox: Within = None,
    datetime: Annotated[str | None, Query(max_length=60)] = None,
    cursor: CursorText = None,
    language: PageLanguage = "es",
) -> Response:
    """Services by id, or needs by area, as far as you may see them. Features have no time, so any `datetime` selects
    all."""
    size = min(limit, _MOST)
    if _known(collection) == features.SERVICES:
        found, following = await _services(session, caller, request, size, _box(bbox), cursor)
    else:
        country = collection.removeprefix(features.GAPS)
        rows = await _gaps(session, caller, country, language, _box(bbox))
        (start,) = keys_in(cursor, number_in) or (0,)
        found = rows[max(0, start) :][:size]
        following = encode_cursor(start + size) if start + size < len(rows) else None
    here = f"{_base(request)}/collections/{collection}/items"
    asked = {"limit": size, **({"bbox": bbox} if bbox else {}), "language": language}
    more = f"{here}?{urlencode({**asked, 'cursor': following})}" if following else None
    return _geojson(features.page(here, found, clock.now().isoformat(), more))


@routes.get("/collections/services/items/{service_id}", response_class=Response)
async def read_service(
    request: Request, session: Session, caller: Anyone, service_id: UUID
) -> Response:
    """One service at its places, as GeoJSON."""
    found, _ = await _services(session, caller, request, 1, None, None, service_id)
    if not found:
        raise NOT_FOUND.because("no_service_record_has_this_id")
    return _geojson(found[0])


async def _services(
    session: Session,
    caller: Principal,
    request: Request,
    size: int,
    within: Box | None,
    cursor: str | None,
    service_id: UUID | None = None,
) -> tuple[list[dict[str, Any]], str | None]:
    chosen = Chosen(within=within, service_id=service_id, after=id_cursor(cursor), limit=size + 1)
    rows = [each async for each in exported(session, caller, chosen)]
    shown = rows[:size]
    await log_restricted(
        session, caller, request.url.path, [each.service_id for each in shown if each.sensitive]
    )
    following = encode_cursor(shown[-1].service_id) if len(rows) > size else None
    return [feature(each) for each in shown], following


async def _gaps(
    session: Session, caller: Principal, country: str, language: str, within: Box | None
) -> list[dict[str, Any]]:
    found = await gaps.picture(session, caller, GapQuery(country, 1, (), (), False))
    rows = [
        features.gap(
            row.area,
            row.need,
            {
                "need_name": need_label(row.need)[language],
                "group": row.group,
                "coverage": row.coverage,
                "gap": row.is_gap,
            },
        )
        for row in found.rows
    ]
    return [row for row in rows if within is None or _lies_in(row["geometry"], within)]


def _lies_in(point: Mapping[str, Any] | None, box: Box) -> bool:
    if point is None:
        return False
    longitude, latitude = point["coordinates"]
    west, south, east, north = box
    return bool(west <= longitude <= east and south <= latitude <= north)


def _box(asked: str | None) -> Box | None:
    if asked is None:
        return None
    west, south, east, north = (float(each) for each in asked.split(","))
    if not (west <= east <= 180 and west >= -180 and -90 <= south <= north <= 90):
        raise INVALID.because("bbox_is_west_south_east_north", pointer="/bbox")
    return west, south, east, north


def _known(collection: str) -> str:
    if collection not in features.names():
        raise NOT_FOUND.because("collection_is_one_of", ", ".join(features.names()))
    return collection


def _geojson(document: Mapping[str, Any]) -> Response:
    headers = {"Cache-Control": "private, no-store"}
    return Response(orjson.dumps(document), media_type=features.GEOJSON, headers=headers)
