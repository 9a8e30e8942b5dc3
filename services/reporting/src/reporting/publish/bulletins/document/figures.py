"""A published number and its source: a release, the allow-list, the work plan, or a ratio of those. A number without a
source cannot be written, because `Figure` accepts no other input."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, Strict

from reporting.ground.language import Text
from reporting.ground.protection.comparisons import Bounds


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReleaseSource(Frozen):
    """The sum of protected cells of one release, or of several closed periods of a programme."""

    kind: Literal["release"] = "release"
    releases: tuple[UUID, ...] = Field(min_length=1)
    filters: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    rest_by: tuple[str, ...] = Field(
        (), description="If given: what a table by these dimensions does not show apart."
    )


class ExpectedErrorSource(Frozen):
    """The expected absolute error of a release's margin (``total``, a dimension or ``cell``)."""

    kind: Literal["expected-error"] = "expected-error"
    release: UUID
    margin: str


class ThresholdSource(Frozen):
    """A release's k; all its numbers are multiples of k."""

    kind: Literal["threshold"] = "threshold"
    release: UUID


class ActivitySource(Frozen):
    """An allow-listed indicator over the activities that start in [start, end] inside ``area``."""

    kind: Literal["activity"] = "activity"
    indicator: str
    area: str | None = None
    start: date
    end: date


class CoverageSource(Frozen):
    """The number of organisations, by name, that carry out activities, or of states that have one. These count partners
    and places, not people."""

    kind: Literal["coverage"] = "coverage"
    of: Literal["organisations", "states"]
    start: date
    end: date


class TargetSource(Frozen):
    """A work-plan target."""

    kind: Literal["target"] = "target"
    target: UUID


class OutsideSource(Frozen):
    """A point in an imported outside series, with its provenance."""

    kind: Literal["outside"] = "outside"
    series: UUID
    day: date
    area: str | None = None


class ReleaseShareSource(Frozen):
    """A ratio of two protected counts; absent below 2k (R6)."""

    kind: Literal["release-share"] = "release-share"
    numerator: ReleaseSource
    denominator: ReleaseSource


class ProgressSource(Frozen):
    """The ratio of an allow-listed number to a target."""

    kind: Literal["progress"] = "progress"
    numerator: ActivitySource
    denominator: TargetSource


Source = Annotated[
    ReleaseSource
    | ExpectedErrorSource
    | ThresholdSource
    | ActivitySource
    | CoverageSource
    | TargetSource
    | OutsideSource
    | ReleaseShareSource
    | ProgressSource,
    Field(discriminator="kind"),
]


class Figure(Frozen):
    """A number with its source. ``value`` None means absent; ``absent`` then gives the reason in each language."""

    # Strict, because a decimal read back from JSON text must not become an integer.
    value: Annotated[int, Strict()] | Decimal | None
    low: Annotated[int, Strict()] | Decimal | None = None
    high: Annotated[int, Strict()] | Decimal | None = None
    """For a protected number: the true one is between low and high as often as its row says (`protected.Row`)."""
    form: Literal["count", "decimal", "share"] = "count"
    source: Source
    absent: Text | None = None

    @property
    def between(self) -> Bounds:
        """Return the interval; for an exact number, both bounds equal the number."""
        value = self.value or 0
        return value if self.low is None else self.low, value if self.high is None else self.high
