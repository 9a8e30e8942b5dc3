"""A flow chart: bands from places of origin on the left to destinations on the right.

Vega-Lite has no such mark, so this module computes the geometry. A band has the same height on both sides, and a place
is as tall as the sum of its bands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from reporting.ground.charts.palette import CATEGORIES, INK
from reporting.ground.charts.specs import WIDTH, Spec, by, heading, layer, styled

GAP = 0.04
"""Space between two places on one side, as a share of the whole height."""
STEPS = 24
_MARGIN = 200
NUMBER_AT = 2
"""The step at which a band shows its number."""
THICK_ENOUGH = 0.05

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Band:
    """An origin → destination pair with its value, also in printed form."""

    origin: str
    destination: str
    value: int
    shown: str


@dataclass(frozen=True, slots=True)
class Node:
    """A place on one side, with its lower and upper edges between 0 and 1."""

    name: str
    low: float
    high: float


def nodes(sums: Mapping[str, int]) -> dict[str, Node]:
    """Stack the places from the top; with their gaps they fill the height exactly."""
    whole = sum(sums.values()) or 1
    room = 1 - GAP * (len(sums) - 1)
    found: dict[str, Node] = {}
    top = 1.0
    for name, value in sums.items():
        low = top - room * value / whole
        found[name] = Node(name, low, top)
        top = low - GAP
    return found


def flow(bands: Sequence[Band], *, title: str) -> Spec:
    """Return the chart. Places keep the order of the bands, and bands show their numbers if all of them have room."""
    left, right = nodes(_sums(bands, "origin")), nodes(_sums(bands, "destination"))
    rows = _ribbons(bands, left, right)
    ribbons = layer(
        {
            "type": "area",
            "opacity": 0.62,
            "interpolate": "linear",
            "stroke": "white",
            "strokeWidth": 0.6,
        },
        x=by("t:Q", axis=None, scale={"domain": [0, 1]}),
        y=by("low:Q", axis=None, scale={"domain": [0, 1]}),
        y2={"field": "high"},
        detail=by("band:N"),
        color=by(
            "origin:N",
            legend=None,
            scale={
                "domain": list(left),
                "range": [CATEGORIES[i % len(CATEGORIES)] for i in range(len(left))],
            },
        ),
    )
    layers = [
        {"data": {"values": rows}, **ribbons},
        _labels(left, 0, align="right", dx=-8),
        _labels(right, 1, align="left", dx=8),
        _numbers(bands, rows),
    ]
    return styled(
        {
            "layer": layers,
            "width": WIDTH - _MARGIN,
            "height": max(200, 44 * max(len(left), len(right))),
            "title": heading(title),
        }
    )


def _sums(bands: Sequence[Band], side: Literal["origin", "destination"]) -> dict[str, int]:
    found: dict[str, int] = {}
    for band in bands:
        name = band.origin if side == "origin" else band.destination
        found[name] = found.get(name, 0) + band.value
    return found


def has_room(bands: Sequence[Band]) -> bool:
    """Return whether every band is thick enough for its number. Otherwise, only the table shows the numbers."""
    left, right = nodes(_sums(bands, "origin")), nodes(_sums(bands, "destination"))
    return _have_room(_ribbons(bands, left, right))


def _have_room(rows: Sequence[Row]) -> bool:
    return all(
        row["high"] - row["low"] >= THICK_ENOUGH for row in rows if row["t"] == NUMBER_AT / STEPS
    )


def _numbers(bands: Sequence[Band], rows: Sequence[Row]) -> Spec:
    """Return each band's number, placed near its origin."""
    starts = [row for row in rows if row["t"] == NUMBER_AT / STEPS]
    values = [
        {"t": row["t"], "y": (row["low"] + row["high"]) / 2, "text": band.shown}
        for band, row in zip(bands, starts, strict=True)
        if _have_room(rows)
    ]
    return _texts(values, fontSize=12)


def _texts(values: Sequence[Row], **mark: Any) -> Spec:
    drawn = {"type": "text", "color": INK, "baseline": "middle", **mark}
    texts = layer(drawn, x=by("t:Q"), y=by("y:Q"), text=by("text:N"))
    return {"data": {"values": values}, **texts}


def _ribbons(
    bands: Sequence[Band], left: Mapping[str, Node], right: Mapping[str, Node]
) -> list[Row]:
    whole = sum(band.value for band in bands) or 1
    height_left = (1 - GAP * (len(left) - 1)) / whole
    height_right = (1 - GAP * (len(right) - 1)) / whole
    free_left = {name: node.high for name, node in left.items()}
    free_right = {name: node.high for name, node in right.items()}
    rows: list[Row] = []
    for number, band in enumerate(bands):
        start, end = free_left[band.origin], free_right[band.destination]
        thick_left, thick_right = band.value * height_left, band.value * height_right
        free_left[band.origin] -= thick_left
        free_right[band.destination] -= thick_right
        for step in range(STEPS + 1):
            t = step / STEPS
            ease = t * t * (3 - 2 * t)
            high = start + (end - start) * ease
            thick = thick_left + (thick_right - thick_left) * ease
            rows.append(
                {"band": number, "origin": band.origin, "t": t, "low": high - thick, "high": high}
            )
    return rows


def _labels(side: Mapping[str, Node], at: int, *, align: Literal["left", "right"], dx: int) -> Spec:
    rows = [{"t": at, "y": (node.low + node.high) / 2, "text": node.name} for node in side.values()]
    return _texts(rows, align=align, dx=dx, fontSize=13)
