"""All files of a bulletin in one language: page, PDF, workbook, and each chart as SVG and PNG."""

from reporting.publish.bulletins.document.content import Content
from reporting.publish.bulletins.document.reading import all_charts
from reporting.publish.bulletins.rendering.drawing import Drawings, drawings
from reporting.publish.bulletins.rendering.html import as_html
from reporting.publish.bulletins.rendering.page import laid_out
from reporting.publish.bulletins.rendering.pdf import as_pdf
from reporting.publish.bulletins.rendering.workbook import as_workbook

MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "png": "image/png",
    "svg": "image/svg+xml",
}


def media_type(name: str) -> str:
    return MEDIA_TYPES[name.rsplit(".", 1)[-1]]


def names(content: Content) -> list[str]:
    """The names of a bulletin's files, the same in every language."""
    charts = [f"{c.table.id}.{end}" for c in all_charts(content) for end in ("png", "svg")]
    return ["bulletin.html", "bulletin.pdf", "bulletin.xlsx", *charts]


def rendered(
    content: Content, language: str, *, draft: bool, drawn: Drawings | None = None
) -> dict[str, bytes]:
    """Every file by name. `drawn`: the charts, where those of several languages were drawn at once (`drawings`).
    Takes some seconds of computing: call it outside the event loop."""
    if drawn is None:
        drawn = drawings(content, [language])[language]
    page = laid_out(content, language, drawn, draft=draft)
    return {
        "bulletin.html": as_html(page).encode(),
        "bulletin.pdf": as_pdf(page),
        "bulletin.xlsx": as_workbook(content, language),
        **page.images,
        **page.drawings,
    }
