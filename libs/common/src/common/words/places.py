"""Administrative areas by P-code: names, parents, label points. Each country is one folder of tables under
`data/places`. A new country needs data but no code."""

import csv
import math
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

_EARTH_RADIUS_KM = 6371.0088


class Point(NamedTuple):
    """A point in WGS 84 decimal degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Place:
    """An area. `level` 0 is the country, 1 the first administrative level (state), and so on. `point` is where a map
    shows the name, not a centre of population."""

    pcode: str
    name: str
    level: int
    parent: str | None
    country: str
    """ISO 3166-1 alpha-3."""
    point: Point | None = None
    alternative_names: tuple[str, ...] = ()
    name_en: str | None = None

    def label(self, language: str = "es") -> str:
        """Return the name. Only countries have an English name; areas keep their local name."""
        return self.name_en if language == "en" and self.name_en else self.name


class UnknownPlaceError(LookupError):
    """No table contains the P-code."""


class Places:
    """All known areas. Unknown P-codes raise `UnknownPlaceError`, except in the predicates (`is_known`, `within`) and
    in `get`, which returns None."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        self._places = dict(places)
        self._children: dict[str, list[str]] = {}
        self._by_name: dict[str, list[Place]] = {}
        for place in self._places.values():
            if place.parent is not None:
                self._children.setdefault(place.parent, []).append(place.pcode)
            names = {place.name, *place.alternative_names, *filter(None, [place.name_en])}
            for name in {folded(name) for name in names}:
                self._by_name.setdefault(name, []).append(place)

    @staticmethod
    def load() -> "Places":
        """Load the tables in the package, once per process."""
        return _shipped()

    def __iter__(self) -> Iterator[Place]:
        return iter(self._places.values())

    def __len__(self) -> int:
        return len(self._places)

    def get(self, pcode: str) -> Place | None:
        return self._places.get(pcode)

    def require(self, pcode: str) -> Place:
        place = self._places.get(pcode)
        if place is None:
            raise UnknownPlaceError(pcode)
        return place

    def is_known(self, pcode: str) -> bool:
        return pcode in self._places

    def at_level(self, level: int, country: str | None = None) -> tuple[Place, ...]:
        """Return the areas of one level, or only those in one country (ISO 3166-1 alpha-3)."""
        return tuple(
            place
            for place in self._places.values()
            if place.level == level and country in (None, place.country)
        )

    def ancestors(self, pcode: str) -> tuple[str, ...]:
        """Return the P-codes of the areas that contain this one, nearest first."""
        found: list[str] = []
        parent = self.require(pcode).parent
        while parent is not None:
            found.append(parent)
            parent = self.require(parent).parent
        return tuple(found)

    def children(self, pcode: str) -> tuple[str, ...]:
        self.require(pcode)
        return tuple(self._children.get(pcode, ()))

    def descendants(self, pcode: str) -> tuple[str, ...]:
        """Return the P-codes of all areas inside this one, level by level."""
        found: list[str] = []
        level = self.children(pcode)
        while level:
            found.extend(level)
            level = tuple(child for each in level for child in self._children.get(each, ()))
        return tuple(found)

    def within(self, pcode: str, ancestor: str) -> bool:
        """Return whether the area is `ancestor` or is inside it; False for unknown codes."""
        if pcode not in self._places or ancestor not in self._places:
            return False
        return pcode == ancestor or ancestor in self.ancestors(pcode)

    def at_most(self, pcode: str, level: int) -> str:
        """Return the area or its ancestor at `level`, whichever is coarser: VE231301 → VE23 at 1."""
        lineage = (pcode, *self.ancestors(pcode))
        return next(each for each in lineage if self._places[each].level <= level)

    def point(self, pcode: str) -> Point | None:
        """Return the area's label point or, if it has none, the label point of its nearest ancestor that has one."""
        for each in (pcode, *self.ancestors(pcode)):
            if (point := self._places[each].point) is not None:
                return point
        return None

    def distance(self, one: str, other: str) -> float | None:
        """Return the kilometres between the two areas' points (great circle). The result is 0 if both use the point of
        the same area, and None if one of them has no point at any level."""
        start, end = self.point(one), self.point(other)
        if start is None or end is None:
            return None
        return kilometres(start, end)

    def named(
        self, name: str, *, level: int | None = None, within: str | None = None
    ) -> tuple[Place, ...]:
        """Return the areas with that name, ignoring accents, case, punctuation, abbreviations and words such as "Edo.".
        Areas with that name come before areas whose seat has that name. Several areas may share a name (every state has
        a Libertador), so narrow the search by `level` or the containing area."""
        said = folded(name)
        for spelling in dict.fromkeys((said, _bare(spelled_out(said)))):
            found = tuple(
                place
                for place in self._by_name.get(spelling, ())
                if level in (None, place.level)
                and (within is None or self.within(place.pcode, within))
            )
            if found:
                return tuple(each for each in found if folded(each.name) == spelling) or found
        return ()


