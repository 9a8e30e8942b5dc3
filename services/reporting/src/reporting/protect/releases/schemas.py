"""Request and response bodies for the release endpoints."""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from common.http import Strict, Text
from pydantic import BaseModel, Field

from reporting.protect.withdrawals.schemas import WithdrawalView

READING = (
    "Every count is a protected multiple of k; the true one lies from low to high in about nine of ten"
    " cases."
    " 0 means none or few, and k is not exactly k. `rest` adds up what is too small to show apart."
    " Where counts is person-periods, somebody counts once in each period, so they are not persons."
    " Reported cases, not prevalence."
)


class CloseRelease(Strict):
    programme: str = Field(max_length=80, examples=["referrals"])
    period: str = Field(max_length=10, examples=["2026-11a"])
    never_closed: bool = Field(
        default=False,
        description="After the loss of a machine: you have looked, and it had not published this period.",
    )


class Waiver(Strict):
    organisation_id: UUID
    reason: Text = Field(examples=["No answer within ten days; reminded twice."])


class Contributor(BaseModel):
    organisation_id: UUID
    signed_off: bool
    waived: bool


class Expected(BaseModel):
    """The average error for a kind of count: the total, a dimension, or a single cell."""

    margin: str
    mean_absolute: Decimal
    relative: Decimal | None


class ReleaseView(BaseModel):
    id: UUID
    programme: str
    period: str
    period_start: date
    period_end: date
    k: int = Field(description="Every published count is a multiple of it.")
    public_k: int | None
    profile: str
    status: Literal["draft", "published", "withdrawn"] = Field(
        description="`withdrawn`: two people took it back; its numbers answer 410."
    )
    closed_at: datetime
    published_at: datetime | None
    contributors: list[Contributor] | None = Field(
        None,
        description="Who signs off, for the IM role; for a contributor itself. Shown while it is a draft.",
    )
    withdrawal: WithdrawalView | None = Field(
        None, description="The tombstone; for those who prepare publications also a request."
    )


class ReleaseDetail(ReleaseView):
    possible_steps: list[str] = Field(
        description="What you can do with it now: sign_off, waive, publish, withdraw, agree (to a withdrawal)."
    )
    dimensions: dict[str, list[str]] = Field(description="What a query may name, with the codes.")
    groups: dict[str, dict[str, list[str]]] = Field(description="Unions of codes for filters.")
    expected_errors: list[Expected]


class Count(BaseModel):
    """One published number."""

    at: dict[str, str]
    count: int
    low: int | None = Field(
        description="With `high`: the true count usually lies between; `reading` says how often."
    )
    high: int | None
    share: Decimal | None = Field(description="Of the total of this answer; absent below 2k.")
    share_low: Decimal | None
    share_high: Decimal | None


class ReleaseCounts(BaseModel):
    """The response to a query: sums of protected cells, and how to read them."""

    release_ids: list[UUID] = Field(description="Every number traces to these.")
    programme: str
    period: str
    k: int
    by: list[str]
    filters: dict[str, list[str]]
    counts: Literal["persons", "person-periods", "searches"] = Field(
        description="`person-periods`: somebody counts once in each of the periods summed."
    )
    total: int
    low: int | None
    high: int | None
    rows: list[Count]
    share_absent_because: str | None = None
    expected_errors: list[Expected]
    reading: str = READING


class ProgrammeView(BaseModel):
    id: str
    title: dict[str, str]
    unit: dict[str, str]
    note: dict[str, str]
    period_kind: str
    k: int
    public_k: int | None
    profile: str
    dimensions: dict[str, dict[str, dict[str, str]]] = Field(
        description="Dimension → code → label per language."
    )
