"""HTTP for the overview pages: all posters, and the places where services are missing."""

from typing import Annotated

from common import clock
from common.auth import ANONYMOUS, Principal
from common.http import AnyQuery, Session, open_to_all, refusal_pages, router
from common.words.places import Places
from fastapi import Query
from fastapi.responses import HTMLResponse
from starlette.requests import Request

from directory.pathways.definition.profile import PLACE
from directory.pathways.gaps.matrix import GapQuery
from directory.pathways.gaps.service import picture
from directory.pathways.versions.service import check_area
from directory.show.information.api import Asked, language_in, settings_of
from directory.show.information.gap_map import Area, areas_of
from directory.show.information.renderer import gaps_page, posters_page

poster_index = router("/directory/v1/posters", ["posters"])
gap_page = router("/directory/v1/gaps/page", ["gaps"])
Anyone = Annotated[Principal, open_to_all()]
_DEEPEST = 2


@poster_index.get("", response_class=HTMLResponse, dependencies=[AnyQuery])
async def list_posters(request: Request, _anyone: Anyone, asked: Asked = None) -> HTMLResponse:
    """Shows a page with links to all posters."""
    return posters_page(settings_of(request), language_in(request, asked))


@gap_page.get(
    "", response_class=HTMLResponse, responses=refusal_pages(422), dependencies=[AnyQuery]
)
async def show_gaps(
    *,
    request: Request,
    session: Session,
    _anyone: Anyone,
    area: Annotated[
        str | None, Query(pattern=PLACE, description="A P-code: its parts instead of all states.")
    ] = None,
    asked: Asked = None,
) -> HTMLResponse:
    """Shows the needs without a public service, by state. The page is the same for every caller."""
    settings = settings_of(request)
    country = Places.load().at_level(0, settings.home_country)[0].pcode
    if area is not None:
        check_area(area, "/area")
    level = Places.load().require(area or country).level
    own = await _areas(session, area, level) if area else []
    parts = await _areas(session, area or country, level + 1) if level < _DEEPEST else []
    today = clock.today()
    language = language_in(request, asked)
    return gaps_page(settings, language, own[0] if own else None, parts, today)


async def _areas(session: Session, inside: str, level: int) -> list[Area]:
    """Return the public figures, the same for every caller."""
    return areas_of((await picture(session, ANONYMOUS, GapQuery(inside, level))).rows)
