"""Request and response bodies for the work list."""

from datetime import date, datetime
from uuid import UUID

from common.paging import Page
from pydantic import BaseModel, Field

from referrals.ground.vocabulary.facts import decided
from referrals.ground.vocabulary.fields import AorCode, UrgencyCode
from referrals.ground.vocabulary.work_kinds import Verb, WorkKind
from referrals.ground.vocabulary.work_order import Rank
from referrals.referral.escalations.schemas import ToCall
from referrals.telling.todo.headings import Group


class WorkItem(BaseModel):
    """An item that is waiting for you, in ids and codes. Read its content at its own endpoint."""

    kind: WorkKind
    verb: Verb = Field(description="What is to be done with it.")
    rank: Rank = Field(
        Rank.ROUTINE,
        description="By which the list is in order: `first` (an emergency, or somebody may be in "
        "danger), `urgent`, `routine`, `upkeep` (no person waits for it).",
    )
    group: Group = Field(
        description="By its deadline: `overdue`, `today` (until midnight in the home country, at least the "
        "next six hours), `week` (the seven days that begin today), `later`, `no_deadline`."
    )
    due: datetime | None = Field(
        description="By when it is to be done: its deadline, else the default of its kind and urgency, "
        "counted from `since`. A day is its beginning in UTC, and is overdue when it "
        "has ended in the home country."
    )
    since: datetime = Field(description="Since when it waits.")
    ids: dict[str, UUID] = Field(
        description="What it is about, by the name of the parameter that reads it, e.g. "
        "`referral_id`, `case_id`, `service_id`."
    )
    case_reference: str | None = Field(
        description="The code of the case, where it is one of your organisation."
    )
    urgency: UrgencyCode | None
    about: str | None = Field(
        description="A code: the need, the kind of task or report, the basis, the topic."
    )
    aor: AorCode | None
    area: str | None
    state: str | None
    organisation_id: UUID | None = Field(description="The other side, where there is one.")
    reasons: list[str] = Field(description="Why a case needs a look.")


class WorkPage(Page[WorkItem]):
    """The waiting work. The first page of an unfiltered list also contains the organisations that a coordinator should
    call."""

    to_call: list[ToCall] = Field(
        default_factory=list,
        description="For whoever coordinates, where nothing else is asked for: how many organisations are past "
        "a deadline in their areas of responsibility, and were not called.",
    )


class WorkCounts(BaseModel):
    """The amount of work that is waiting for you. `now` is the amount overdue or due today, for a badge."""

    now: int
    by_group: dict[Group, int]
    by_kind: dict[WorkKind, int]


class WorkLoad(BaseModel):
    """One person's work of one kind, in numbers."""

    kind: WorkKind = Field(description="What waits, as in the list.")
    person: str | None = Field(description="Their account; null for work that nobody has yet.")
    count: int = Field(description="How much of it they have.")
    overdue: int = Field(description="So many of them are past their deadline.")
    oldest: datetime = Field(description="Since when the oldest of them waits.")


class CalendarRow(BaseModel):
    """A date in codes: an entry in a case record, or a referral's appointment."""

    id: UUID
    kind: str = Field(description="A kind of entry, or `referral`.")
    on: date = Field(description="The day at home.")
    clock: str | None = Field(None, description="HH:MM at home, if the entry says it.")
    at: datetime | None = Field(None, description="The moment of a referral's appointment.")
    case_id: UUID | None = None
    case_reference: str | None = None
    word: str | None = Field(None, description="By which the team knows the case.")
    referral_id: UUID | None = None


decided("WorkItem", WorkItem.model_fields)
decided("CalendarRow", CalendarRow.model_fields)
