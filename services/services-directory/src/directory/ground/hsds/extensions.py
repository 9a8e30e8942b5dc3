"""The profile's extensions of HSDS: pathway, visibility, functional status, eligibility, referral, verification,
capacity. Codes come from the shared code lists, which are data."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from common.words import codelists
from common.words.details import WrongValue
from common.words.enums import enum_of
from common.words.places import Places
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from directory.ground.hsds.base import DateText, InstantText, Short, Text


def one_of(codes: Callable[[], Mapping[str, Any]], what: str) -> AfterValidator:
    """Return a validator that refuses a code outside the list and names the allowed ones."""

    def check(value: str) -> str:
        if value not in codes():
            raise ValueError(f"unknown {what} {value!r}; allowed: {', '.join(codes())}")
        return value

    return AfterValidator(check)


def _attribute(name: str) -> AfterValidator:
    return one_of(lambda: codelists.referral_attributes()[name], name.replace("_", " "))


def _is_place(value: str) -> str:
    if not Places.load().is_known(value):
        raise WrongValue("not_known_p_code")
    return value


Code = Annotated[str, Field(max_length=40)]
Aor = Annotated[
    Code,
    enum_of(codelists.pathways()),
    one_of(codelists.pathways, "area of responsibility"),
]
AorCode = Annotated[str, enum_of(codelists.pathways())]
"""An area of responsibility in an answer."""
FunctionalCode = Annotated[str, enum_of(codelists.functional_statuses())]
"""How far a service works, in an answer."""
Category = Annotated[Code, one_of(codelists.categories, "service category")]
Population = Annotated[Code, one_of(codelists.populations, "population group")]
PCode = Annotated[str, Field(max_length=20), AfterValidator(_is_place)]
Iso3 = Annotated[str, Field(pattern="^[A-Z]{3}$")]


class Extension(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _nulls_are_absences(cls, data: Any) -> Any:
        if isinstance(data, dict):
            return {key: value for key, value in data.items() if value is not None}
        return data


class PathwayStep(Extension):
    """The service's step in the pathway of an area of responsibility."""

    aor: Aor
    step: Short | None = None
    urgency: Literal["emergency", "routine"] | None = None


class FunctionalStatus(Extension):
    """The functional status of the service. It decides HSDS `status` and whether the service is referable."""

    code: Annotated[Code, one_of(codelists.functional_statuses, "functional status")]
    since: DateText | None = None
    reason: Text | None = None


class PreCrisis(Extension):
    """The period before the crisis in which the service existed, if any."""

    existed: bool
    from_: DateText | None = Field(None, alias="from")
    to: DateText | None = None


class Eligibility(Extension):
    """The people whom the service accepts. An empty list means that there is no rule of that kind."""

    sex: list[Literal["female", "male", "other"]] = Field(default_factory=list)
    populations: list[Population] = Field(default_factory=list)
    nationalities: list[Iso3] = Field(default_factory=list)
    documents: list[Short] = Field(default_factory=list)
    exclusions: Text | None = None


class Referral(Extension):
    """How the service accepts referrals (attributes of the UNHCR Jordan Services Advisor)."""

    intake_modes: list[Annotated[Code, _attribute("intake_mode")]] = Field(default_factory=list)
    method: Annotated[Code, _attribute("referral_method")] | None = None
    response_delay: Annotated[Code, _attribute("response_delay")] | None = None
    next_step: Annotated[Code, _attribute("next_step")] | None = None
    feedback_mechanism: Annotated[Code, _attribute("feedback_mechanism")] | None = None
    feedback_delay: Annotated[Code, _attribute("feedback_delay")] | None = None
    coverage: Annotated[Code, _attribute("coverage")] | None = None
    frequency: Annotated[Code, _attribute("frequency")] | None = None
    focal_role: Short | None = None
    hours: Short | None = None
    consent_form: Short | None = None
    intermediary: Short | None = None
    notes: Text | None = None


class Verification(Extension):
    """The last check of the entry: when it was done, by whom and how, and until when it is valid."""

    verified_at: InstantText | DateText | None = None
    valid_until: DateText | None = None
    method: Short | None = None
    by: Short | None = None


Language = Annotated[str, Field(pattern="^[a-z]{2,3}$")]
Translations = dict[
    Language,
    dict[Annotated[str, Field(pattern="^[a-z_0-9]{1,40}$")], Text],
]
