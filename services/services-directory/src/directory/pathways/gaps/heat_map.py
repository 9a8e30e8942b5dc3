"""Draws the matrix as a heat map (SVG or PNG) that stays legible in black and white. It needs only rectangles and
words, so our own code replaces an 88 MB chart library."""

import math
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from common.words import codelists
from common.words.places import Places, folded
from common.words.tables import completed
from drawing.client import drawn

from directory.pathways.gaps.matrix import Picture

_TITLES = completed(
    "directory",
    {
        "es": ("Servicios referibles por área y necesidad", "✕ brecha · – no se muestra"),
        "en": ("Referable services by area and need", "✕ gap · – not shown"),
    },
)
_WIDTH, _HEIGHT = 34, 18
"""The size of a cell, in points."""
_TITLE, _LABEL, _NUMBER = 13, 10, 9
"""Font sizes."""
_LETTER = 0.56
"""The average width of a letter as a share of the font size; labels have some extra room."""
_SLOPE = math.radians(50)
_ROOM = 8
_DARK_FROM = 0.55
"""The share of the highest number from which a cell needs white digits."""
_LIGHTEST, _DARKEST = 245, 20
_PAGE = b"""
#set page(width: auto, height: auto, margin: 0pt)
#image("map.svg")
"""
_DOTS_PER_INCH = 192.0
"""Two dots per unit of the drawing, at 96 units per inch."""


@dataclass(frozen=True, slots=True)
class _Cell:
    column: int
    row: int
    text: str
    shade: float


def svg(picture: Picture, language: str) -> bytes:
    """Return the heat map as SVG: one cell per area and need, with the number of services that accept referrals now."""
    return "".join(_drawn(picture, language)).encode()


def png(picture: Picture, language: str) -> bytes:
    """Return the heat map as PNG, at twice the resolution."""
    given = {"main.typ": _PAGE, "map.svg": svg(picture, language)}
    encoded = {name: b64encode(each).decode() for name, each in given.items()}
    return drawn("page", {"form": "png", "ppi": _DOTS_PER_INCH, "files": encoded})


def _drawn(picture: Picture, language: str) -> Iterator[str]:
    areas, needs, cells = _cells(picture, language)
    title, legend = _TITLES[language]
    below = f"{picture.as_of.isoformat()} · {legend}"
    left = _ROOM + _wide(needs, _LABEL)
    top = _ROOM + _TITLE + _LABEL + 2 * _ROOM
    under = top + _HEIGHT * len(needs)
    wide = max(
        left + _WIDTH * len(areas),
        _ROOM + _wide([title], _TITLE),
        _ROOM + _wide([below], _LABEL),
    )
    deep = under + _ROOM + _wide(areas, _LABEL) * math.sin(_SLOPE) + _LABEL
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{wide + _ROOM:.0f}"'
        f' height="{deep:.0f}" viewBox="0 0 {wide + _ROOM:.0f} {deep:.0f}"'
        f' font-family="sans-serif"><title>{escape(title)}</title>'
        '<rect width="100%" height="100%" fill="white"/>'
    )
    yield _word(title, _ROOM, _ROOM + _TITLE, _TITLE, weight="bold")
    yield _word(below, _ROOM, _ROOM + _TITLE + 4 + _LABEL, _LABEL)
    for cell in cells:
        x, y = left + cell.column * _WIDTH, top + cell.row * _HEIGHT
        grey = round(_LIGHTEST + (_DARKEST - _LIGHTEST) * cell.shade)
        yield (
            f'<rect x="{x:.1f}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}"'
            f' fill="rgb({grey},{grey},{grey})" stroke="#777" stroke-width="0.5"/>'
        )
        ink = "white" if cell.shade > _DARK_FROM else "black"
        middle = y + _HEIGHT / 2 + _NUMBER * 0.36
        yield _word(cell.text, x + _WIDTH / 2, middle, _NUMBER, anchor="middle", fill=ink)
    for row, need in enumerate(needs):
        yield _word(
            need, left - 4, top + row * _HEIGHT + _HEIGHT / 2 + _LABEL * 0.36, _LABEL, anchor="end"
        )
    for column, area in enumerate(areas):
        x, y = left + column * _WIDTH + _WIDTH / 2 + _LABEL * 0.36, under + _ROOM
        turned = f"rotate(-50 {x:.1f} {y:.1f})"
        yield _word(area, x, y, _LABEL, anchor="end", transform=turned)
    yield "</svg>"


def _word(text: str, x: float, y: float, size: int, anchor: str = "start", **more: str) -> str:
    told = "".join(f' {"font-weight" if k == "weight" else k}="{v}"' for k, v in more.items())
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"{told}>'
        f"{escape(text)}</text>"
    )


def _wide(texts: list[str], size: int) -> float:
    return max((len(each) for each in texts), default=0) * size * _LETTER + 4


def _cells(picture: Picture, language: str) -> tuple[list[str], list[str], list[_Cell]]:
    """Return the column labels, the row labels and the cells."""
    counts: dict[tuple[str, str], int] = {}
    hidden: set[tuple[str, str]] = set()
    for row in picture.rows:
        key = (row.area, row.need)
        # A service for everybody counts in each group, so use the number of the largest group.
        most = row.counts.get("referable", 0) + row.counts.get("waitlist", 0)
        counts[key] = max(counts.get(key, 0), most)
        if row.coverage == "not_shown":
            hidden.add(key)
    top = max(counts.values(), default=0) or 1
    categories, places = codelists.categories(), Places.load()
    area_names = {area: places.require(area).label(language) for area, _ in counts}
    need_names = {need: categories[need].label(language) for _, need in counts}
    columns, rows = (
        sorted(names, key=lambda each: folded(names[each])) for names in (area_names, need_names)
    )
    cells = [
        _Cell(
            columns.index(area),
            rows.index(need),
            str(count) if count else ("–" if (area, need) in hidden else "✕"),
            count / top,
        )
        for (area, need), count in sorted(counts.items())
    ]
    return [area_names[a] for a in columns], [need_names[n] for n in rows], cells
