"""Finds the place of a row by P-codes or names. Pure: `common.words.places` loads the tables."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from common.words.places import Place, Places, Point, folded, kilometres

from directory.files.imports.outcomes.notes import Note, note

_SHOWN_CANDIDATES = 6


@dataclass(frozen=True, slots=True)
class PlaceCells:
    """The cells of a row that name a place. An empty cell is ''."""

    pcode: str = ""
    admin1: str = ""
    admin2: str = ""
    admin3: str = ""
    country: str = ""
    point: Point | None = None
    """Chooses between places with the same name, or the place if none is named."""


def place_of(cells: PlaceCells, notes: list[Note]) -> Place | None:
    """Return the most specific place on which the cells agree, or None if they name none or disagree. Data for the
    third level is incomplete, so a row with an unknown parish gets its municipality."""
    before = len(notes)
    named = _by_names(cells, notes)
    if not cells.pcode:
        return named or (None if len(notes) > before else _at_point(cells, notes))
    place = _known(cells.pcode, "pcode", notes)
    places = Places.load()
    if place and named and not _agree(place, named):
        notes.append(note("place_conflict", "pcode", place.pcode, f"{named.name} ({named.pcode})"))
    if len(notes) > before and any(each.weight == "refused" for each in notes[before:]):
        return None
    if place and named and places.within(named.pcode, place.pcode):
        return named
    return place


FAR_KM = 25
"""From the seat of the nearest municipality of a place. A point farther away may be an error."""
_LIKENESS = 0.85
_SEAT = 2


def far_from(place: Place, point: Point) -> tuple[int, Place] | None:
    """Return the distance in kilometres and the nearest municipality if the point is in a different municipality than
    the place."""
    nearest = _nearest(place.country, point)
    own = [p for p in _seats(place.country) if _agree(p, place)]
    near = _nearest_of(own, point)
    if near is None or nearest is None or near == nearest or near.point is None:
        return None
    away = kilometres(point, near.point)
    return (round(away), nearest) if away > FAR_KM and not _agree(nearest, place) else None


def _at_point(cells: PlaceCells, notes: list[Note]) -> Place | None:
    """Return the municipality with the nearest seat if the row names no place."""
    if cells.point is None:
        return None
    country = country_of(cells.country) if cells.country else None
    near = _nearest(country.country if country else None, cells.point)
    if near is None or near.point is None or kilometres(cells.point, near.point) > FAR_KM:
        return None
    notes.append(note("place_from_point", "latitude", after=_candidates((near,))))
    return near


def _seats(country: str | None) -> tuple[Place, ...]:
    return Places.load().at_level(_SEAT, country)


@lru_cache(maxsize=10_000)
def _nearest(country: str | None, point: Point) -> Place | None:
    return _nearest_of(_seats(country), point)


def _nearest_of(found: Iterable[Place], point: Point) -> Place | None:
    return min(
        (each for each in found if each.point is not None),
        key=lambda each: kilometres(point, each.point or point),
        default=None,
    )


@lru_cache(maxsize=10_000)
def _alike(said: str, level: int, within: str | None, point: Point | None) -> tuple[Place, ...]:
    """Return likely places: those with a similar name, and the municipality that contains the point."""
    places = Places.load()
    named = {
        folded(name): place
        for place in places.at_level(level)
        if within is None or places.within(place.pcode, within)
        for name in (place.name, *place.alternative_names)
    }
    found = [named[name] for name in get_close_matches(said, named, 3, _LIKENESS)]
    near = _nearest(None, point) if point is not None and level == _SEAT else None
    return tuple(dict.fromkeys([*found, *([near] if near else [])]))


def places_of(values: list[str], column: str, country: str, notes: list[Note]) -> list[Place]:
    """Return the place for each value. A value is a P-code or a name at any level; states are tried before
    municipalities."""
    within = _country(country, notes) if country else None
    found = [_any_level(value, column, within, notes) for value in values]
    return [place for place in found if place is not None]


def country_of(value: str) -> Place | None:
    """Return the country for an ISO 3166-1 alpha-3 code, a P-code, or a name in Spanish or English."""
    places = Places.load()
    for place in places.at_level(0):
        if value.upper() in (place.country, place.pcode):
            return place
    named = places.named(value, level=0)
    return named[0] if named else None


def _agree(one: Place, other: Place) -> bool:
    places = Places.load()
    return places.within(one.pcode, other.pcode) or places.within(other.pcode, one.pcode)


def _by_names(cells: PlaceCells, notes: list[Note]) -> Place | None:
    place = _country(cells.country, notes) if cells.country else None
    for level, (column, value) in enumerate(
        (("admin1", cells.admin1), ("admin2", cells.admin2), ("admin3", cells.admin3)), 1
    ):
        if not value:
            continue
        tolerant = level == 3 and place is not None
        found = _one(value, column, level, place, notes, tolerant=tolerant, point=cells.point)
        if found is None and level < 3:
            return None
        place = found or place
    return place if place and place.level > 0 else None


def _one(
    value: str,
    column: str,
    level: int,
    within: Place | None,
    notes: list[Note],
    *,
    tolerant: bool,
    point: Point | None,
) -> Place | None:
    places = Places.load()
    around = within.pcode if within else None
    if (place := places.get(value.upper())) is not None:
        if around is None or places.within(place.pcode, around):
            return place
        notes.append(note("place_conflict", column, place.pcode, around))
        return None
    found = places.named(value, level=level, within=around)
    if len(found) == 1:
        return found[0]
    if not found and tolerant:
        notes.append(note("place_unresolved", column, value))
    elif not found:
        alike = _alike(folded(value), level, around, point)
        code = "place_suggested" if alike else "place_unknown"
        notes.append(_choice(code, column, value, alike))
    elif point is not None and (near := _nearest_of(found, point)) is not None:
        notes.append(note("place_by_point", column, value, _candidates((near,))))
        return near
    else:
        notes.append(_choice("place_ambiguous", column, value, found))
    return None


def _any_level(value: str, column: str, within: Place | None, notes: list[Note]) -> Place | None:
    places = Places.load()
    if (place := places.get(value.upper())) is not None:
        return place
    around = within.pcode if within else None
    for level in (0, 1, 2, 3):
        found = places.named(value, level=level, within=around)
        if len(found) == 1:
            return found[0]
        if found:
            notes.append(_choice("place_ambiguous", column, value, found))
            return None
    notes.append(note("place_unknown", column, value))
    return None


def _choice(code: str, column: str, value: str, found: tuple[Place, ...]) -> Note:
    """Return a note that lists the places a person can choose from."""
    chosen = [place.pcode for place in found[:_SHOWN_CANDIDATES]]
    return note(code, column, value, _candidates(found), chosen)


def _candidates(found: tuple[Place, ...]) -> str:
    places = Places.load()
    shown = [
        f"{place.pcode} ({place.name}, {places.require(place.parent).name})"
        if place.parent
        else place.pcode
        for place in found[:_SHOWN_CANDIDATES]
    ]
    return ", ".join(shown) + (" …" if len(found) > _SHOWN_CANDIDATES else "")


def _country(value: str, notes: list[Note]) -> Place | None:
    country = country_of(value)
    if country is None:
        notes.append(note("place_unknown", "country", value))
    return country


def _known(pcode: str, column: str, notes: list[Note]) -> Place | None:
    place = Places.load().get(pcode.upper())
    if place is None:
        notes.append(note("place_unknown", column, pcode))
    return place
