"""Response bodies of the indicator endpoint: exact numbers, for people who manage referrals."""

from typing import Literal

from pydantic import BaseModel, Field

NOTICE = "Exact operational numbers: not for publication. This reading was recorded."


class TimingView(BaseModel):
    """Hours from sending to the milestone, interpolated in a histogram; null beyond 180 days."""

    reached: int
    median_hours: float | None
    p90_hours: float | None


class IndicatorRow(BaseModel):
    month: str | None = Field(None, description="Where it was asked by month.")
    area: str | None = None
    category: str | None = None
    counts: dict[str, int] = Field(
        description="sent, acknowledged, accepted, delivered and confirmed are kept apart."
    )
    unmet: int = Field(description="declined + not_delivered + expired")
    decline_reasons: dict[str, int]
    not_delivered_reasons: dict[str, int]
    timing: dict[str, TimingView] | None = Field(
        description="Absent where the answer splits by area and category at once."
    )


class CapacityRow(BaseModel):
    category: str
    state: Literal["accepting", "waitlist", "full", "unknown"]
    services: int


class ScopeIndicators(BaseModel):
    scope: str = Field(description="aor, sender or recipient")
    id: str
    rows: list[IndicatorRow]
    capacity: list[CapacityRow]


class Indicators(BaseModel):
    """Referrals sent in the months from `first` to `last`, with their current state."""

    first: str
    last: str
    by: list[str]
    scopes: list[ScopeIndicators]
    notice: str = NOTICE
