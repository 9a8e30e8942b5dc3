"""Charts as Vega-Lite specifications: trend lines, bars, a heat map and a flow.

Pure: rows in, specification out. Numbers on a chart are written by the caller (``shown``), so that
a chart can show nothing but the figures of its table, in the reader's own notation.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from common.lazily import lazily

from reporting.charts.palette import (
    BLUE,
    CATEGORIES,
    DASHES,
    FONT,
    GRID,
    INK,
    SEQUENTIAL,
)

if TYPE_CHECKING:
    import altair as alt
else:
    alt = lazily("altair")

Spec = dict[str, Any]
WIDTH = 640
ROW_HEIGHT = 26
_LABEL_CHARACTERS = 40
_CHARACTER_WIDTH = 6.4
"""Points that a character of an axis label takes on average."""
_ROOM = 36
"""Points beside the labels: where a browser lacks our font, it writes wider than was measured here."""
_LINE_HEIGHT = 13
_LINES = "split(datum.value, '\\n')"
_DARK_FROM = 0.63
"""The shade from which a heat cell is dark enough for white text."""


@dataclass(frozen=True, slots=True)
class Point:
    """One mark: where it stands (``x``, or ``y`` of a heat map), its series, value and wording; of a heat
    map its shade, between 0 (none) and 1."""

    x: str
    series: str
    value: int
    shown: str
    low: int | None = None
    high: int | None = None
    shade: float = 0.0


def bars(points: Sequence[Point], *, title: str) -> Spec:
    """Horizontal bars in the given order, with the number at the end of each."""
    order = [point.x for point in points]
    base = alt.Chart(_data(points)).encode(
        y=alt.Y("x:N", sort=[_wrapped(x) for x in order], title=None, axis=_labels_axis()),
        x=alt.X(
            "value:Q",
            title=None,
            axis=None,
            scale=alt.Scale(domain=[0, _top(points) * 1.3]),
        ),
    )
    marks = base.mark_bar(color=BLUE, height={"band": 0.7})
    numbers = base.mark_text(align="left", dx=4, fontSize=13, color=INK).encode(
        text="shown:N", x=alt.X("end:Q", axis=None)
    )
    whiskers = base.mark_rule(color=INK, strokeWidth=1.5).encode(
        x=alt.X("low:Q", axis=None), x2="high:Q"
    )
    layers = [marks, *([whiskers] if _unsure(points) else []), numbers]
    return _finished(alt.layer(*layers), title, _height(order))


def _unsure(points: Sequence[Point]) -> bool:
    return any(point.low is not None for point in points)


def trend(points: Sequence[Point], *, title: str) -> Spec:
    """A line per series over ordered periods, each with its own dash and marker, over a scale. Its
    numbers stand in the table below: on the lines they would cover each other and the whiskers."""
    order = list(dict.fromkeys(point.x for point in points))
    series = list(dict.fromkeys(point.series for point in points))
    legend = alt.Legend(
        title=None, orient="top", labelLimit=WIDTH, symbolSize=90, symbolDash=[1, 0]
    )
    colour = alt.Color(
        "series:N",
        sort=series,
        scale=alt.Scale(domain=series, range=list(CATEGORIES[: len(series)])),
        legend=legend,
    )
    base = alt.Chart(_data(points)).encode(
        x=alt.X(
            "x:O",
            sort=order,
            title=None,
            axis=alt.Axis(labelAngle=0, labelLimit=110, labelFontSize=12),
        ),
        y=alt.Y(
            "value:Q",
            title=None,
            scale=alt.Scale(domain=[0, _top(points) * 1.15]),
            axis=alt.Axis(
                grid=True, gridColor=GRID, ticks=False, domain=False, tickCount=5, labelFontSize=12
            ),
        ),
        color=colour,
    )
    dash = alt.StrokeDash(
        "series:N",
        sort=series,
        scale=alt.Scale(domain=series, range=[list(each) for each in DASHES[: len(series)]]),
        legend=None,
    )
    shape = alt.Shape("series:N", sort=series, scale=alt.Scale(domain=series), legend=legend)
    lines = base.mark_line(strokeWidth=2.5).encode(strokeDash=dash)
    dots = base.mark_point(size=70, filled=True, opacity=1).encode(shape=shape)
    whiskers = base.mark_rule(strokeWidth=1.2, opacity=0.7).encode(
        y=alt.Y("low:Q", title=None), y2="high:Q"
    )
    layers = [lines, *([whiskers] if _unsure(points) else []), dots]
    return _finished(alt.layer(*layers), title, 240)


def heat_map(points: Sequence[Point], *, title: str) -> Spec:
    """Rows by columns (``series``), darker for more, the number in each cell."""
    rows = list(dict.fromkeys(point.x for point in points))
    names = list(dict.fromkeys(point.series for point in points))
    narrow = max(8, int(WIDTH / max(1, len(names)) / _CHARACTER_WIDTH))
    columns = [_wrapped(name, narrow) for name in names]
    base = alt.Chart(_data(points, width=narrow)).encode(
        y=alt.Y("x:N", sort=[_wrapped(x) for x in rows], title=None, axis=_labels_axis()),
        x=alt.X(
            "series:N",
            sort=columns,
            title=None,
            axis=alt.Axis(
                orient="top",
                labelAngle=0,
                labelExpr=_LINES,
                labelLimit=WIDTH,
                labelFontSize=11,
                labelOverlap=False,
                labelPadding=4 + _LINE_HEIGHT * max(name.count("\n") for name in columns),
                domain=False,
                ticks=False,
            ),
        ),
    )
    cells = base.mark_rect(stroke="white", strokeWidth=2).encode(
        color=alt.Color(
            "shade:Q",
            scale=alt.Scale(domain=[0, 1], range=list(SEQUENTIAL)),
            legend=None,
        )
    )
    ink = alt.condition(f"datum.shade > {_DARK_FROM}", alt.value("white"), alt.value(INK))
    numbers = base.mark_text(fontSize=12).encode(text="shown:N", color=ink)
    return _finished(alt.layer(cells, numbers), title, _height(rows))


def _data(points: Sequence[Point], width: int | None = None) -> Any:
    rows = [
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
    return alt.InlineData(values=rows)


def _wrapped(label: str, width: int = _LABEL_CHARACTERS) -> str:
    return "\n".join(textwrap.wrap(label, width)) or label


def _height(labels: Sequence[str]) -> int:
    lines = max((_wrapped(label).count("\n") + 1 for label in labels), default=1)
    return max(1, len(labels)) * max(ROW_HEIGHT, lines * _LINE_HEIGHT + 6)


def _top(points: Sequence[Point]) -> int:
    return max((max(p.value, p.high or 0) for p in points), default=0) or 1


def _labels_axis() -> Any:
    # Vega puts the first line of a label in the middle of its row: move longer ones up.
    lines = "length(split(datum.value, '\\n'))"
    offset = {
        "condition": [
            {"test": f"{lines} == {count}", "value": -_LINE_HEIGHT * (count - 1) / 2}
            for count in (2, 3, 4)
        ],
        "value": 0,
    }
    return alt.Axis(
        labelLimit=WIDTH,
        labelExpr=_LINES,
        labelOffset=offset,
        labelFontSize=13,
        ticks=False,
        domain=False,
    )


def _finished(chart: Any, title: str, height: int) -> Spec:
    sized = chart.properties(
        width=WIDTH,
        height=height,
        title=alt.TitleParams(title, anchor="start", fontSize=15, color=INK, offset=10),
        padding={"left": _ROOM, "right": 12, "top": 5, "bottom": 5},
    )
    return styled(sized)


def styled(chart: Any) -> Spec:
    """The specification with the house's font, without frames."""
    spec: Spec = (
        chart.configure(font=FONT)
        .configure_view(stroke=None)
        .configure_axis(labelColor=INK, titleColor=INK)
        .configure_legend(labelFontSize=13, labelColor=INK)
        # What we say is valid is looked at by a test; looking each time is two fifths of drawing it.
        .to_dict(validate=False)
    )
    return spec
