"""Estimates how far a service is from the person's area, as exactly as the data allows. For whole states, and areas
without their own label point, it returns "same municipality" or "same state" without kilometres."""

from dataclasses import dataclass
from functools import lru_cache

from common.words.places import Places, Point, kilometres

from directory.ground.hsds.preference import MERITS
from directory.pathways.matching.candidates import Candidate

_BANDS = ((25, 20), (50, 12), (100, 6))
_UNKNOWN_KM = 10**6
_MUNICIPALITY = 2


@dataclass(frozen=True, slots=True)
class Proximity:
    """The proximity of a service. `kind` is remote, same_area, same_state, near, far or unknown. `points` count towards
    the rank."""

    kind: str
    kilometres: int | None
    points: int
    approximate: bool = False

    @property
    def order(self) -> tuple[int, int]:
        """Return the sort key, nearest first."""
        return (-self.points, _UNKNOWN_KM if self.kilometres is None else self.kilometres)


def proximity(candidate: Candidate, area: str, places: Places) -> Proximity:
    """Return the distance in whole kilometres, if known, between label points or from the site's own point."""
    if candidate.remote:
        return _REMOTE
    return _between(candidate.area, candidate.point, area, places)


def apart(site: str | None, point: tuple[float, float] | None, area: str) -> int:
    """Return the kilometres from a site to an area, for comparison; a very large number if unknown."""
    known = _between(site, point, area, Places.load()).kilometres
    return _UNKNOWN_KM if known is None else known


_REMOTE = Proximity("remote", None, 15)


# Cached: there are few sites and fewer areas, so the same pairs recur.
@lru_cache(maxsize=200_000)
def _between(
    site: str | None, point: tuple[float, float] | None, area: str, places: Places
) -> Proximity:
    if site is None and point is None:
        return Proximity("unknown", None, 0)
    distance = _distance(site, point, area, places)
    if site is not None and _same(site, area, 2, places):
        return Proximity("same_area", distance, MERITS["way_same_area"])
    same_state = site is not None and _same(site, area, 1, places)
    if distance is None:
        if site is not None and not same_state:
            return _between_states(site, area, places)
        return Proximity("same_state" if same_state else "unknown", None, 8 if same_state else 0)
    points = next((points for limit, points in _BANDS if distance <= limit), 0)
    if points:
        return Proximity("near", distance, points)
    return Proximity("same_state" if same_state else "far", distance, 3 if same_state else 0)


def _between_states(site: str, area: str, places: Places) -> Proximity:
    """Judge by the label points of states, which are too coarse for ranking but good enough to tell that a service is
    far."""
    distance = places.distance(site, area)
    if distance is None:
        return Proximity("unknown", None, 0)
    return Proximity("far", round(distance), 0, approximate=True)


def _distance(
    site: str | None, point: tuple[float, float] | None, area: str, places: Places
) -> int | None:
    origin = _own_point(area, places)
    end = Point(*point) if point else None if site is None else _own_point(site, places)
    return None if origin is None or end is None else round(kilometres(origin, end))


def _own_point(area: str, places: Places) -> Point | None:
    """Return the area's point. Return None for a state or a country, because the person may be anywhere in it."""
    place = places.get(area)
    return None if place is None or place.level < _MUNICIPALITY else place.point


def _same(one: str, other: str, level: int, places: Places) -> bool:
    """Return whether both are in the same area of that level; False if either is wider."""
    if not (places.is_known(one) and places.is_known(other)):
        return False
    first, second = places.at_most(one, level), places.at_most(other, level)
    return first == second and places.require(first).level == level
