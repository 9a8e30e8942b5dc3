"""Request and response bodies for the anonymous line."""

from datetime import datetime
from typing import Annotated, Literal, get_args
from uuid import UUID

from common.http import Strict
from common.words.each import Each
from common.words.enums import enum_of
from common.words.languages import PageLanguage
from pydantic import AfterValidator, BaseModel, Field

from referrals.case.cases.schemas import NewCase
from referrals.ground.vocabulary import reasons
from referrals.ground.vocabulary.fields import AorCode, PlaceCode
from referrals.listening.line.kinds import kinds
from referrals.listening.line.receipts import digits_of

MAX_TEXT = 5_000
Status = Literal["new", "suspected", "open", "handed_over", "closed", "spam"]


def _known_kind(code: str) -> str:
    if code not in kinds():
        raise ValueError("not a known kind; known: " + ", ".join(kinds()))
    return code


def _digits(typed: str) -> str:
    digits = digits_of(typed)
    if digits is None:
        raise ValueError("a receipt has 20 digits")
    return digits


KnownKind = Annotated[str, AfterValidator(_known_kind)]
KindCode = Annotated[KnownKind, enum_of(kinds(), max_length=40)]
KindTold = Annotated[str, enum_of(kinds())]
StatusTold = Annotated[str, enum_of(get_args(Status))]
Words = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Receipt = Annotated[str, Field(max_length=60), AfterValidator(_digits)]


class NewReport(Strict):
    """A report. `form` is the token of `GET /line/form`; a repeated form creates no second report."""

    form: str = Field(max_length=100)
    kind: KindCode
    text: Words
    area: PlaceCode | None = Field(None, description="Where it happens; kept as the state only.")
    urgent: bool = Field(False, description="Somebody is in danger now.")
    wants_case: bool = Field(
        False, description="The reporter wishes that an organisation takes it up as a case."
    )
    language: PageLanguage = "es"


class LineFormView(BaseModel):
    form: str
    kinds: dict[str, dict[str, str]]
    urgent_told_at: datetime | None = Field(
        None,
        description="By when whoever is on duty is told of an `urgent` report that comes now, whatever it is about;"
        " null: at some desk nobody is. Promise no more than this.",
    )
    longest_text: int = MAX_TEXT


class ReceiptView(BaseModel):
    """A new report's receipt. `receipt` is the only key; nobody can issue another one."""

    receipt: str
    readable_until: datetime


class OpenThread(Strict):
    receipt: Receipt


class ReporterMessage(OpenThread):
    text: Words


class Wish(OpenThread):
    wants_case: bool


class MessageView(BaseModel):
    number: int
    author: Literal["reporter", "desk"]
    at: datetime
    text: str | None = Field(description="Absent where the desk's copy was destroyed.")


class ThreadView(BaseModel):
    kind: KindTold
    status: StatusTold
    wants_case: bool
    received_at: datetime
    readable_until: datetime
    messages: list[MessageView]


class ReportSummary(BaseModel):
    """A report in the queue, without its text."""

    id: UUID
    kind: KindTold
    aor: AorCode
    area: str | None
    urgent: bool
    wants_case: bool
    language: str
    status: StatusTold
    suspected: list[str]
    messages: int
    received_at: datetime
    last_at: datetime
    expires_at: datetime
    taken_by: str | None
    closed_reason: str | None
    handed_to: UUID | None
    handed_basis: str | None
    case_id: UUID | None


class ReportDetail(ReportSummary):
    thread: list[MessageView]
    implicated: list[UUID]


class DeskMessage(Strict):
    text: Words


class Closing(Strict):
    reason: reasons.CloseReport


class Implicated(Strict):
    """Organisations that the report implicates; they can neither see nor receive it."""

    organisation_ids: list[UUID] = Field(max_length=20)


class Rerouting(Strict):
    kind: KindCode
    area: PlaceCode | None = None


class NewLineException(Strict):
    organisation_id: UUID
    basis: Literal["vital_interest", "best_interest", "mandatory_report"]
    rationale: Words


class PreparedAnswer(Each[str]):
    """The beginning of an answer. `kind` is the kind of report that it suits; `*` suits any kind."""

    code: str
    kind: str


class LineExceptionView(BaseModel):
    id: UUID
    report_id: UUID
    organisation_id: UUID
    basis: str
    rationale: str | None
    status: Literal["pending", "approved", "refused"]
    requested_by: str
    requested_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    report: ReportSummary | None = Field(
        None, description="What the queue shows of the report, where it is at your desk."
    )


class Decision(Strict):
    approve: bool


class HandOver(Strict):
    """A hand-over, which needs the reporter's own wish or an `exception_id`."""

    organisation_id: UUID
    exception_id: UUID | None = None


class Declining(Strict):
    reason: reasons.GiveBack


class CaseFromReport(NewCase):
    """The known facts about the person concerned. Nothing is filled in automatically from the report."""
