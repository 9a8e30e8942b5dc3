"""A map with the state borders above the tile grid: where each state is and, below, its number.

Ruta ships no borders: a deployment uploads the borders that it may print, and names their source.
"""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from reporting.ground.charts.palette import INK, LOUD
from reporting.ground.charts.specs import WIDTH, Spec, by, heading, layer, styled
from reporting.ground.charts.tiles import Tile, tiles

Ring = list[tuple[float, float]]
"""A closed line of longitudes and latitudes."""
_HEIGHT, _LETTERS = 320, 100
_HIDDEN = {"fill": "white", "stroke": INK, "strokeWidth": 0.8, "strokeDash": [3, 3]}


def bordered(
    states: Sequence[Tile], polygons: Mapping[str, list[list[Ring]]], *, title: str, source: str
) -> Spec:
    """Return the borders above the tiles, both with the same shades. A state without borders appears only as a tile."""
    below = tiles(states, title=title)
    shade = by("properties.shade:Q", legend=None, scale={"domain": [0, 1], "range": list(LOUD)})
    solid = {"type": "geoshape", "stroke": INK, "strokeWidth": 0.5}
    above = {
        "data": {
            "values": [
                _shape(each, polygons[each.pcode]) for each in states if each.pcode in polygons
            ]
        },
        "projection": {"type": "identity", "reflectY": True},
        "width": WIDTH,
        "height": _HEIGHT,
        "layer": [
            {"transform": [{"filter": "datum.properties.shade > 0"}], **layer(solid, color=shade)},
            {
                "transform": [{"filter": "datum.properties.shade <= 0"}],
                "mark": {"type": "geoshape", **_HIDDEN},
            },
        ],
    }
    parts = {key: below[key] for key in ("data", "layer", "width", "height")}
    named = heading(title) | {"subtitle": textwrap.wrap(source, _LETTERS), "subtitleFontSize": 10}
    return styled({"vconcat": [above, parts], "title": named})


def _shape(state: Tile, polygons: list[list[Ring]]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"shade": state.shade},
        "geometry": {"type": "MultiPolygon", "coordinates": polygons},
    }
