"""Draws the map on the gap page: figures for each area, and one tile per area in its approximate position."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from common.words.tables import rows

from directory.pathways.gaps.matrix import COVERED, Row

SIDE = 44
_NOT_SHOWN = "not_shown"
_SHADES = 4


@dataclass(frozen=True)
class Area:
    """An area of the map. `missing` contains the needs without a referable service here, out of the `asked` needs that
    are shown."""

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
    """Return the map areas. A need counts as met in an area if at least one group of people can get help there."""
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
    """Return the tiles. Return an empty list unless every area has a position, because an incomplete map would
    mislead."""
    placed = _places()
    found = list(areas)
    if not all(area.pcode in placed for area in found):
        return []
    steps = shades(found)
    return [
        Tile(area, (column - 1) * SIDE, (row - 1) * SIDE, short, _shade(area, steps))
        for area in found
        for column, row, short in (placed[area.pcode],)
    ]


def shades(areas: Iterable[Area]) -> list[range]:
    """Return the range of missing needs for each shade, from light to dark. The steps are equal between the lowest and
    the highest number of missing needs in any area. A fixed scale would give all states one colour if many needs are
    missing everywhere."""
    missing = {len(area.missing) for area in areas} - {0}
    if not missing:
        return []
    least, count = min(missing), max(missing) - min(missing) + 1
    steps = min(_SHADES, count)
    bounds = [least + round(count * step / steps) for step in range(steps + 1)]
    return [range(begin, end) for begin, end in pairwise(bounds)]


def _shade(area: Area, steps: list[range]) -> int:
    """Return the shade: 0 if nothing is missing, higher (darker) with more missing needs."""
    return next((n for n, step in enumerate(steps, 1) if len(area.missing) in step), 0)


@cache
def _places() -> dict[str, tuple[int, int, str]]:
    return {
        row["pcode"]: (int(row["column"]), int(row["row"]), row["short"])
        for row in rows(__package__, "tiles")
    }