def folded(text: str) -> str:
    """Fold the text: lower case, no accents, and a single space in place of anything except letters and digits."""
    plain = text.casefold()
    if not plain.isascii():
        plain = unicodedata.normalize("NFKD", plain)
    return " ".join(plain.translate(_LETTERS).split())


class _Letters(dict[int, str | None]):
    """Caches the folded form of each character, because imports fold whole files."""

    _MOST = 4_096

    def __missing__(self, code: int) -> str | None:
        char = chr(code)
        found = None if unicodedata.combining(char) else char if char.isalnum() else " "
        if len(self) < self._MOST:
            self[code] = found
        return found


_LETTERS = _Letters()
_KINDS = frozenset({
    "autonomo", "bolivariano", "edo", "estado", "mcpio", "mpio", "mun", "municipality", "municipio", "of", "parish",
    "parr", "parroquia", "pq", "pquia", "state",
})  # fmt: skip
"""Words for kinds of areas that people write beside a name."""


def spelled_out(words: str) -> str:
    """Fold a name and expand abbreviations of places: "pto ordaz" becomes "puerto ordaz"."""
    return " ".join(_short_forms().get(word, word) for word in words.split())


@cache
def _short_forms() -> Mapping[str, str]:
    table = files("common.words").joinpath("data", "places", "short_forms.csv")
    return {row["short"]: row["full"] for row in _rows(table)}


def _bare(name: str) -> str:
    """Return the name without words for the type of area, unless nothing else remains."""
    return " ".join(word for word in name.split() if word not in _KINDS) or name


def kilometres(start: Point, end: Point) -> float:
    """Return the great-circle distance (haversine, mean Earth radius)."""
    latitude, other_latitude = math.radians(start.latitude), math.radians(end.latitude)
    half_north = math.sin((other_latitude - latitude) / 2)
    half_east = math.sin(math.radians(end.longitude - start.longitude) / 2)
    chord = half_north**2 + math.cos(latitude) * math.cos(other_latitude) * half_east**2
    return 2 * _EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, chord)))


@cache
def _shipped() -> Places:
    root = files("common.words").joinpath("data", "places")
    places: dict[str, Place] = {}
    for row in _rows(root.joinpath("countries.csv")):
        iso3 = row["iso3"]
        places[row["pcode"]] = Place(
            row["pcode"], row["name_es"], 0, None, iso3, name_en=row["name_en"]
        )
        for level in (1, 2, 3):
            table = root.joinpath(iso3.lower(), f"admin{level}.csv")
            if table.is_file():
                places |= {area["pcode"]: _area(area, level, iso3) for area in _rows(table)}
    return Places(places)


def _rows(table: Traversable) -> list[dict[str, str]]:
    return list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))


def _area(row: Mapping[str, str], level: int, country: str) -> Place:
    point = None
    if row["latitude"] and row["longitude"]:
        point = Point(float(row["latitude"]), float(row["longitude"]))
    alternatives = tuple(filter(None, row["alternative_names"].split(";")))
    return Place(row["pcode"], row["name"], level, row["parent"], country, point, alternatives)
