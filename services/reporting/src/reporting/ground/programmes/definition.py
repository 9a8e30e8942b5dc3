"""Populations and programmes, fixed before any release: who is counted together, how the counts are rounded, and
which views are published.

A definition is reviewed configuration in a data file. Its fingerprint enters the seed of every release, so a changed
definition is a new schema and can never be confused with the old one.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import product
from typing import Literal

from common.words.places import Places

from reporting.ground.periods import PeriodKind
from reporting.ground.protection.protected import Dimension
from reporting.ground.protection.rounding import PROFILES, Weights, check_weight

LEAST_K = 11
"""CTDC's threshold; a programme may ask for more, never for less."""

Labels = Mapping[str, str]
"""A text per language: ``es`` and ``en``, both always present."""


class Measure(StrEnum):
    """Which rule turns facts into the people of a population (see ``releases/counting.py``)."""

    REFERRED_PERSONS = "referred-persons"
    SCREENED_PERSONS = "screened-persons"
    SEARCHES_WITHOUT_RESULT = "searches-without-result"


@dataclass(frozen=True)
class ProgrammeDimension:
    """A dimension with what a reader needs to read it.

    ``fallback`` is the code that takes every value outside the reviewed list, so that an unknown
    value is counted and never dropped.
    """

    dimension: Dimension
    label: Labels
    code_labels: Mapping[str, Labels]
    fallback: str

    @property
    def name(self) -> str:
        return self.dimension.name

    def coded(self, value: str | None) -> str:
        """The reviewed code for a fact's value: itself, or the nearest area that contains it."""
        if value not in self._coded:
            self._coded[value] = self._look_up(value)
        return self._coded[value]

    @cached_property
    def _coded(self) -> dict[str | None, str]:
        """Of the values that were asked for: as many as there are codes and places."""
        return {None: self.fallback, **{code: code for code in self.dimension.codes}}

    def _look_up(self, value: str | None) -> str:
        places = Places.load()
        above = places.ancestors(value) if value and places.is_known(value) else ()
        return next((area for area in above if area in self.dimension.codes), self.fallback)


Codes = Mapping[str, tuple[str, ...]]
"""A part of a programme's people: dimension → the codes that they have one of; {} is all of them."""


@dataclass(frozen=True)
class Link:
    """How two programmes share people: those of `here` (in the programme that declares it) are
    those of `there` (in `other`), or some of them (`within`)."""

    other: str
    here: Codes
    there: Codes
    relation: Literal["equal", "within"]


HISTORY = "history"
"""The dimension that every population with spans has: what was known of the person before."""
NEW = "-"
"""In a history: not counted in the span so far."""
FLAG = "+"
"""After the carried code in a history: the flagged dimension has said something in the span."""
NOTHING = "none"
"""The code of a flagged dimension that says nothing."""


