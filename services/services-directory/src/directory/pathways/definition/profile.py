"""The profile to resolve: facts as codes and numbers, never an identity. Any other field (a name, a date of birth, a
phone number, free text) is refused. The error names the field and never repeats the value."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

PLACE = r"^[A-Z]{2}[0-9]{0,8}$"


class Sex(StrEnum):
    FEMALE = "female"
    MALE = "male"
    OTHER = "other"


Aor = Literal["CP", "GBV", "TIP", "GP"]
NeedCode = Annotated[str, Field(pattern=r"^[A-Z]{2,5}(-[A-Z]{2,10})?$")]
PopulationCode = Annotated[str, Field(pattern=r"^[A-Z]{2,8}$")]
SituationCode = Annotated[str, Field(pattern=r"^[a-z]{2,20}(_[a-z]{2,20}){0,3}$")]
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{3}$")]


class Moment(BaseModel):
    """The local day of the week (1 Monday … 7 Sunday) and the time, for opening hours; never a date."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weekday: Annotated[int, Field(strict=True, ge=1, le=7)]
    time: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]

    @property
    def minute_of_week(self) -> int:
        """Return the minute of the week, where Monday 00:00 is 0."""
        hours, minutes = self.time.split(":")
        return (self.weekday - 1) * 1440 + int(hours) * 60 + int(minutes)


def moment_of(local: datetime) -> Moment:
    return Moment(weekday=local.isoweekday(), time=f"{local:%H:%M}")


class Profile(BaseModel):
    """A person's facts: age in completed years, hours since the incident, an OCHA P-code, ISO 639-3 languages. Missing
    facts are unknown and never remove a step. Without a `moment`, the time is now."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "area": "VE2313",
                    "age": 27,
                    "sex": "female",
                    "situations": ["sexual_violence"],
                    "hours_since_incident": 20,
                    "languages": ["guc"],
                    "populations": ["IND"],
                    "immediate_danger": False,
                }
            ]
        },
    )

    area: Annotated[str, Field(pattern=PLACE)]
    age: Annotated[int, Field(strict=True, ge=0, le=120)] | None = None
    sex: Sex | None = None
    aors: Annotated[frozenset[Aor], Field(max_length=4)] = frozenset()
    needs: Annotated[frozenset[NeedCode], Field(max_length=20)] = frozenset()
    situations: Annotated[frozenset[SituationCode], Field(max_length=10)] = frozenset()
    populations: Annotated[frozenset[PopulationCode], Field(max_length=15)] = frozenset()
    languages: Annotated[frozenset[LanguageCode], Field(max_length=10)] = frozenset()
    nationality: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    has_documents: Annotated[bool, Field(strict=True)] | None = None
    hours_since_incident: Annotated[int, Field(strict=True, ge=0, le=876_000)] | None = None
    immediate_danger: Annotated[bool, Field(strict=True)] | None = None
    moment: Moment | None = None
    exclude_organisations: Annotated[frozenset[UUID], Field(max_length=10)] = Field(
        frozenset(),
        description="Organisations that must not be asked, such as the accused one. For this question alone: nothing"
        " keeps them. Services whose organisation you may not see are left out with them.",
    )


# Population codes that imply an age or a sex (codelists/population_groups.csv, age_sex).
_AGES = {
    "GIR": (0, 17),
    "BOY": (0, 17),
    "WOM": (18, 59),
    "MEN": (18, 59),
    "OLD": (60, 120),
    "UASC": (0, 17),
    "CAR": (0, 17),
    "CAAFAG": (0, 17),
    "WAR": (18, 120),
}
_SEXES = {
    "GIR": Sex.FEMALE,
    "WOM": Sex.FEMALE,
    "WAR": Sex.FEMALE,
    "BOY": Sex.MALE,
    "MEN": Sex.MALE,
}
UNSAID_MEANS_NO = frozenset({"suicide_risk", "early_union"})
"""Situations that hold only if the profile names them: no plan begins with them on a guess."""
_CHILD_SITUATIONS = frozenset({"child_separated", "child_violence", "child_recruitment"})


def disagreements(profile: Profile) -> tuple[tuple[str, str], ...]:
    """Return the fields that contradict each other, as (field, code of the other field)."""
    found: list[tuple[str, str]] = []
    codes = sorted(profile.populations)
    if profile.age is not None:
        for code in codes:
            low, high = _AGES.get(code, (0, 120))
            if not low <= profile.age <= high:
                found.append(("populations", "age"))
    if profile.sex is not None:
        found += [
            ("populations", "sex")
            for code in codes
            if _SEXES.get(code, profile.sex) != profile.sex and profile.sex is not Sex.OTHER
        ]
    ranges = [_AGES[code] for code in codes if code in _AGES]
    if ranges and max(low for low, _ in ranges) > min(high for _, high in ranges):
        found.append(("populations", "populations"))
    if profile.age is not None and profile.age >= 18 and profile.situations & _CHILD_SITUATIONS:
        found.append(("situations", "age"))
    return tuple(dict.fromkeys(found))


def group_of(profile: Profile) -> Literal["child", "woman", "man", "other"]:
    """Return the coarse group under which a gap is counted. Gaps are never counted under a finer group."""
    if profile.age is not None and profile.age < 18:
        return "child"
    if profile.sex is Sex.FEMALE:
        return "woman"
    if profile.sex is Sex.MALE:
        return "man"
    return "other"
