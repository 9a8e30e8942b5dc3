"""Response bodies of the caseload endpoint: exact numbers, only on screen."""

from pydantic import BaseModel, Field

from reporting.count.indicators.schemas import NOTICE


class CaseloadRow(BaseModel):
    """One counter for one month."""

    scope: str = Field(description="holder, giver, receiver; line for the anonymous line")
    month: str
    area: str = Field(description="First-level P-code, or unknown")
    what: str = Field(
        description="case_registered, case_closed, case_closed:REASON, transfer_offered,"
        " transfer_accepted, transfer_declined, transfer_recalled, line_report"
    )
    kind: str | None = Field(description="Of a report of the line")
    count: int


class Caseload(BaseModel):
    """Your organisation's caseload. For coordinators and the IM role, it also contains reports on the anonymous
    line."""

    first: str
    last: str
    rows: list[CaseloadRow]
    notice: str = NOTICE
