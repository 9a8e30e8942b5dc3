"""How far a service is from the person's area, as honestly as the data allows.

Areas without a label point of their own are placed by their names only: "same municipality", "same
state"; no kilometres are claimed for them.
"""

from dataclasses import dataclass

from common.places import Places, Point, kilometres

from services_directory.pathways.candidates import Candidate

_BANDS = ((25, 20), (50, 12), (100, 6))
_UNKNOWN_KM = 10**6


@dataclass(frozen=True, slots=True)
class Proximity:
    """`kind`: remote, same_area, same_state, near, far or unknown; `points` go into the rank."""

    kind: str
    kilometres: int | None
    points: int
    approximate: bool = False

    @property
    def order(self) -> tuple[int, int]:
        """For sorting: nearer first."""
        return (-self.points, _UNKNOWN_KM if self.kilometres is None else self.kilometres)


def proximity(candidate: Candidate, area: str, places: Places) -> Proximity:
    """Distance in whole kilometres between label points or the site's own point, where known."""
    if candidate.remote:
        return Proximity("remote", None, 15)
    site = candidate.area
    if site is None and candidate.point is None:
        return Proximity("unknown", None, 0)
    if site is not None and _same_municipality(site, area, places):
        return Proximity("same_area", _distance(candidate, area, places), 25)
    distance = _distance(candidate, area, places)
    if distance is None and site is not None and _state(site, places) != _state(area, places):
        return _between_states(site, area, places)
    same_state = site is not None and _state(site, places) == _state(area, places)
    if distance is None:
        return Proximity("same_state" if same_state else "unknown", None, 8 if same_state else 0)
    points = next((points for limit, points in _BANDS if distance <= limit), 0)
    if points:
        return Proximity("near", distance, points)
    return Proximity("same_state" if same_state else "far", distance, 3 if same_state else 0)


def _between_states(site: str, area: str, places: Places) -> Proximity:
    """Between label points of states: too coarse to rank by, good enough to say "far"."""
    distance = places.distance(site, area)
    if distance is None:
        return Proximity("unknown", None, 0)
    return Proximity("far", round(distance), 0, approximate=True)


def _distance(candidate: Candidate, area: str, places: Places) -> int | None:
    origin = _own_point(area, places)
    if origin is None:
        return None
    if candidate.point is not None:
        return round(kilometres(origin, Point(*candidate.point)))
    site = None if candidate.area is None else _own_point(candidate.area, places)
    return None if site is None else round(kilometres(origin, site))


def _own_point(area: str, places: Places) -> Point | None:
    place = places.get(area)
    return None if place is None else place.point


def _same_municipality(one: str, other: str, places: Places) -> bool:
    both = (places.get(one), places.get(other))
    if any(place is None or place.level < 2 for place in both):
        return False
    return places.at_most(one, 2) == places.at_most(other, 2)


def _state(area: str, places: Places) -> str | None:
    return places.at_most(area, 1) if places.is_known(area) else None
