"""Populations and programmes, fixed before any release: who is counted together, how counts are rounded, and which
views are published.

A definition is reviewed configuration in a data file. Its fingerprint is part of every release's seed. A changed
definition is therefore a new schema and cannot be confused with the old one.
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

from reporting.ground.language import text
from reporting.ground.periods import PeriodKind
from reporting.ground.protection.protected import REST, Dimension
from reporting.ground.protection.rounding import PROFILES, Weights, check_weight, profile_of

LEAST_K = 11
"""CTDC's threshold; a programme may require more, but not less."""

Labels = Mapping[str, str]
"""A text per language: ``es`` and ``en``, both always present."""


_REST: Labels = text("El resto, sin separar", "The rest, not shown apart")


class Measure(StrEnum):
    """The rule that turns facts into a population's people (see ``releases/cells.py``)."""

    REFERRED_PERSONS = "referred-persons"
    SCREENED_PERSONS = "screened-persons"
    SEARCHES_WITHOUT_RESULT = "searches-without-result"


@dataclass(frozen=True)
class ProgrammeDimension:
    """A dimension with its labels. ``fallback`` is the code for every value outside the reviewed list, so that an
    unknown value counts and is never dropped."""

    dimension: Dimension
    label: Labels
    code_labels: Mapping[str, Labels]
    fallback: str

    @property
    def name(self) -> str:
        return self.dimension.name

    def coded(self, value: str | None) -> str:
        """Return the reviewed code for a fact's value: the value itself, or the nearest containing area."""
        if value not in self._coded:
            self._coded[value] = self._look_up(value)
        return self._coded[value]

    @cached_property
    def _coded(self) -> dict[str | None, str]:
        """Return the cache of the values looked up so far. It has at most as many entries as there are codes and
        places."""
        return {None: self.fallback, **{code: code for code in self.dimension.codes}}

    def _look_up(self, value: str | None) -> str:
        places = Places.load()
        above = places.ancestors(value) if value and places.is_known(value) else ()
        return next((area for area in above if area in self.dimension.codes), self.fallback)


Codes = Mapping[str, tuple[str, ...]]
"""A part of a programme's people: dimension → codes, of which each person has one; {} means everybody."""


@dataclass(frozen=True)
class Link:
    """How two programmes share people: the people of `here` (in the declaring programme) are the same as those of
    `there` (in `other`), or a part of them (`within`)."""

    other: str
    here: Codes
    there: Codes
    relation: Literal["equal", "within"]


HISTORY = "history"
"""The dimension of every population with spans: what was known about the person before."""
NEW = "-"
"""In a history: not yet counted in the span."""
FLAG = "+"
"""After the carried code in a history: the flagged dimension has had a value in the span."""
NOTHING = "none"
"""The code of a flagged dimension without a value."""


@dataclass(frozen=True)
class Population:
    """People who are counted together: one joint cube per period, rounded once (R1). Every person is in exactly one of
    its cells.

    ``spans`` are longer periods in which a person counts once (R4a). For each span, the history contains the latest
    ``carried`` code, and whether the ``flagged`` dimension ever differed from `NOTHING`. ``reached`` lists irreversible
    steps, each as the carried codes after it: no count of a step over a span is below its count over a part. ``apart``
    are the steps that a programme counts separately. ``tilted`` are the dimensions whose one-way counts the rounding
    prefers to preserve (see ``protection/rounding.py``).
    """

    id: str
    measure: Measure
    period_kind: PeriodKind
    k: int
    dimensions: tuple[ProgrammeDimension, ...]
    tilted: tuple[str, ...] = ()
    spans: tuple[PeriodKind, ...] = ()
    carried: str | None = None
    flagged: str | None = None
    reached: tuple[frozenset[str], ...] = ()
    apart: tuple[frozenset[str], ...] = ()

    def __post_init__(self) -> None:
        if self.k < LEAST_K:
            raise ValueError(f"{self.id}: k must be at least {LEAST_K}")
        names = {each.name for each in self.dimensions}
        if not {*self.tilted, *filter(None, [self.carried, self.flagged])} <= names | {HISTORY}:
            raise ValueError(f"{self.id}: tilted and carried dimensions are among its own")
        check_weight(self.k, self.weights, len(self.tilted))

    @property
    def profile(self) -> str:
        return profile_of(len(self.tilted))

    @property
    def weights(self) -> Weights:
        return PROFILES[self.profile]

    @property
    def cube_dimensions(self) -> tuple[Dimension, ...]:
        own = tuple(each.dimension for each in self.dimensions)
        return (*own, Dimension(HISTORY, self._histories)) if self.spans else own

    @property
    def new_to_all(self) -> tuple[str, ...]:
        """Return the history of a person without earlier facts; None if the population keeps no history."""
        return ("|".join([NEW] * len(self.spans)),) if self.spans else ()

    @property
    def _histories(self) -> tuple[str, ...]:
        carried = next(each for each in self.dimensions if each.name == self.carried)
        marks = ("", FLAG) if self.flagged else ("",)
        known = [code + mark for code in carried.dimension.codes for mark in marks]
        # Spans are nested: a person who is known in one span is known in every longer span.
        return tuple(
            "|".join((*[NEW] * new, *codes))
            for new in range(len(self.spans), -1, -1)
            for codes in product(known, repeat=len(self.spans) - new)
        )

    @property
    def schema(self) -> bytes:
        """Return the fingerprint of everything that affects the rounding, apart from key, population and period."""
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
    """A view of a population's joint cube: some of its people (``where``: dimension → codes) by some of its dimensions.
    ``sources`` maps each own dimension to its source dimension. ``into`` maps source codes to own codes (unchanged
    where absent)."""

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
        """Return the dimensions that a query may name, in order."""
        return tuple(each.name for each in self.dimensions)

    def dimension_label(self, name: str, language: str) -> str:
        return self._dimension(name).label[language]

    def code_label(self, name: str, code: str, language: str) -> str:
        """Return the code's label, or the code itself if the list lacks it."""
        labels = _REST if code == REST else self._dimension(name).code_labels.get(code)
        return labels[language] if labels else code

    def _dimension(self, name: str) -> ProgrammeDimension:
        return next(each for each in self.dimensions if each.name == name)
