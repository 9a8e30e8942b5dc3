"""Judges whether a step or a pathway applies to a profile: met, not met or unknown. A fact that the profile omits is
*unknown*, never "no". Only a known fact removes a step."""

from collections.abc import Collection, Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from directory.pathways.definition.profile import UNSAID_MEANS_NO, Profile, Sex

Age = Annotated[int, Field(strict=True, ge=0, le=120)]
Hours = Annotated[int, Field(strict=True, ge=0, le=24 * 366 * 100)]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{3}$")]


class Verdict(StrEnum):
    """The result of a condition. `unknown` keeps a step in the plan and marks it for the caseworker to check."""

    MET = "met"
    UNKNOWN = "unknown"
    NOT_MET = "not_met"


class Condition(BaseModel):
    """A condition. All criteria in it must be met; an empty condition is always met. Ages are in completed years, hours
    count from the incident, and languages are ISO 639-3 codes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minimum_age: Age | None = None
    maximum_age: Age | None = None
    sexes: frozenset[Sex] = frozenset()
    populations: frozenset[Code] = frozenset()
    excluded_populations: frozenset[Code] = frozenset()
    situations: frozenset[Code] = frozenset()
    incident_within_hours: Hours | None = None
    incident_after_hours: Hours | None = None
    immediate_danger: bool | None = None
    has_documents: bool | None = None
    languages: frozenset[Language] = frozenset()
    speaks_none_of: frozenset[Language] = frozenset()

    @property
    def must_be_told(self) -> bool:
        """Return whether the condition can be met only by a profile that names a situation."""
        return bool(self.situations) and self.situations <= UNSAID_MEANS_NO

    def __bool__(self) -> bool:
        return self != _ALWAYS


_ALWAYS = Condition()


def judge(condition: Condition, profile: Profile) -> tuple[Verdict, tuple[str, ...]]:
    """Return the verdict and the names of the criteria that decided it: the unmet ones, else the unknown ones."""
    verdicts = list(_criteria(condition, profile))
    unmet = tuple(name for name, held in verdicts if held is False)
    if unmet:
        return Verdict.NOT_MET, unmet
    unknown = tuple(name for name, held in verdicts if held is None)
    return (Verdict.UNKNOWN if unknown else Verdict.MET), unknown


def _criteria(condition: Condition, profile: Profile) -> Iterator[tuple[str, bool | None]]:
    yield from _about_the_person(condition, profile)
    yield from _about_the_incident(condition, profile)


def _about_the_person(c: Condition, p: Profile) -> Iterator[tuple[str, bool | None]]:
    if c.minimum_age is not None:
        yield "minimum_age", None if p.age is None else p.age >= c.minimum_age
    if c.maximum_age is not None:
        yield "maximum_age", None if p.age is None else p.age <= c.maximum_age
    if c.sexes:
        yield "sexes", None if p.sex is None else p.sex in c.sexes
    if c.populations:
        yield "populations", _any_of(c.populations, p.populations)
    if c.excluded_populations:
        yield "excluded_populations", _none_of(c.excluded_populations, p.populations)
    if c.has_documents is not None:
        yield "has_documents", _equals(c.has_documents, p.has_documents)
    if c.languages:
        yield "languages", _any_of(c.languages, p.languages)
    if c.speaks_none_of:
        yield "speaks_none_of", _none_of(c.speaks_none_of, p.languages)


def _about_the_incident(c: Condition, p: Profile) -> Iterator[tuple[str, bool | None]]:
    hours = p.hours_since_incident
    if c.situations:
        told = _any_of(c.situations, p.situations)
        yield "situations", False if told is None and c.must_be_told else told
    if c.incident_within_hours is not None:
        yield "incident_within_hours", None if hours is None else hours <= c.incident_within_hours
    if c.incident_after_hours is not None:
        yield "incident_after_hours", None if hours is None else hours > c.incident_after_hours
    if c.immediate_danger is not None:
        yield "immediate_danger", _equals(c.immediate_danger, p.immediate_danger)


def _any_of(wanted: Collection[str], known: Collection[str]) -> bool | None:
    return any(code in wanted for code in known) if known else None


def _none_of(unwanted: Collection[str], known: Collection[str]) -> bool | None:
    return all(code not in unwanted for code in known) if known else None


def _equals(wanted: bool, known: bool | None) -> bool | None:
    return None if known is None else known == wanted


def contradictions(condition: Condition) -> tuple[str, ...]:
    """Return the criteria that no person can meet at the same time; empty if the condition is consistent."""
    c = condition
    return tuple(
        name
        for name, impossible in (
            ("minimum_age", _crossed(c.minimum_age, c.maximum_age)),
            ("incident_after_hours", _crossed(c.incident_after_hours, c.incident_within_hours, 1)),
            ("excluded_populations", _all_excluded(c.populations, c.excluded_populations)),
            ("speaks_none_of", _all_excluded(c.languages, c.speaks_none_of)),
        )
        if impossible
    )


def _crossed(low: int | None, high: int | None, gap: int = 0) -> bool:
    return low is not None and high is not None and low + gap > high


def _all_excluded(wanted: Collection[str], unwanted: Collection[str]) -> bool:
    return bool(wanted) and set(wanted) <= set(unwanted)


def contradict(first: Condition, second: Condition) -> tuple[str, ...]:
    """Return the criteria that prevent a person from meeting both conditions; empty if a person can meet both. People
    can belong to several populations, live in several situations and speak several languages. So those sets never
    contradict each other."""
    found = [
        name
        for name, low, high, gap in (
            ("age", _most(first, second, "minimum_age"), _least(first, second, "maximum_age"), 0),
            (
                "incident_hours",
                _most(first, second, "incident_after_hours"),
                _least(first, second, "incident_within_hours"),
                1,
            ),
        )
        if _crossed(low, high, gap)
    ]
    if first.sexes and second.sexes and not first.sexes & second.sexes:
        found.append("sexes")
    for flag in ("immediate_danger", "has_documents"):
        one, other = getattr(first, flag), getattr(second, flag)
        if one is not None and other is not None and one != other:
            found.append(flag)
    return tuple(found)


def _most(first: Condition, second: Condition, name: str) -> int | None:
    return max((v for c in (first, second) if (v := getattr(c, name)) is not None), default=None)


def _least(first: Condition, second: Condition, name: str) -> int | None:
    return min((v for c in (first, second) if (v := getattr(c, name)) is not None), default=None)
