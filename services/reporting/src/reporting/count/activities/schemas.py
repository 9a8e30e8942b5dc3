"""Request and response bodies for the activity endpoints."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from common.http import Strict
from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from reporting.count.activities.rules import EARLIEST, MAX_COUNT

Name = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=60)]
Count = Annotated[int, Field(ge=0, le=MAX_COUNT, strict=True)]
Day = Annotated[date, Field(ge=EARLIEST, le=date(2100, 1, 1))]


def _month(value: Any) -> Any:
    return f"{value}-01" if isinstance(value, str) and len(value) == len("2026-11") else value


class ActivityBody(Strict):
    """A 5W row, with the workbook's column names."""

    external_id: Code = Field(examples=["2026-11-001"])
    report_month: Annotated[Day | None, BeforeValidator(_month)] = Field(
        None,
        description="A day of the month, or YYYY-MM; the month of the start if absent.",
        examples=["2026-11-01"],
    )
    type: Code | None = Field(None, description="The usual type of the code if absent.")
    activity_code: Code = Field(examples=["TIP/TRN"])
    activity_detail: Name | None = None
    org_leader: Name
    org_leader_type: Code = Field(examples=["NNGO"])
    org_implementer: Name | None = None
    org_implementer_type: Code | None = None
    project_code: Name | None = None
    project_name: Name | None = None
    adm1_pcode: Code = Field(examples=["VE23"])
    adm2_pcode: Code | None = None
    adm3_pcode: Code | None = None
    tlocation: Code | None = None
    location_name: Name | None = None
    start: Day
    end: Day | None = None
    status: Code = Field(examples=["Completed"])
    quantity: Count | None = None
    women: Count | None = None
    men: Count | None = None
    girls: Count | None = None
    boys: Count | None = None
    other_adults: Count | None = None
    other_children: Count | None = None
    reached: Count | None = None


class ActivityView(ActivityBody):
    """A recorded activity. `masked` means that numbers or the place are hidden from you; an empty value is not zero."""

    id: UUID
    organisation_id: UUID
    version: int
    changed_at: datetime
    masked: bool


class RowProblem(BaseModel):
    """An error in a file, written for the person who filled it in."""

    row: int = Field(description="Row number in the file, 1 is the first.")
    column: str
    code: str
    message: dict[str, str]


class ImportReport(BaseModel):
    """The result of an import. If `problems` is not empty, nothing was written."""

    import_id: UUID | None
    rows: int
    created: int
    changed: int
    unchanged: int
    problems: list[RowProblem]


class TargetBody(Strict):
    plan: Code = Field(examples=["2026"])
    indicator: Code = Field(examples=["people-trained"])
    area: Code | None = Field(None, description="P-code; absent: everywhere.")
    start: Day
    end: Day
    target: Annotated[int, Field(ge=1, le=MAX_COUNT, strict=True)]


class TargetView(TargetBody):
    id: UUID


class ProgressView(BaseModel):
    """Progress towards a target. `share` 1 means that the target is reached."""

    target: TargetView
    until: date
    done: int
    share: Decimal


class IndicatorView(BaseModel):
    """An indicator on the allow-list. Only these numbers are published exactly."""

    code: str
    activity_type: str
    measure: str
    label: dict[str, str]


class Unreported(BaseModel):
    """An organisation that reported before but has no activity in a month."""

    organisation_id: UUID
    last_month: date = Field(description="The last month that it reported.")


class IndicatorValue(BaseModel):
    indicator: str
    area: str | None
    start: date
    end: date
    value: int


Word = Annotated[str, StringConstraints(max_length=500)]


class ColumnBody(Strict):
    """A column of another layout, and our column to which it maps."""

    name: Word = Field(description="As it stands in the file.", examples=["Implementing_partner"])
    field: Code | None = Field(None, description="Absent: this column is ignored.")


class MappingBody(Strict):
    """How to read files with a certain layout."""

    columns: list[ColumnBody] = Field(
        min_length=1, max_length=120, description="All columns of the file, in its order."
    )
    words: dict[Code, Annotated[dict[Word, Word], Field(max_length=2_000)]] = Field(
        default_factory=dict,
        max_length=30,
        description="Field → word of the file → our code; an empty code leaves the cell empty.",
        examples=[{"adm1_pcode": {"Zulia": "VE23"}, "reached": {"<10": ""}}],
    )
    fixed: dict[Code, Name] = Field(
        default_factory=dict,
        max_length=30,
        description="Field → the value of all rows, for fields that the file does not have.",
        examples=[{"status": "Completed"}],
    )


class MappingView(MappingBody):
    """A confirmed mapping."""

    layout: str = Field(description="The SHA-256 of the file's column names.")


class FieldView(BaseModel):
    """A column of our own layout."""

    field: str
    label: dict[str, str]
    required: bool


class ProposedMapping(MappingView):
    """A proposal; nothing is stored. Review it, complete it, and confirm it."""

    unknown: dict[str, list[str]] = Field(
        description="Field → words without a proposal. Rows with them are refused until they have a code."
    )
    missing: list[str] = Field(description="Required fields without a column or a fixed value.")
    confirmed: bool = Field(description="Whether your organisation has confirmed this layout.")
    fields: list[FieldView] = Field(description="What a column can be, in the template's order.")
