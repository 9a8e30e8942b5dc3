"""The page that leads to the published figures, for people."""

from typing import Annotated

from common.auth import ANONYMOUS, Principal
from common.http import AnyQuery, Session, open_to_all, page_language, router
from common.words.languages import PageLanguage
from fastapi import Query
from fastapi.responses import HTMLResponse
from starlette.requests import Request

from reporting.protect.releases import queries
from reporting.publish.exports.api import Programmes
from reporting.publish.exports.index_page import figures_page

index = router("/reports/v1/exports", ["exports"])
Anyone = Annotated[Principal, open_to_all()]
# All programmes together: years of them.
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
    """The page that leads to the tables of each published period, as anybody sees them."""
    language = page_language(asked, request.headers.get("accept-language"))
    published = await queries.visible(session, ANONYMOUS, limit=_LISTED)
    return figures_page(programmes, published, language)
