"""Draws the page that leads to the published figures: by programme, the newest period first."""

from collections.abc import Sequence

from common.http import page_response
from common.http.page import drawn
from starlette.responses import HTMLResponse

from reporting.ground.periods import Period
from reporting.ground.programmes.catalogue import Catalogue
from reporting.protect.releases.queries import Release

_PACKAGE = "reporting.publish.exports"


def figures_page(
    programmes: Catalogue, published: Sequence[Release], language: str
) -> HTMLResponse:
    """Programmes of which nothing is published are left out."""
    shown = [
        {
            "id": programme.id,
            "title": programme.title[language],
            "note": programme.note[language],
            "periods": [
                {"id": each.period, "label": Period.parse(each.period).label(language)}
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
