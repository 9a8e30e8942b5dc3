"""A map as a grid of equal tiles, one for each state, roughly at its location. A small state is as readable as a large
one, and no disputable border is drawn."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from common.words.tables import rows

from reporting.ground.charts.palette import INK, LOUD
from reporting.ground.charts.specs import WIDTH, Spec, by, heading, layer, styled

TILE_HEIGHT = 60
_DARK_FROM = 0.68
"""From this shade on, a tile has white text."""
_LETTERS = 12


@dataclass(frozen=True, slots=True)
class Tile:
    """A state, the printed value, and its shade from 0 (the value shows none) to 1."""

    pcode: str
    name: str
    shown: str
    shade: float


@cache
def layout() -> Mapping[str, tuple[int, int]]:
    """Return the column and row of each state that has a tile."""
    found = rows(__package__, "tiles")
    return {each["pcode"]: (int(each["column"]), int(each["row"])) for each in found}


def tiles(states: Sequence[Tile], *, title: str) -> Spec:
    """Return the map, darker for higher values. A state that shows 0 is white with a dashed edge, because it may
    conceal a few people."""
    rows = [_row(each) for each in states]
    base = {
        "x": by("column:O", axis=None, scale={"paddingInner": 0.06}),
        "y": by("row:O", axis=None, scale={"paddingInner": 0.06}),
    }
    shade = by("shade:Q", legend=None, scale={"domain": [0, 1], "range": list(LOUD)})
    edge = {"fill": "white", "stroke": INK, "strokeWidth": 0.8, "strokeDash": [3, 3]}
    layers = [
        _where("datum.shade > 0", {"type": "rect", "cornerRadius": 4}, **base, color=shade),
        _where("datum.shade <= 0", {"type": "rect", "cornerRadius": 4, **edge}, **base),
    ]
    for ink, test in (("white", "datum.dark"), (INK, "!datum.dark")):
        written = {"type": "text", "color": ink, "lineBreak": "\n"}
        name = {**written, "dy": -18, "fontSize": 10, "lineHeight": 11}
        number = {**written, "dy": 5, "fontSize": 12, "fontWeight": "bold", "lineHeight": 12}
        layers += [
            _where(test, name, **base, text=by("name:N")),
            _where(test, number, **base, text=by("shown:N")),
        ]
    deep = 1 + max((each["row"] for each in rows), default=0)
    return styled(
        {
            "data": {"values": rows},
            "layer": layers,
            "width": WIDTH,
            "height": deep * TILE_HEIGHT,
            "title": heading(title),
        }
    )


def _where(test: str, mark: Spec, **channels: Spec) -> Spec:
    return {"transform": [{"filter": test}], **layer(mark, **channels)}


def _row(tile: Tile) -> dict[str, Any]:
    column, row = layout()[tile.pcode]
    return {
        "column": column,
        "row": row,
        "name": "\n".join(textwrap.wrap(tile.name, _LETTERS)),
        "shown": tile.shown,
        "shade": tile.shade,
        "dark": tile.shade > _DARK_FROM,
    }
