"""All of a bulletin's files in one language: page, PDF, summary, document, workbook, and each chart as SVG and PNG."""

import json
from base64 import b64encode
from dataclasses import asdict, is_dataclass, replace
from importlib.resources import files
from typing import Any

from drawing.client import drawn

from reporting.publish.bulletins.document.content import Content
from reporting.publish.bulletins.document.runs import all_charts
from reporting.publish.bulletins.document.texts import say
from reporting.publish.bulletins.document.words import LAST, places
from reporting.publish.bulletins.rendering.chart_drawings import Drawings, drawings
from reporting.publish.bulletins.rendering.docx import as_docx
from reporting.publish.bulletins.rendering.html import as_html
from reporting.publish.bulletins.rendering.page import Page, laid_out
from reporting.publish.bulletins.rendering.workbook import as_workbook

SUMMARY = frozenset({"highlights", "key", "helplines"})


def as_pdf(page: Page) -> bytes:
    """Return a PDF, tagged for screen readers, with alternative text for the charts."""
    return drawn(
        "page", {"form": "pdf", "standard": "ua-1", "own_font": True, "files": sources(page)}
    )


def sources(page: Page) -> dict[str, str]:
    """Return the input for Typst: the page template, its content and its pictures by name, in base64."""
    template = (
        files("reporting.publish.bulletins.rendering").joinpath("data", "bulletin.typ").read_bytes()
    )
    content = json.dumps(_shown(page), default=_plain).encode()
    given = {"main.typ": template, "page.json": content, **page.images, **page.logos}
    return {name: b64encode(each).decode() for name, each in given.items()}


def _shown(page: Page) -> dict[str, Any]:
    return {
        "language": page.language,
        "title": page.title,
        "period": page.period,
        "standing": page.standing,
        "draft": page.draft,
        "words": page.words,
        "sections": page.sections,
        "lines": page.lines,
        "issuers": page.issuers,
        "summary": page.summary,
    }


def _plain(value: Any) -> Any:
    """Return runs as objects with text and role, without sources, which are not typeset."""
    if is_dataclass(value) and not isinstance(value, type):
        return {k: v for k, v in asdict(value).items() if k in {"text", "role"}}
    raise TypeError(f"{type(value).__name__} has no place in a page")


MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "png": "image/png",
    "svg": "image/svg+xml",
}


def media_type(name: str) -> str:
    return MEDIA_TYPES[name.rsplit(".", 1)[-1]]


def names(content: Content) -> list[str]:
    """Return the names of a bulletin's files, the same in every language."""
    charts = [f"{c.table.id}.{end}" for c in all_charts(content) for end in ("png", "svg")]
    return [
        "bulletin.html",
        "bulletin.pdf",
        "summary.pdf",
        "bulletin.docx",
        "bulletin.xlsx",
        *charts,
    ]


def on_one_page(page: Page) -> Page:
    """Return the summary: highlights, key figures and helplines, in smaller type."""
    kept = [each for each in page.sections if each["id"] in SUMMARY]
    return replace(page, sections=kept, images={}, summary=True)


def _editable(content: Content, language: str) -> dict[str, str]:
    """Return the titles of all sections in which people may write texts, in print order."""
    composed = {each.id: each.title for each in content.sections}
    order = sorted(places(content), key=lambda name: name in LAST)
    return {name: composed.get(name, say(f"section.{name}"))[language] for name in order}


def rendered(
    content: Content, language: str, *, draft: bool, drawn: Drawings | None = None
) -> dict[str, bytes]:
    """Return every file by name. `drawn` contains the charts if those for several languages were drawn together
    (`drawings`). This takes several seconds: call it outside the event loop."""
    if drawn is None:
        drawn = drawings(content, [language])[language]
    page = laid_out(content, language, drawn, draft=draft)
    return {
        "bulletin.html": as_html(page).encode(),
        "bulletin.pdf": as_pdf(page),
        "summary.pdf": as_pdf(on_one_page(page)),
        "bulletin.docx": as_docx(page, _editable(content, language) if draft else {}),
        "bulletin.xlsx": as_workbook(content, language),
        **page.images,
        **page.drawings,
    }
