"""Codes as people read them: those of the shared lists, places, languages. Pure."""

from dataclasses import dataclass
from functools import cached_property

from common.codelists import categories, functional_statuses, languages, pathways, populations
from common.places import Places

SPOKEN = ("spa", "guc", "wba", "por", "eng")
"""Languages that forms offer; the API takes any of ISO 639-3."""


@dataclass(frozen=True)
class Codes:
    language: str

    def need(self, code: str | None) -> str:
        return categories().label(code, self.language) if code else ""

    def needs(self) -> list[tuple[str, str]]:
        """All, by their words."""
        found = ((code, self.need(code)) for code in categories())
        return sorted(found, key=lambda pair: pair[1])

    def pathway(self, code: str) -> str:
        return pathways().label(code, self.language)

    def population(self, code: str) -> str:
        return populations().label(code, self.language)

    def spoken(self, code: str) -> str:
        return languages().label(code, self.language)

    def capacity(self, code: str) -> str:
        return functional_statuses().label(code, self.language)

    def place(self, pcode: str | None) -> str:
        """A municipality with its state; the code itself where it is in no table."""
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
    """The places that a form offers: municipalities under their states."""

    country: str

    @cached_property
    def groups(self) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
        """(state, ((P-code, municipality), …)) by name; the state itself comes first in each."""
        places = [p for p in Places.load() if p.pcode.startswith(self.country)]
        states = sorted((p for p in places if p.level == 1), key=lambda p: p.name)
        return tuple(
            (
                state.name,
                (
                    (state.pcode, state.name),
                    *sorted(
                        (
                            (p.pcode, p.name)
                            for p in places
                            if p.level == 2 and p.parent == state.pcode
                        ),
                        key=lambda pair: pair[1],
                    ),
                ),
            )
            for state in states
        )
