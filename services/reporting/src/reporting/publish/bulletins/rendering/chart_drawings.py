"""Draws a bulletin's charts from their tables."""

import json
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence

from common.words.conventions import NOTATIONS
from drawing.client import drawn

from reporting.ground.charts.bordered_map import bordered
from reporting.ground.charts.flow import Band, flow, has_room
from reporting.ground.charts.specs import Point, Spec, bars, heat_map, trend
from reporting.ground.charts.tiles import Tile, tiles
from reporting.ground.protection.comparisons import levels
from reporting.publish.bulletins.document.content import Borders, Chart, Content, Label, Table
from reporting.publish.bulletins.document.figures import Figure
from reporting.publish.bulletins.document.runs import all_charts, borders, shown
from reporting.publish.bulletins.document.texts import say

Drawings = Mapping[str, tuple[bytes, bytes]]
"""Charts in one language, by the id of their table: as SVG, and as PNG of `SCALE` pixels per point."""
SCALE = 2.0
_ONLY, _LEAST = 0.6, 0.35
"""The shade of figures that cannot be distinguished, and of the lowest distinguishable ones."""


def drawings(content: Content, languages: Iterable[str]) -> dict[str, Drawings]:
    """Return the bulletin's charts by language. One process draws them all, because starting it costs as much as
    several charts. Blocking: call it outside the event loop."""
    charts = list(all_charts(content))
    if not charts:
        return {language: {} for language in languages}
    sheets = {
        language: {
            "specs": {chart.table.id: spec(chart, language, borders(content)) for chart in charts},
            "notation": NOTATIONS[language],
        }
        for language in languages
    }
    made = json.loads(drawn("charts", sheets))
    return {language: _with_pictures(svgs) for language, svgs in made.items()}


def _with_pictures(svgs: Mapping[str, str]) -> Drawings:
    # Convert one sheet at a time, because the converter keeps all pictures in memory until it ends.
    pictures = json.loads(drawn("pictures", {"drawings": list(svgs.values()), "scale": SCALE}))
    return {
        name: (svg.encode(), b64decode(png))
        for (name, svg), png in zip(svgs.items(), pictures, strict=True)
    }


def spec(chart: Chart, language: str, around: Borders | None = None) -> Spec:
    """Return the chart as a Vega-Lite specification; its numbers are the figures in its table."""
    title = chart.title[language]
    match chart.form:
        case "bars":
            return bars(_points(chart.table, language), title=title)
        case "trend":
            return trend(_points(chart.table, language), title=title)
        case "heat-map":
            return heat_map(_points(chart.table, language), title=title)
        case "flow":
            return flow(_bands(chart.table, language), title=title)
        case "map":
            return _map(chart, language, title, around)


def _points(table: Table, language: str) -> list[Point]:
    """Return a point for each figure, with its row label and its column label."""
    found = [
        (row, column, cell)
        for row in table.rows
        for column, cell in zip(table.columns, row, strict=True)
        if isinstance(cell, Figure)
    ]
    shades = _shades([cell for *_, cell in found])
    return [
        Point(
            _word(row[0], language),
            column.text[language],
            value,
            shown(cell, language),
            cell.low if isinstance(cell.low, int) else None,
            cell.high if isinstance(cell.high, int) else None,
            shade,
        )
        for (row, column, cell), shade in zip(found, shades, strict=True)
        if isinstance(value := cell.value, int)
    ]


def _shades(figures: Sequence[Figure]) -> list[float]:
    """Return shades between 0 and 1. Shades differ only if the intervals distinguish the figures; a cell that shows
    nothing gets 0."""
    some = [place for place, each in enumerate(figures) if each.value]
    found = levels([figures[place].between for place in some])
    top = max(found, default=0)
    shades = [0.0] * len(figures)
    for place, level in zip(some, found, strict=True):
        shades[place] = _ONLY if top == 0 else _LEAST + (1 - _LEAST) * level / top
    return shades


def _word(cell: Label | Figure, language: str) -> str:
    return cell.text[language] if isinstance(cell, Label) else ""


def says_all(chart: Chart, language: str) -> bool:
    """Return whether the drawing shows every number in its table."""
    if chart.form == "flow":
        return has_room(_bands(chart.table, language))
    return chart.form in {"bars", "heat-map", "map"}


def _bands(table: Table, language: str) -> list[Band]:
    return [
        Band(_word(row[0], language), _word(row[1], language), value, shown(cell, language))
        for row in table.rows
        if isinstance(cell := row[-1], Figure) and isinstance(value := cell.value, int)
    ]


def _map(chart: Chart, language: str, title: str, around: Borders | None) -> Spec:
    cells = [cell for row in chart.table.rows if isinstance(cell := row[-1], Figure)]
    found = [
        Tile(pcode, _word(row[0], language), shown(cell, language).replace(" (", "\n("), shade)
        for pcode, row, cell, shade in zip(
            chart.places, chart.table.rows, cells, _shades(cells), strict=True
        )
    ]
    if around is None:
        return tiles(found, title=title)
    source = say("map.borders")[language].format(source=around.source)
    return bordered(found, around.polygons, title=title, source=source)
