"""Removes from history the parts of a place that may no longer be stored after it was restricted. Pure. In doubt, a
place counts as restricted: a place that the entry no longer names has the level of its most restricted place."""

from collections.abc import Iterable, Mapping
from typing import Any

from common.sight import RESTRICTED

from directory.ground.hsds.visibility import level_of, storable

Document = Mapping[str, Any]


def place_formerly(pointer: str, value: Any) -> Any:
    """Return the part of a field's value that the history of a restricted place may keep."""
    if value is None:
        return None
    match pointer.split("/")[1:]:
        case []:
            return storable(value, RESTRICTED)
        case [key, *_]:
            return storable({key: value}, RESTRICTED).get(key)


class Formerly:
    """The current levels of an entry's places, from the draft and the published form. `held` means a possible safe
    house that was not reviewed. Then no place is shown, whatever its level."""

    def __init__(self, *documents: Document | None, held: bool = False) -> None:
        levels: dict[str, int] = {}
        for document in filter(None, documents):
            own = level_of(dict(document))
            for site in document.get("service_at_locations", []):
                if location := site.get("location"):
                    exact = RESTRICTED if held else level_of(location, level_of(site, own))
                    for named in (site.get("id"), location.get("id")):
                        levels[named] = max(exact, levels.get(named, 0))
        self._closed = held or any(level >= RESTRICTED for level in levels.values())
        self.closed_places = frozenset(
            own
            for document in filter(None, documents)
            for site in document.get("service_at_locations", [])
            if (own := site.get("location", {}).get("id")) and levels[own] >= RESTRICTED
        )
        self._open = {named for named, level in levels.items() if level < RESTRICTED}

    def shown(self, pointer: str, value: Any) -> Any:
        """Return the part of a field's value that may be shown. `pointer` has the form used in
        `entries.differences`."""
        if not self._closed or value is None:
            return value
        match pointer.split("/")[1:]:
            case ["service_at_locations", site, "location", key, *_]:
                return value if site in self._open else self._kept({key: value}).get(key)
            case ["service_at_locations", site, "location"]:
                return value if site in self._open else self._kept(value)
            case ["service_at_locations", _]:
                return self._site(value)
            case ["service_at_locations"]:
                return self._sites(value)
            case []:
                return self._whole(value)
            case _:
                return value

    def _whole(self, document: Any) -> Any:
        sites = self._sites(document.get("service_at_locations", []))
        return {**document, "service_at_locations": sites} if sites else document

    def _sites(self, sites: Iterable[Any]) -> list[Any]:
        return [self._site(each) for each in sites]

    def _site(self, site: Any) -> Any:
        location = site.get("location")
        if location is None or location.get("id") in self._open:
            return site
        return {**site, "location": self._kept(location)}

    def _kept(self, location: dict[str, Any]) -> dict[str, Any]:
        return storable(location, RESTRICTED)