@dataclass(frozen=True)
class Population:
    """The people that are counted together: one joint cube per period, rounded once (R1).

    Everybody is in exactly one of its cells. ``spans`` are longer periods in which a person counts
    once (R4a): the history holds, for each of them, the ``carried`` code so far, and whether the
    ``flagged`` dimension has been anything but `NOTHING`. ``reached``: steps that nobody takes back, each as the
    carried codes that lie behind it; no count of them over a span is below that of a part; ``apart`` are those of them that a programme counts by
    itself. ``tilted`` are the
    dimensions whose one-way counts the rounding prefers to keep (see ``protection/rounding.py``).
    ``public_k``, a larger multiple of k, gives everybody a coarser tier and keeps the finer one for
    readers with an account.
    """

    id: str
    measure: Measure
    period_kind: PeriodKind
    k: int
    profile: str
    dimensions: tuple[ProgrammeDimension, ...]
    tilted: tuple[str, ...] = ()
    spans: tuple[PeriodKind, ...] = ()
    carried: str | None = None
    flagged: str | None = None
    reached: tuple[frozenset[str], ...] = ()
    apart: tuple[frozenset[str], ...] = ()
    public_k: int | None = None

    def __post_init__(self) -> None:
        if self.k < LEAST_K:
            raise ValueError(f"{self.id}: k must be at least {LEAST_K}")
        if self.profile not in PROFILES:
            raise ValueError(f"{self.id}: no profile {self.profile!r}")
        names = {each.name for each in self.dimensions}
        if not {*self.tilted, *filter(None, [self.carried, self.flagged])} <= names | {HISTORY}:
            raise ValueError(f"{self.id}: tilted and carried dimensions are among its own")
        check_weight(self.k, self.weights, len(self.tilted))
        if self.public_k is not None:
            if self.public_k <= self.k or self.public_k % self.k:
                raise ValueError(f"{self.id}: public_k must be a larger multiple of {self.k}")
            check_weight(self.public_k, self.weights.at(self.k, self.public_k), len(self.tilted))

    @property
    def weights(self) -> Weights:
        return PROFILES[self.profile]

    @property
    def cube_dimensions(self) -> tuple[Dimension, ...]:
        own = tuple(each.dimension for each in self.dimensions)
        return (*own, Dimension(HISTORY, self._histories)) if self.spans else own

    @property
    def new_to_all(self) -> tuple[str, ...]:
        """The history of a person without earlier facts; None if the population keeps no history."""
        return ("|".join([NEW] * len(self.spans)),) if self.spans else ()

    @property
    def _histories(self) -> tuple[str, ...]:
        carried = next(each for each in self.dimensions if each.name == self.carried)
        marks = ("", FLAG) if self.flagged else ("",)
        known = [code + mark for code in carried.dimension.codes for mark in marks]
        # Spans are nested: who is not new in one is not new in a longer one.
        return tuple(
            "|".join((*[NEW] * new, *codes))
            for new in range(len(self.spans), -1, -1)
            for codes in product(known, repeat=len(self.spans) - new)
        )

    @property
    def schema(self) -> bytes:
        """Fingerprint of all that the rounding depends on beside key, population and period."""
        content = {
            "k": self.k,
            "profile": self.profile,
            "measure": self.measure.value,
            "tilted": list(self.tilted),
            "dimensions": [[d.name, list(d.codes)] for d in self.cube_dimensions],
        }
        text = json.dumps(content, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
        return hashlib.sha256(text.encode()).digest()


@dataclass(frozen=True)
class Programme:
    """A view of a population's joint cube: some of its people (``where``: dimension → codes) by
    some of its dimensions. ``sources`` says for each own dimension which one it reads, and
    ``into`` which own code each code of that one becomes (its own where absent)."""

    id: str
    title: Labels
    unit: Labels
    population: Population
    dimensions: tuple[ProgrammeDimension, ...]
    note: Labels
    sources: Mapping[str, str]
    into: Mapping[str, Mapping[str, str]]
    where: Codes
    links: tuple[Link, ...] = ()

    @property
    def k(self) -> int:
        return self.population.k

    @property
    def public_k(self) -> int | None:
        return self.population.public_k

    @property
    def profile(self) -> str:
        return self.population.profile

    @property
    def period_kind(self) -> PeriodKind:
        return self.population.period_kind

    @property
    def cube_dimensions(self) -> tuple[Dimension, ...]:
        return tuple(each.dimension for each in self.dimensions)

    @property
    def names(self) -> tuple[str, ...]:
        """The dimensions a query may name, in order."""
        return tuple(each.name for each in self.dimensions)

    def dimension_label(self, name: str, language: str) -> str:
        return self._dimension(name).label[language]

    def code_label(self, name: str, code: str, language: str) -> str:
        """The code's label; the code itself if it is not in the list."""
        labels = self._dimension(name).code_labels.get(code)
        return labels[language] if labels else code

    def _dimension(self, name: str) -> ProgrammeDimension:
        return next(each for each in self.dimensions if each.name == name)
