"""A bulletin laid out in one language: blocks with their runs, images and alternative texts. The web page and the PDF
are two renderings of this layout; neither adds a word or a number."""

import struct
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from reporting.publish.bulletins.document.content import (
    Block,
    Chart,
    Content,
    KeyFigures,
    Sentence,
    Table,
    Words,
)
from reporting.publish.bulletins.document.figures import Figure
from reporting.publish.bulletins.document.runs import (
    cell_run,
    figure_run,
    heading_lines,
    issuers,
    paragraphs,
    plain,
    sentence_runs,
)
from reporting.publish.bulletins.document.texts import say
from reporting.publish.bulletins.rendering.chart_drawings import SCALE, Drawings, says_all

WORDS = ("table_below", "draft", "page", "issuers")
_NARROWEST, _WIDEST = 9, 34
"""The least and, for words, the most characters for which a table's column is sized."""
_BOLD = 1.3
"""The width of a heading's letter relative to a digit."""
_OF_AN_ID = 36
_ROOM = 104
"""Characters that fit on a line of the page, including the space between columns."""


@dataclass
class Page:
    """A laid-out page. ``images`` are PNGs by name; blocks refer to them by ``image_name``. ``drawings`` are their
    original SVGs by name (``drawing``)."""

    language: str
    title: str
    period: str
    standing: str
    draft: bool
    words: dict[str, str]
    sections: list[dict[str, Any]]
    lines: list[str] = field(default_factory=list)
    issuers: list[dict[str, Any]] = field(default_factory=list)
    """The organisations' names, and the names of their logos."""
    logos: dict[str, bytes] = field(default_factory=dict)
    summary: bool = False
    images: dict[str, bytes] = field(default_factory=dict)
    drawings: dict[str, bytes] = field(default_factory=dict)


def laid_out(content: Content, language: str, drawings: Drawings, *, draft: bool) -> Page:
    """Return the page in that language, with the charts drawn for it."""
    page = Page(
        language=language,
        title=content.title[language],
        period=content.period_label[language],
        standing=plain(sentence_runs(content.standing, language)),
        draft=draft,
        words={name: say(f"page.{name}")[language] for name in WORDS},
        sections=[],
        lines=heading_lines(content, language),
    )
    for number, issuer in enumerate(issuers(content)):
        logo = f"logo-{number}.png" if issuer.logo else ""
        page.issuers.append({"name": issuer.name, "logo": logo})
        if issuer.logo:
            page.logos[logo] = b64decode(issuer.logo)
    for name, (svg, png) in drawings.items():
        page.drawings[f"{name}.svg"], page.images[f"{name}.png"] = svg, png
    for section in content.sections:
        blocks = [_block(block, page) for block in section.blocks]
        page.sections.append({"id": section.id, "title": section.title[language], "blocks": blocks})
    return page


def _block(block: Block, page: Page) -> dict[str, Any]:
    language = page.language
    match block:
        case Sentence():
            return {"kind": block.kind, "runs": sentence_runs(block, language)}
        case Words():
            return {"kind": block.kind, "paragraphs": paragraphs(block, language)}
        case KeyFigures():
            cards = [
                {
                    "label": item.label[language],
                    "run": figure_run(item.figure, language),
                    "absent": item.figure.value is None,
                }
                for item in block.items
            ]
            return {"kind": block.kind, "cards": cards}
        case Table():
            return _table(block, language)
        case Chart():
            return _chart(block, page)


def _table(table: Table, language: str) -> dict[str, Any]:
    numbers = [
        any(isinstance(row[i], Figure) for row in table.rows) for i in range(len(table.columns))
    ]
    rows = [[cell_run(cell, language) for cell in row] for row in table.rows]
    return {
        "kind": table.kind,
        "id": table.id,
        "caption": table.caption[language],
        "heads": [
            {"text": column.text[language], "number": number}
            for column, number in zip(table.columns, numbers, strict=True)
        ],
        "rows": rows,
        "widths": _widths(
            [
                _width(column.text[language], [row[i].text for row in rows], number)
                for i, (column, number) in enumerate(zip(table.columns, numbers, strict=True))
            ]
        ),
    }


def _width(heading: str, cells: list[str], number: bool) -> tuple[int, int]:
    """Return a column's minimum width (its longest word or number) and its preferred width, so that text wraps to few
    lines."""
    words = max((_length(word) for text in cells for word in text.split(" ")), default=1)
    words = max(words, *(round(len(word) * _BOLD) for word in heading.split(" ")))
    if number:  # a number stays on one line with its interval
        least = max(_NARROWEST, words, *(len(text) + 2 for text in cells))
        return least, least
    least = max(_NARROWEST, words + 2)
    return least, max(least + 2, min(_WIDEST, max(map(_length, cells), default=1)))


def _length(word: str) -> int:
    """Return the length in characters. An id counts less, because its font is smaller."""
    return round(0.82 * len(word)) if len(word) == _OF_AN_ID else len(word)


def _widths(columns: Sequence[tuple[int, int]]) -> list[int]:
    """Return each column's share of the table width: its preference, reduced on a narrow page so that no word overlaps
    the next column."""
    needed, liked = (sum(each) for each in zip(*columns, strict=True))
    spare = max(0.0, min(1.0, (_ROOM - needed) / max(liked - needed, 1)))
    return [round(10 * (least + spare * (most - least))) for least, most in columns]


def _chart(chart: Chart, page: Page) -> dict[str, Any]:
    name = f"{chart.table.id}.png"
    # The IHDR chunk comes first in a PNG.
    width, height = struct.unpack(">II", page.images[name][16:24])
    return {
        "kind": chart.kind,
        "image_name": name,
        "drawing": f"{chart.table.id}.svg",
        "width": int(width / SCALE),
        "height": int(height / SCALE),
        "alt": plain(sentence_runs(chart.alt, page.language)),
        "table": _table(chart.table, page.language),
        "most": max(
            (
                cell.value or 0
                for row in chart.table.rows
                for cell in row
                if isinstance(cell, Figure)
            ),
            default=0,
        ),
        "says_all": says_all(chart, page.language),
        "numbers": _read_out(chart, page.language),
    }


def _read_out(chart: Chart, language: str) -> str:
    """Return all numbers of a chart as text, unless a table below already shows them."""
    if not says_all(chart, language):
        return ""
    rows = ([cell_run(cell, language).text for cell in row] for row in chart.table.rows)
    heads = [column.text[language] for column in chart.table.columns]
    if chart.form == "flow":
        return "; ".join(f"{start} – {end}: {number}" for start, end, number in rows)
    if len(heads) == 2:
        return "; ".join(": ".join(row) for row in rows)
    return "; ".join(
        f"{row[0]}: " + ", ".join(f"{h} {n}" for h, n in zip(heads[1:], row[1:], strict=True))
        for row in rows
    )
