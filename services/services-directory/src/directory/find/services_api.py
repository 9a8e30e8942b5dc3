"""HSDS read endpoints for services and for services at locations. POST is the private form of GET: the same query, with
the parameters in the body."""

from typing import Annotated, Any
from uuid import UUID

import orjson
from common import clock
from common.auth import Principal
from common.errors import NOT_FOUND
from common.http import OwnQuery, Session, context_of, open_to_all, router
from common.sight import Audience, audience_of
from common.words.languages import LANGUAGES
from common.words.tables import completed
from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from directory.find.search import queries, site_queries
from directory.find.search.page_queries import BEST
from directory.find.search.parameters import Filters, ServiceQuery, SiteQuery, SuggestionQuery
from directory.find.search.ranking import explained
from directory.find.search.thesaurus import thesaurus
from directory.ground.hsds.shown import ShownService, ShownSite, one, page_of
from directory.ground.reading import envelope
from directory.ground.reading.answers import (
    GEOJSON,
    answer,
    audit,
    described,
    language_of,
    page_answer,
    search_route,
    stream,
)
from directory.ground.reading.request_parameters import parameters
from directory.ground.reading.rows_queries import Row
from directory.record.services.merged import moved_to

routes = router("/directory/v1", ["HSDS"])
Anyone = Annotated[Principal, open_to_all()]


@routes.api_route(
    "/services/suggestions",
    methods=["GET"],
    summary="What may be meant, while somebody types",
    openapi_extra=described(
        [
            {"name": "search", "in": "query", "required": True, "schema": {"type": "string"}},
            {
                "name": "language",
                "in": "query",
                "required": False,
                "schema": {"type": "string", "enum": [*LANGUAGES], "default": "es"},
            },
        ],
        {
            "type": "object",
            "required": ["items"],
            "properties": {
                "items": {
                    "type": "array",
                    "items": {"type": "object"},
                    "description": "What may be meant, the likeliest first.",
                }
            },
        },
    ),
    dependencies=[OwnQuery],
)
async def services_suggested(request: Request, session: Session, caller: Anyone) -> Response:
    """At most 8 suggestions. They come from the thesaurus alone, so they reveal nothing about any service."""
    asked = await parameters(request, SuggestionQuery)
    items = [each.plain() for each in thesaurus().suggestions(asked.search, asked.language)]
    return answer(request, orjson.dumps({"items": items}))


@search_route(
    routes,
    "/services",
    ServiceQuery,
    summary="Search services",
    responses=page_of(ShownService),
)
async def services(request: Request, session: Session, caller: Anyone) -> Response:
    """Search services by words, category, place and rights. You find only services that you may see. An unknown filter is
    refused."""
    query = await parameters(request, ServiceQuery)
    audience = audience_of(caller)
    body = "full_body" if query.full else "list_body"
    if query.format == "ndjson":
        return _stream_services(request, caller, audience, query, body)
    today = clock.today()
    found = await queries.service_page(session, query, audience, today, body)
    await audit(session, caller, request, found.rows)
    if query.format == "geojson":
        sites = await site_queries.sites_of(session, found.rows)
        return answer(request, _features(found.rows, sites), media_type=GEOJSON)
    items = await _items(request, session, query, found.rows, body)
    more: dict[str, Any] = {}
    if query.facets:
        more["facets"] = found.facets
    if query.explain:
        meant = thesaurus().understood(found.search)
        more["ranking"] = [explained(row, meant) for row in found.rows]
        more["understood"] = [each.plain() for each in meant]
        more["read_as"] = {"search": found.search, "any_word": found.any_word}
    if found.broad:
        more["notice"] = _BROAD
    return page_answer(
        request, items, total=found.total, number=query.page, per_page=query.per_page, more=more
    )


_BROAD = completed(
    "directory",
    {
        "es": f"Coinciden muchos servicios: estos son los {BEST} mejores. Agregue un lugar u otra palabra.",
        "en": f"Many services match: these are the best {BEST}. Add a place or another word.",
    },
)


