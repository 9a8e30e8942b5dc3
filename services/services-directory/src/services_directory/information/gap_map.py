"""What the page of gaps shows of each area; and the tiles: one square per area, in its rough place."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from services_directory.gaps.matrix import COVERED, Row

SIDE = 44
_NOT_SHOWN = "not_shown"
_DARKER_FROM = (0.25, 0.5)


@dataclass(frozen=True)
class Area:
    """`missing`: needs for which nobody can be referred here, of the `asked` ones that are shown."""

    pcode: str
    missing: tuple[str, ...]
    asked: int


@dataclass(frozen=True)
class Tile:
    area: Area
    x: int
    y: int
    short: str
    shade: int


def areas_of(rows: Iterable[Row]) -> list[Area]:
    """A need counts as met in an area as soon as any group of people is helped there."""
    met: dict[str, dict[str, bool]] = {}
    for row in rows:
        if row.coverage == _NOT_SHOWN:
            continue
        needs = met.setdefault(row.area, {})
        needs[row.need] = needs.get(row.need, False) or row.coverage in COVERED
    return [
        Area(pcode, tuple(need for need, is_met in needs.items() if not is_met), len(needs))
        for pcode, needs in met.items()
    ]


def tiles(areas: Iterable[Area]) -> list[Tile]:
    """Nothing unless every area has its place: a map that leaves one out would lie."""
    placed = _places()
    found = list(areas)
    if not all(area.pcode in placed for area in found):
        return []
    return [
        Tile(area, (column - 1) * SIDE, (row - 1) * SIDE, short, _shade(area))
        for area in found
        for column, row, short in (placed[area.pcode],)
    ]


def _shade(area: Area) -> int:
    """0 (nothing is missing) to 3 (half and more is): the more is missing, the darker."""
    share = len(area.missing) / area.asked if area.asked else 0.0
    return 0 if not area.missing else 1 + sum(share >= bound for bound in _DARKER_FROM)


@cache
def _places() -> dict[str, tuple[int, int, str]]:
    with (
        files("services_directory.information").joinpath("tiles.csv").open(encoding="utf-8") as file
    ):
        return {
            row["pcode"]: (int(row["column"]), int(row["row"]), row["short"])
            for row in csv.DictReader(file)
        }
