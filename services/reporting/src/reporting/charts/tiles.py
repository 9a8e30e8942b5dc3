"""A map as a grid of equal tiles, one for each state, roughly where it lies: a small state is as easy
to read as a large one, and no border is drawn that anybody could dispute."""

import csv
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from common.lazily import lazily

from reporting.charts.palette import INK, LOUD
from reporting.charts.specs import WIDTH, Spec, styled

if TYPE_CHECKING:
    import altair as alt
else:
    alt = lazily("altair")

TILE_HEIGHT = 60
_DARK_FROM = 0.68
"""The shade from which a tile is dark enough for white text."""
_LETTERS = 12


@dataclass(frozen=True, slots=True)
class Tile:
    """A state, how its value is written, and its shade between 0 (it shows none) and 1."""

    pcode: str
    name: str
    shown: str
    shade: float


@cache
def layout() -> Mapping[str, tuple[int, int]]:
    """Column and row of each state that has a tile."""
    text = files("reporting.charts").joinpath("tiles.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {each["pcode"]: (int(each["column"]), int(each["row"])) for each in rows}


def tiles(states: Sequence[Tile], *, title: str) -> Spec:
    """The darker, the more; a state that shows 0 is white with a dashed edge, for it may hide some."""
    rows = [_row(each) for each in states]
    x = alt.X("column:O", axis=None, scale=alt.Scale(paddingInner=0.06))
    y = alt.Y("row:O", axis=None, scale=alt.Scale(paddingInner=0.06))
    base = alt.Chart(alt.InlineData(values=rows)).encode(x=x, y=y)
    filled = (
        base.transform_filter("datum.shade > 0")
        .mark_rect(cornerRadius=4)
        .encode(
            color=alt.Color(
                "shade:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=list(LOUD))
            )
        )
    )
    silent = base.transform_filter("datum.shade <= 0").mark_rect(
        fill="white", stroke=INK, strokeWidth=0.8, strokeDash=[3, 3], cornerRadius=4
    )
    layers: list[Any] = [filled, silent]
    for ink, test in (("white", "datum.dark"), (INK, "!datum.dark")):
        chosen = base.transform_filter(test)
        layers += [
            chosen.mark_text(dy=-18, fontSize=10, lineHeight=11, color=ink, lineBreak="\n").encode(
                text="name:N"
            ),
            chosen.mark_text(
                dy=5, fontSize=12, fontWeight="bold", color=ink, lineBreak="\n", lineHeight=12
            ).encode(text="shown:N"),
        ]
    deep = 1 + max((each["row"] for each in rows), default=0)
    return styled(
        alt.layer(*layers).properties(
            width=WIDTH,
            height=deep * TILE_HEIGHT,
            title=alt.TitleParams(title, anchor="start", fontSize=15, color=INK, offset=10),
        )
    )


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
