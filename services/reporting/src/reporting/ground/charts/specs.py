"""Charts as Vega-Lite specifications: trend lines, bars, a heat map and a flow.

Pure: rows in, specification out. The caller supplies the numbers on a chart (``shown``) as text. A chart therefore
shows only the figures in its table, in the reader's own number format.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reporting.ground.charts.palette import (
    BLUE,
    CATEGORIES,
    DASHES,
    FONT,
    GRID,
    INK,
    SEQUENTIAL,
)

Spec = dict[str, Any]
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.4.1.json"
"""The schema against which a test validates every specification."""
WIDTH = 640
ROW_HEIGHT = 26
_LABEL_CHARACTERS = 40
_CHARACTER_WIDTH = 6.4
"""The average width of a character in an axis label, in points."""
_WHOLE = 0
"""No limit: wrapped labels need none, and Vega then does not measure them again."""
_ROOM = 36
"""Additional points beside labels, because browsers without our font write wider than measured here."""
_LINE_HEIGHT = 13
_LINES = "split(datum.value, '\\n')"
_DARK_FROM = 0.63
"""From this shade on, a heat cell has white text."""


@dataclass(frozen=True, slots=True)
class Point:
    """A mark: its position (``x``, or ``y`` in a heat map), its series, value and wording. In a heat map also its
    shade, from 0 (none) to 1."""

    x: str
    series: str
    value: int
    shown: str
    low: int | None = None
    high: int | None = None
    shade: float = 0.0


def bars(points: Sequence[Point], *, title: str) -> Spec:
    """Return horizontal bars in the given order, with a number at the end of each bar."""
    order = [point.x for point in points]
    rows = by("x:N", sort=[_wrapped(x) for x in order], title=None, axis=_labels_axis())
    width = by("value:Q", title=None, axis=None, scale={"domain": [0, _top(points) * 1.3]})
    low, high = by("low:Q", axis=None), by("high:Q", axis=None)
    # A white edge keeps the whisker and its ends legible on the bar.
    whiskers = [
        mark
        for colour, wide in (("white", 4.5), (INK, 2.0))
        for mark in (
            layer(
                {"type": "rule", "color": colour, "strokeWidth": wide},
                y=rows,
                x=low,
                x2={"field": "high"},
            ),
            *(
                layer(
                    {
                        "type": "tick",
                        "color": colour,
                        "thickness": wide,
                        "height": 12,
                        "opacity": 1,
                    },
                    y=rows,
                    x=end,
                )
                for end in (low, high)
            ),
        )
    ]
    layers = [
        layer({"type": "bar", "color": BLUE, "height": {"band": 0.7}}, y=rows, x=width),
        *(whiskers if _unsure(points) else []),
        layer(
            {"type": "text", "align": "left", "dx": 4, "fontSize": 13, "color": INK},
            y=rows,
            x=by("end:Q", axis=None),
            text=by("shown:N"),
        ),
    ]
    return _finished(_data(points), layers, title, _height(order))


def _unsure(points: Sequence[Point]) -> bool:
    return any(point.low is not None for point in points)


def trend(points: Sequence[Point], *, title: str) -> Spec:
    """Return a line for each series over ordered periods, with its own dash and marker, over a scale. The numbers are
    in the table below, because on the chart they would cover each other and the whiskers."""
    order = list(dict.fromkeys(point.x for point in points))
    series = list(dict.fromkeys(point.series for point in points))
    legend = {
        "title": None,
        "orient": "top",
        "labelLimit": WIDTH,
        "symbolSize": 90,
        "symbolDash": [1, 0],
    }
    colours, dashes = list(CATEGORIES[: len(series)]), list(DASHES[: len(series)])
    base = {
        "x": by(
            "x:O",
            sort=order,
            title=None,
            axis={"labelAngle": 0, "labelLimit": 110, "labelFontSize": 12},
        ),
        "y": by(
            "value:Q",
            title=None,
            scale={"domain": [0, _top(points) * 1.15]},
            axis={
                "grid": True,
                "gridColor": GRID,
                "ticks": False,
                "domain": False,
                "tickCount": 5,
                "labelFontSize": 12,
            },
        ),
        "color": by(
            "series:N",
            sort=series,
            scale={"domain": series, "range": colours},
            legend=legend,
        ),
    }
    dash = by("series:N", sort=series, scale={"domain": series, "range": dashes}, legend=None)
    shape = by("series:N", sort=series, scale={"domain": series}, legend=legend)
    whiskers = layer(
        {"type": "rule", "strokeWidth": 1.2, "opacity": 0.7},
        **{**base, "y": by("low:Q", title=None), "y2": {"field": "high"}},
    )
    layers = [
        layer({"type": "line", "strokeWidth": 2.5}, **base, strokeDash=dash),
        *([whiskers] if _unsure(points) else []),
        layer({"type": "point", "size": 70, "filled": True, "opacity": 1}, **base, shape=shape),
    ]
    return _finished(_data(points), layers, title, 240)


def heat_map(points: Sequence[Point], *, title: str) -> Spec:
    """Return rows by columns (``series``), darker for higher values, with the number in each cell."""
    rows = list(dict.fromkeys(point.x for point in points))
    names = list(dict.fromkeys(point.series for point in points))
    narrow = max(8, int(WIDTH / max(1, len(names)) / _CHARACTER_WIDTH))
    columns = [_wrapped(name, narrow) for name in names]
    base = {
        "y": by("x:N", sort=[_wrapped(x) for x in rows], title=None, axis=_labels_axis()),
        "x": by(
            "series:N",
            sort=columns,
            title=None,
            axis={
                "orient": "top",
                "labelAngle": 0,
                "labelExpr": _LINES,
                "labelLimit": _WHOLE,
                "labelFontSize": 11,
                "labelOverlap": False,
                "labelPadding": 4 + _LINE_HEIGHT * max(name.count("\n") for name in columns),
                "domain": False,
                "ticks": False,
            },
        ),
    }
    shade = by("shade:Q", scale={"domain": [0, 1], "range": list(SEQUENTIAL)}, legend=None)
    ink = {
        "condition": {"test": f"datum.shade > {_DARK_FROM}", "value": "white"},
        "value": INK,
    }
    layers = [
        layer({"type": "rect", "stroke": "white", "strokeWidth": 2}, **base, color=shade),
        layer({"type": "text", "fontSize": 12}, **base, text=by("shown:N"), color=ink),
    ]
    return _finished(_data(points, width=narrow), layers, title, _height(rows))


_TYPES = {"N": "nominal", "O": "ordinal", "Q": "quantitative"}


def by(what: str, **more: Any) -> Spec:
    """Return the encoding for a mark's channel: `field:N` (nominal), `:O` (ordinal) or `:Q` (quantitative)."""
    field, kind = what.split(":")
    return {"field": field, "type": _TYPES[kind], **more}


