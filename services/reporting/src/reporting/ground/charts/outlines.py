"""A map with the outlines of the states above the grid of tiles: where a state lies, and below it its number.

The outlines are simplified to about 4 km (`outlines.csv`, in 25ths of a degree; ATTRIBUTION.md names the source).
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from common.words.tables import rows

from reporting.ground.charts.palette import INK, LOUD
from reporting.ground.charts.specs import WIDTH, Spec, by, heading, layer, styled
from reporting.ground.charts.tiles import Tile, tiles

_UNITS = 25.0
_HEIGHT = 320


@cache
def outlines() -> Mapping[str, list[list[tuple[float, float]]]]:
    """Return the rings of each state as longitude and latitude."""
    found: dict[str, list[list[tuple[float, float]]]] = {}
    for row in rows(__package__, "outlines"):
        points = (each.split(",") for each in row["ring"].split(" "))
        ring = [(int(x) / _UNITS, int(y) / _UNITS) for x, y in points]
        found.setdefault(row["pcode"], []).append([*ring, ring[0]])
    return found


def outline_map(states: Sequence[Tile], *, title: str) -> Spec:
    """Return outlines above tiles, both with the same shades; only tiles where a state has no outline."""
    below = tiles(states, title=title)
    if any(each.pcode not in outlines() for each in states):
        return below
    white = {"fill": "white", "stroke": INK, "strokeWidth": 0.8, "strokeDash": [3, 3]}
    shade = by("properties.shade:Q", legend=None, scale={"domain": [0, 1], "range": list(LOUD)})
    drawn = {"type": "geoshape", "stroke": INK, "strokeWidth": 0.5}
    above = {
        "data": {"values": [_shape(each) for each in states]},
        "projection": {"type": "identity", "reflectY": True},
        "width": WIDTH,
        "height": _HEIGHT,
        "layer": [
            {"transform": [{"filter": "datum.properties.shade > 0"}], **layer(drawn, color=shade)},
            {
                "transform": [{"filter": "datum.properties.shade <= 0"}],
                "mark": {"type": "geoshape", **white},
            },
        ],
    }
    parts = {key: below[key] for key in ("data", "layer", "width", "height")}
    return styled({"vconcat": [above, parts], "title": heading(title)})


def _shape(state: Tile) -> dict[str, Any]:
    rings = [[ring] for ring in outlines()[state.pcode]]
    return {
        "type": "Feature",
        "properties": {"shade": state.shade},
        "geometry": {"type": "MultiPolygon", "coordinates": rings},
    }
