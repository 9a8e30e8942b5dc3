"""Request and response bodies for the entries of a case record."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from common.http import Strict
from common.words.choices import OneOf, words
from common.words.enums import enum_of
from pydantic import BaseModel, Field

from referrals.ground.vocabulary.fields import Name, PlaceCode

MOST_LETTERS = 5000
Text = Annotated[str, Field(min_length=1, max_length=MOST_LETTERS)]
Document = Annotated[str, OneOf("entry_codes", list="document")]
_INCIDENT = "As the GBV information management system (GBVIMS) codes an incident."


class EntryContent(Strict):
    """The content of an entry, sealed under the case key. `entry_kinds.csv` lists the fields of each kind."""

    text: Text | None = Field(
        None, description="Free text, sealed. It leaves the organisation on no road."
    )
    level: Annotated[str, OneOf("entry_codes", list="level")] | None = None
    incident_type: Annotated[str, OneOf("entry_codes", list="incident_type")] | None = Field(
        None, description=_INCIDENT
    )
    happened_on: date | None = Field(None, description="The day of the incident.")
    time_of_day: Annotated[str, OneOf("entry_codes", list="time_of_day")] | None = Field(
        None, description="When on that day."
    )
    setting: Annotated[str, OneOf("entry_codes", list="setting")] | None = Field(
        None, description="Where it happened, as a kind of place."
    )
    perpetrator: Annotated[str, OneOf("entry_codes", list="perpetrator")] | None = Field(
        None, description="How the person knows who did it."
    )
    perpetrators: int | None = Field(None, ge=1, le=99, description="How many.")
    reported: Annotated[str, OneOf("entry_codes", list="reported")] | None = Field(
        None, description="Whether it was reported elsewhere before."
    )
    area: PlaceCode | None = None
    relation: Annotated[str, OneOf("entry_codes", list="relation")] | None = None
    name: Name | None = None
    age: int | None = Field(None, ge=0, le=120)
    clock: str | None = Field(
        None, pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="HH:MM at home."
    )
    place: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    document: Document | None = None


class ChangedEntry(EntryContent):
    """New content that replaces the current content."""

    due_on: date | None = Field(None, description="When it is due; it is then in the work list.")
    expected_version: int = Field(
        ge=1, description="The version that you read; 409 if somebody changed it since."
    )


class NewEntry(EntryContent):
    """A new entry. Upload pictures to `/attachments` instead."""

    kind: Annotated[str, OneOf("entry_kinds")] = Field(description="Which kind of entry it is.")
    due_on: date | None = Field(None, description="When it is due; it is then in the work list.")
    linked_case_id: UUID | None = Field(
        None,
        description="A case of your own organisation, of this family member. Each case keeps its own consents.",
    )


class EntryView(BaseModel):
    """An entry. `content` is absent if somebody took back the entry."""

    id: UUID
    kind: Annotated[str, enum_of(words("entry_kinds"))]
    version: int
    content: EntryContent | None
    due_on: date | None
    done_at: datetime | None
    linked_case_id: UUID | None = Field(description="The case of this family member.")
    linked_reference: str | None = Field(
        None, description="The code of the linked case, while your organisation holds it."
    )
    has_file: bool = Field(description="Whether `/picture` has its picture.")
    created_at: datetime
    created_by: str = Field(description="Account of the person or client that wrote it.")
    changed_at: datetime
    changed_by: str = Field(description="Account that changed it last.")
    taken_back_at: datetime | None = Field(description="When what it said was destroyed.")