async def _items(
    request: Request, session: Session, query: ServiceQuery, rows: list[Row], body: str
) -> list[bytes]:
    language, found = language_of(request), [row["body"] for row in rows]
    if language is not None and rows:
        other = await queries.translations(session, rows, language, body)
        found = [other.get(row["service_id"], row["body"]) for row in rows]
    return [_minimal(one) for one in found] if query.minimal else found


def _minimal(body: bytes) -> bytes:
    found = orjson.loads(body)
    kept = ("id", "name", "status", "last_modified")
    return orjson.dumps({key: found[key] for key in kept})


def _features(rows: list[Row], sites: list[Row]) -> bytes:
    bodies = {row["service_id"]: row["body"] for row in rows}
    return envelope.features(
        [
            envelope.feature(
                str(site["site_id"]), site["longitude"], site["latitude"],
                bodies[site["service_id"]],
            )
            for site in sites
        ]
    )  # fmt: skip


def _stream_services(
    request: Request, caller: Principal, audience: Audience, query: Filters, body: str
) -> Response:
    today = clock.today()
    minimal = isinstance(query, ServiceQuery) and query.minimal

    def line(row: Row) -> bytes:
        stored: bytes = row["body"]
        return _minimal(stored) if minimal else stored

    return stream(
        request,
        context_of(request).database,
        caller,
        lambda session: queries.every(
            session, query, audience, today, f"d.service_id, d.sensitive, d.{body} AS body"
        ),
        line,
    )


@routes.get(
    "/services/{service_id}",
    summary="One service",
    responses=one(ShownService),
    openapi_extra=described([], moves=True),
)
async def service(
    request: Request,
    session: Session,
    caller: Anyone,
    service_id: UUID,
    # A single entry is always complete. The parameter remains because partners' programs send it.
    _full: Annotated[str | None, Query(alias="full", include_in_schema=False)] = None,
) -> Response:
    """A service with its organisation, places, schedules and contacts, as far as you may see them."""
    audience = audience_of(caller)
    language = language_of(request)
    row = await queries.one_service(session, service_id, audience, language)
    if row is None:
        return await moved_to(session, audience, service_id)
    await audit(session, caller, request, [row])
    etag = f"{row['etag']}-{language}" if language else row["etag"]
    return answer(request, row["body"], etag=etag)


@search_route(
    routes,
    "/service_at_locations",
    SiteQuery,
    summary="Search services at locations",
    responses=page_of(ShownSite),
)
async def service_at_locations(request: Request, session: Session, caller: Anyone) -> Response:
    """Like the search for services, with one result for each place where a service is offered."""
    query = await parameters(request, SiteQuery)
    audience = audience_of(caller)
    today = clock.today()
    form = _full_site if query.full else _listed_site
    if query.format == "ndjson":
        return stream(
            request,
            context_of(request).database,
            caller,
            lambda own: queries.every(
                own, query, audience, today, site_queries.site_columns(full=query.full)
            ),
            form,
        )
    rows, total = await site_queries.site_page(session, query, audience, today)
    await audit(session, caller, request, rows)
    if query.format == "geojson":
        placed = [row for row in rows if row["longitude"] is not None]
        return answer(
            request,
            envelope.features(
                [
                    envelope.feature(
                        str(row["site_id"]), row["longitude"], row["latitude"], form(row)
                    )
                    for row in placed
                ]
            ),
            media_type=GEOJSON,
        )
    items = [form(row) for row in rows]
    return page_answer(request, items, total=total, number=query.page, per_page=query.per_page)


def _full_site(row: Row) -> bytes:
    service = envelope.without_sites(row["full_body"], row["core_length"])
    return envelope.site(row["site_full"], service)


def _listed_site(row: Row) -> bytes:
    return envelope.site(row["site_list"], row["list_body"])


@routes.get(
    "/service_at_locations/{site_id}",
    summary="One service at one location",
    responses=one(ShownSite),
    openapi_extra=described([]),
)
async def service_at_location(
    request: Request, session: Session, caller: Anyone, site_id: UUID
) -> Response:
    """A service at one of its places, with the schedule and the contacts of that place."""
    row = await site_queries.one_site(session, site_id, audience_of(caller))
    if row is None:
        raise NOT_FOUND.because("no_service_at_location_has_this_id")
    await audit(session, caller, request, [row])
    return answer(request, _full_site(row))
