"""Draws a bulletin's charts from their tables, in one language."""

from reporting.bulletins.document.content import Chart, Label, Table
from reporting.bulletins.document.figures import Figure
from reporting.bulletins.document.reading import shown
from reporting.charts.flow import Band, flow
from reporting.charts.specs import Point, Spec, bars, heat_map, trend
from reporting.charts.tiles import Tile, tiles


def spec(chart: Chart, language: str) -> Spec:
    """The chart as a Vega-Lite specification; its numbers are the figures of its table."""
    title = chart.title[language]
    match chart.form:
        case "bars":
            return bars(_points(chart.table, language), title=title)
        case "trend":
            return trend(_points(chart.table, language), title=title)
        case "heat-map":
            return heat_map(_points(chart.table, language), title=title)
        case "flow":
            return _flow(chart.table, language, title)
        case "map":
            return _map(chart, language, title)


def _points(table: Table, language: str) -> list[Point]:
    """A point per figure: its row's label, its column's label."""
    return [
        Point(
            _word(row[0], language),
            column.text[language],
            value,
            shown(cell, language),
            cell.low if isinstance(cell.low, int) else None,
            cell.high if isinstance(cell.high, int) else None,
        )
        for row in table.rows
        for column, cell in zip(table.columns, row, strict=True)
        if isinstance(cell, Figure) and isinstance(value := cell.value, int)
    ]


def _word(cell: Label | Figure, language: str) -> str:
    return cell.text[language] if isinstance(cell, Label) else ""


def _flow(table: Table, language: str, title: str) -> Spec:
    bands = [
        Band(_word(row[0], language), _word(row[1], language), value, shown(cell, language))
        for row in table.rows
        if isinstance(cell := row[-1], Figure) and isinstance(value := cell.value, int)
    ]
    return flow(bands, title=title)


def _map(chart: Chart, language: str, title: str) -> Spec:
    found = [
        Tile(pcode, _word(row[0], language), value, shown(cell, language).replace(" (", "\n("))
        for pcode, row in zip(chart.places, chart.table.rows, strict=True)
        if isinstance(cell := row[-1], Figure) and isinstance(value := cell.value, int)
    ]
    return tiles(found, title=title)