def layer(mark: Spec, **channels: Spec) -> Spec:
    return {"mark": mark, "encoding": channels}


def heading(title: str) -> Spec:
    return {"text": title, "anchor": "start", "fontSize": 15, "color": INK, "offset": 10}


def _data(points: Sequence[Point], width: int | None = None) -> list[dict[str, Any]]:
    return [
        {
            "x": _wrapped(p.x),
            "series": _wrapped(p.series, width) if width else p.series,
            "value": p.value,
            "shown": p.shown,
            "shade": p.shade,
            "low": p.value if p.low is None else p.low,
            "high": p.value if p.high is None else p.high,
            "end": p.value if p.high is None else max(p.high, p.value),
        }
        for p in points
    ]


def _wrapped(label: str, width: int = _LABEL_CHARACTERS) -> str:
    return "\n".join(textwrap.wrap(label, width)) or label


def _height(labels: Sequence[str]) -> int:
    lines = max((_wrapped(label).count("\n") + 1 for label in labels), default=1)
    return max(1, len(labels)) * max(ROW_HEIGHT, lines * _LINE_HEIGHT + 6)


def _top(points: Sequence[Point]) -> int:
    return max((max(p.value, p.high or 0) for p in points), default=0) or 1


def _labels_axis() -> Spec:
    # Vega puts a label's first line in the middle of its row, so move longer labels up.
    lines = "length(split(datum.value, '\\n'))"
    offset = {
        "condition": [
            {"test": f"{lines} == {count}", "value": -_LINE_HEIGHT * (count - 1) / 2}
            for count in (2, 3, 4)
        ],
        "value": 0,
    }
    return {
        "labelLimit": _WHOLE,
        "labelExpr": _LINES,
        "labelOffset": offset,
        "labelFontSize": 13,
        "ticks": False,
        "domain": False,
    }


def _finished(
    rows: Sequence[dict[str, Any]], layers: Sequence[Spec], title: str, height: int
) -> Spec:
    return styled(
        {
            "data": {"values": rows},
            "layer": layers,
            "width": WIDTH,
            "height": height,
            "title": heading(title),
            "padding": {"left": _ROOM, "right": 12, "top": 5, "bottom": 5},
        }
    )


def styled(chart: Spec) -> Spec:
    """Return the specification with the house font, without frames."""
    return {
        "$schema": SCHEMA,
        **chart,
        "config": {
            "font": FONT,
            "view": {"stroke": None},
            "axis": {"labelColor": INK, "titleColor": INK},
            "legend": {"labelFontSize": 13, "labelColor": INK},
        },
    }
