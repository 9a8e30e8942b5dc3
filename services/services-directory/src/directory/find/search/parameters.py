"""The query parameters of the HSDS endpoints, and this profile's additional ones. Each is checked. An unknown parameter
is refused with a list of the known ones, because a typo must not widen the search."""

import re
from datetime import date, datetime, time
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from common.events.codes import CapacityState
from common.words.languages import PageLanguage
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from directory.ground.hsds.extensions import Aor, Category, PCode, Population
from directory.ground.hsds.opening_hours import Weekday
from directory.ground.reading.parameters import Many, PageQuery, Text


def _point(value: Any) -> Any:
    return value.split(",") if isinstance(value, str) else value


Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


def _time_of_day(value: Any) -> Any:
    if isinstance(value, str) and not _TIME_OF_DAY.fullmatch(value):
        raise ValueError("write a time of day as HH:MM, such as 09:30")
    return value


_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
TimeOfDay = Annotated[
    time,
    BeforeValidator(_time_of_day),
    WithJsonSchema({"type": "string", "pattern": f"^{_TIME_OF_DAY.pattern}$"}),
]
Box = Annotated[tuple[Longitude, Latitude, Longitude, Latitude], BeforeValidator(_point)]
Facet = Literal[
    "category", "aor", "area", "language", "capacity_state", "functional_status",
    "provider_level", "population",
]  # fmt: skip


class Filters(PageQuery):
    """Filters for services. Conditions are ANDed; the values of one list are ORed."""

    taxonomy_term_id: UUID | None = None
    taxonomy_id: UUID | None = None
    organization_id: UUID | None = None
    modified_after: datetime | None = Field(None, description="Changed at this level since then.")
    full: bool = False

    category: Annotated[list[Category], Many] = Field(default_factory=list, max_length=50)
    aor: Annotated[list[Aor], Many] = Field(default_factory=list, max_length=10)
    area: PCode | None = Field(
        None, description="P-code; finds services inside it and those that serve all around it."
    )
    near: Annotated[tuple[Latitude, Longitude], BeforeValidator(_point)] | None = Field(
        None, description="latitude,longitude; sorts by distance unless told otherwise."
    )
    radius: float | None = Field(None, gt=0, le=20_000_000, description="Metres around `near`.")
    bbox: Box | None = Field(None, description="west,south,east,north in degrees.")
    open_at: datetime | None = Field(None, description="Local time at the service; no offset.")
    open_on: Annotated[list[Weekday], Many] = Field(
        default_factory=list, max_length=7, description="Open on one of these days of the week."
    )
    open_from: TimeOfDay | None = Field(
        None, description="With `open_until`: open at some time between the two, `HH:MM`."
    )
    open_until: TimeOfDay | None = Field(None, description="After `open_from`; midnight if absent.")
    day: Annotated[list[Weekday], Many] = Field(
        default_factory=list, max_length=7, description="As Open Referral UK: opens on this day."
    )
    start_time: TimeOfDay | None = Field(
        None, description="As Open Referral UK: opens at this time or later."
    )
    end_time: TimeOfDay | None = Field(
        None, description="As Open Referral UK: closes at this time or earlier."
    )
    minimum_age: float | None = Field(
        None, ge=0, le=130, description="As Open Referral UK: whose minimum age is at least this."
    )
    maximum_age: float | None = Field(
        None, ge=0, le=130, description="As Open Referral UK: whose maximum age is at most this."
    )
    age: float | None = Field(None, ge=0, le=130)
    sex: Literal["female", "male", "other"] | None = None
    population: Annotated[list[Population], Many] = Field(default_factory=list, max_length=30)
    nationality: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = Field(
        None, description="ISO 3166-1 alpha-3."
    )
    without_documents: bool = Field(False, description="Only services that ask for no document.")
    language: Annotated[list[Annotated[str, Field(pattern="^[a-z]{2,3}$")]], Many] = Field(
        default_factory=list, max_length=20, description="ISO 639-3, e.g. guc for Wayuunaiki."
    )
    capacity_state: Annotated[list[CapacityState], Many] = Field(default_factory=list, max_length=3)
    functional_status: Annotated[
        list[
            Literal[
                "fully_functional", "partially_functional", "at_capacity", "suspended", "planned",
                "closed", "unknown",
            ]
        ],
        Many,
    ] = Field(default_factory=list, max_length=7)  # fmt: skip
    provider_level: Literal["national", "international"] | None = None
    pre_crisis: bool | None = Field(None, description="Existed before the crisis.")
    referable: bool | None = Field(
        None, description="Endorsed, working, freshly verified and not out of season."
    )
    verified_after: date | None = Field(None, description="Freshness: verified since this day.")

    @field_validator("open_at")
    @classmethod
    def _local(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is not None:
            raise ValueError("give the local time at the service, without an offset")
        return value

    @model_validator(mode="after")
    def _window(self) -> Self:
        for start, end in (("open_from", "open_until"), ("start_time", "end_time")):
            last = getattr(self, end)
            if last is not None and last <= (getattr(self, start) or time.min):
                raise ValueError(f"{end} has to be after {start}: ask twice for a night")
        return self

    @field_validator("modified_after")
    @classmethod
    def _aware(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            return datetime.fromisoformat(value.isoformat() + "+00:00")
        return value


class ServiceQuery(Filters):
    format: Literal["json", "ndjson", "geojson"] = Field(  # type: ignore[assignment]  # one more
        "json", description="`geojson`: one feature per site."
    )
    minimal: bool = Field(False, description="Only id and last_modified.")
    sort: Literal["relevance", "name", "modified", "distance"] | None = None
    facets: Annotated[list[Facet], Many] = Field(
        default_factory=list, max_length=10, description="Counts by code beside the page."
    )
    explain: bool = Field(False, description="Why each entry ranks where it does.")


class SuggestionQuery(BaseModel):
    """The text that a user has typed so far."""

    model_config = ConfigDict(extra="forbid")

    search: Annotated[str, Field(min_length=1, max_length=100)]
    language: PageLanguage = "es"


class SiteQuery(Filters):
    format: Literal["json", "ndjson", "geojson"] = Field(  # type: ignore[assignment]  # one more
        "json", description="`geojson`: one feature per site."
    )
    postcode: Text | None = None
    proximity: float | None = Field(
        None, gt=0, le=20_000_000, description="Metres around the centre of `postcode`."
    )
