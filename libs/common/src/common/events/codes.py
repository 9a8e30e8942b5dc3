"""Value types that events of several services use."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from common.words.choices import OneOf

Code = Annotated[
    str, Field(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:+/-]*$")
]
PCode = Annotated[str, Field(min_length=2, max_length=20, pattern=r"^[A-Z]{2,3}[0-9A-Z]*$")]
Urgency = Annotated[str, OneOf("urgencies")]
Visibility = Annotated[str, OneOf("visibility_levels")]
CapacityState = Literal["accepting", "waitlist", "full"]


class ReportingAttributes(BaseModel):
    """Codes for anonymous statistics. Events contain them only under a reporting grant."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sex: Code | None = None
    age_band: Code | None = None
    population: Code | None = None
    nationality: Code | None = None
    disability: Code | None = None
    exploitation_types: tuple[Code, ...] = ()
    origin: PCode | None = None
    transit: tuple[PCode, ...] = ()
    destination: PCode | None = None
