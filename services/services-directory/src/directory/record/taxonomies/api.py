"""HSDS read endpoints for taxonomies and their terms."""

from typing import Annotated, Any
from uuid import UUID

import orjson
from common.auth import Principal
from common.errors import NOT_FOUND
from common.http import Session, open_to_all, router
from common.sight import audience_of
from starlette.requests import Request
from starlette.responses import Response

from directory.ground.hsds.shown import ShownTaxonomy, ShownTerm, one, page_of
from directory.ground.reading.answers import (
    NDJSON,
    answer,
    described,
    page_answer,
    search_route,
)
from directory.ground.reading.parameters import PageQuery
from directory.ground.reading.request_parameters import parameters
from directory.record.taxonomies import queries
from directory.record.taxonomies.queries import TaxonomyQuery, TermQuery

routes = router("/directory/v1", ["HSDS"])
Anyone = Annotated[Principal, open_to_all()]


def _page(request: Request, query: PageQuery, found: list[dict[str, Any]]) -> Response:
    if query.format == "ndjson":
        body = b"".join(orjson.dumps(each) + b"\n" for each in found)
        return answer(request, body, media_type=NDJSON)
    start = (query.page - 1) * query.per_page
    items = [orjson.dumps(each) for each in found[start : start + query.per_page]]
    return page_answer(request, items, total=len(found), number=query.page, per_page=query.per_page)


@search_route(
    routes, "/taxonomies", TaxonomyQuery, summary="Taxonomies", responses=page_of(ShownTaxonomy)
)
async def taxonomies(request: Request, session: Session, caller: Anyone) -> Response:
    """The lists of terms that classify services: ours and those of other publishers."""
    query = await parameters(request, TaxonomyQuery)
    return _page(request, query, await queries.taxonomies(session, query, audience_of(caller)))


@routes.get(
    "/taxonomies/{taxonomy_id}",
    summary="One taxonomy",
    responses=one(ShownTaxonomy),
    openapi_extra=described([]),
)
async def taxonomy(
    request: Request, session: Session, caller: Anyone, taxonomy_id: UUID
) -> Response:
    """Name, version and publisher of one list of terms."""
    found = await queries.one_taxonomy(session, taxonomy_id, audience_of(caller))
    if found is None:
        raise NOT_FOUND.because("no_taxonomy_has_this_id")
    return answer(request, orjson.dumps(found))


@search_route(
    routes, "/taxonomy_terms", TermQuery, summary="Taxonomy terms", responses=page_of(ShownTerm)
)
async def taxonomy_terms(request: Request, session: Session, caller: Anyone) -> Response:
    """The terms of a list, or of all lists, with their labels and parents."""
    query = await parameters(request, TermQuery)
    return _page(request, query, await queries.terms(session, query, audience_of(caller)))


@routes.get(
    "/taxonomy_terms/{term_id}",
    summary="One taxonomy term",
    responses=one(ShownTerm),
    openapi_extra=described([]),
)
async def taxonomy_term(
    request: Request, session: Session, caller: Anyone, term_id: UUID
) -> Response:
    """A term with its labels, its list and the term above it."""
    found = await queries.one_term(session, term_id, audience_of(caller))
    if found is None:
        raise NOT_FOUND.because("no_taxonomy_term_has_this_id")
    return answer(request, orjson.dumps(found))
