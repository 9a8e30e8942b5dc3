"""Labels for codes: shared lists, places, languages. Pure."""

from dataclasses import dataclass
from functools import cache
from operator import attrgetter

from common.words.codelists import (
    categories,
    functional_statuses,
    languages,
    nationalities,
    pathways,
    populations,
)
from common.words.places import Place, Places

Groups = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]

SPOKEN = ("spa", "guc", "wba", "por", "eng")
"""Languages in forms; the API accepts all of ISO 639-3."""


@dataclass(frozen=True)
class Codes:
    language: str

    def need(self, code: str | None) -> str:
        return categories().label(code, self.language) if code else ""

    def needs(self) -> list[tuple[str, str]]:
        """Return all needs, sorted by label."""
        found = ((code, self.need(code)) for code in categories())
        return sorted(found, key=lambda pair: pair[1])

    def pathway(self, code: str) -> str:
        return pathways().label(code, self.language)

    def population(self, code: str) -> str:
        return populations().label(code, self.language)

    def spoken(self, code: str) -> str:
        return languages().label(code, self.language)

    def nationality(self, code: str) -> str:
        return nationalities().label(code, self.language)

    def nationalities(self, home: str) -> list[tuple[str, str]]:
        """Return the nationalities that forms offer: the home country's, then the others sorted by label."""
        found = ((code, self.nationality(code)) for code in nationalities())
        return sorted(found, key=lambda pair: (pair[0] != home, pair[1]))

    def capacity(self, code: str) -> str:
        return functional_statuses().label(code, self.language)

    def place(self, pcode: str | None) -> str:
        """Return the municipality with its state, or the code itself if it is unknown."""
        if not pcode:
            return ""
        place = Places.load().get(pcode)
        if place is None:
            return pcode
        parent = Places.load().get(place.parent) if place.parent else None
        if parent is None or parent.level == 0:
            return place.label(self.language)
        return f"{place.label(self.language)}, {parent.label(self.language)}"


@dataclass(frozen=True)
class Areas:
    """The places that a form offers: municipalities grouped by state."""

    country: str

    @property
    def groups(self) -> Groups:
        """Return (state, ((P-code, municipality), …)) sorted by name; each group begins with the state itself."""
        return _groups(self.country)


@cache
def _groups(country: str) -> Groups:
    """Sort the several hundred places once, because they are the same for everybody."""
    places = [p for p in Places.load() if p.pcode.startswith(country)]
    by_name = attrgetter("name")
    of_state: dict[str | None, list[Place]] = {}
    for place in sorted(places, key=by_name):
        if place.level == 2:
            of_state.setdefault(place.parent, []).append(place)
    return tuple(
        (
            state.name,
            tuple((p.pcode, p.name) for p in (state, *of_state.get(state.pcode, ()))),
        )
        for state in sorted((p for p in places if p.level == 1), key=by_name)
    )
