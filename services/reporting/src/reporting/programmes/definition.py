"""What a programme is: measure, dimensions, k, profile and period kind, fixed before any release.

A definition is reviewed configuration in a data file. Its fingerprint enters the seed of every
release, so a changed definition is a new schema and can never be confused with the old one.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from common.places import Places

from reporting.periods import PeriodKind
from reporting.releases.protected import Dimension
from reporting.releases.rounding import PROFILES, Weights, check_weight

LEAST_K = 11
"""CTDC's threshold; a programme may ask for more, never for less."""

Labels = Mapping[str, str]
"""A text per language: ``es`` and ``en``, both always present."""


class Measure(StrEnum):
    """Which rule turns facts into counted units (see ``releases/counting.py``)."""

    PERSONS_BY_PROGRESS = "persons-by-progress"
    PERSONS_UNMET = "persons-unmet"
    SEARCHES_WITHOUT_RESULT = "searches-without-result"
    PERSONS_SCREENED = "persons-screened"
    PERSONS_IDENTIFIED = "persons-identified"
    PERSONS_ASSISTED = "persons-assisted"
    PERSONS_ROUTED = "persons-routed"


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
        if value is None:
            return self.fallback
        if value in self.dimension.codes:
            return value
        places = Places.load()
        above = places.ancestors(value) if places.is_known(value) else ()
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


@dataclass(frozen=True)
class Programme:
    """``population`` names the people counted: programmes that share it are linked (R1).

    ``part`` says which part of the population is counted, as the path of ever narrower parts: () is
    all of it, ("identified", "assisted") are the assisted among the identified. Equal paths count
    the same people.

    ``public_k``, a larger multiple of k, gives everybody a coarser tier and keeps the finer one for
    readers with an account.
    """

    id: str
    title: Labels
    unit: Labels
    population: str
    measure: Measure
    period_kind: PeriodKind
    k: int
    profile: str
    dimensions: tuple[ProgrammeDimension, ...]
    note: Labels
    part: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    public_k: int | None = None

    def __post_init__(self) -> None:
        if self.k < LEAST_K:
            raise ValueError(f"{self.id}: k must be at least {LEAST_K}")
        if self.profile not in PROFILES:
            raise ValueError(f"{self.id}: no profile {self.profile!r}")
        check_weight(self.k, self.weights, len(self.dimensions))
        if self.public_k is not None:
            if self.public_k <= self.k or self.public_k % self.k:
                raise ValueError(f"{self.id}: public_k must be a larger multiple of {self.k}")
            check_weight(self.public_k, self.weights, len(self.dimensions))

    @property
    def weights(self) -> Weights:
        return PROFILES[self.profile]

    @property
    def cube_dimensions(self) -> tuple[Dimension, ...]:
        return tuple(each.dimension for each in self.dimensions)

    @property
    def schema(self) -> bytes:
        """Fingerprint of all that the rounding depends on beside key, programme and period."""
        content = {
            "k": self.k,
            "profile": self.profile,
            "measure": self.measure.value,
            "dimensions": [[d.name, list(d.codes)] for d in self.cube_dimensions],
        }
        text = json.dumps(content, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
        return hashlib.sha256(text.encode()).digest()

    def dimension_label(self, name: str, language: str) -> str:
        return self._dimension(name).label[language]

    def code_label(self, name: str, code: str, language: str) -> str:
        """The code's label; the code itself if it is not in the list."""
        labels = self._dimension(name).code_labels.get(code)
        return labels[language] if labels else code

    def _dimension(self, name: str) -> ProgrammeDimension:
        return next(each for each in self.dimensions if each.name == name)
