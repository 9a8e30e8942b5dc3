"""The page that links to the published figures."""

from collections.abc import Sequence
from typing import Annotated

from common.auth import ANONYMOUS, Principal
from common.http import AnyQuery, Session, open_to_all, page_language, page_response, router
from common.http.page import drawn
from common.words.languages import PageLanguage
from fastapi import Query
from fastapi.responses import HTMLResponse
from starlette.requests import Request

from reporting.ground.periods import Period
from reporting.ground.programmes.catalogue import Catalogue
from reporting.protect.releases import queries
from reporting.protect.releases.queries import Release
from reporting.publish.exports.api import Programmes

_PACKAGE = "reporting.publish.exports"


def figures_page(
    programmes: Catalogue, published: Sequence[Release], language: str
) -> HTMLResponse:
    """Return the page, omitting programmes without a publication."""
    shown = [
        {
            "id": programme.id,
            "title": programme.title[language],
            "note": programme.note[language],
            "periods": [
                {
                    "id": each.period,
                    "label": Period.parse(each.period).label(language),
                    "gone": each.withdrawal.reason[language]
                    if each.withdrawn and each.withdrawal
                    else "",
                }
                for each in published
                if each.programme == programme.id
            ],
        }
        for programme in programmes
    ]
    html = drawn(
        _PACKAGE, "figures.html", language, programmes=[each for each in shown if each["periods"]]
    )
    return page_response(html, language=language)


index = router("/reports/v1/exports", ["exports"])
Anyone = Annotated[Principal, open_to_all()]
# The limit for all programmes together, enough for several years.
_LISTED = 400


@index.get("/page", response_class=HTMLResponse, dependencies=[AnyQuery])
async def show_figures(
    *,
    request: Request,
    _anyone: Anyone,
    session: Session,
    programmes: Programmes,
    asked: Annotated[PageLanguage | None, Query(alias="language")] = None,
) -> HTMLResponse:
    """Show the page with the tables of each published period, in the public form."""
    language = page_language(asked, request.headers.get("accept-language"))
    published = await queries.visible(session, ANONYMOUS, limit=_LISTED)
    return figures_page(programmes, published, language)
