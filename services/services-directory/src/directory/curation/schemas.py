"""Request and response bodies for the curation endpoints."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from common.events.codes import Visibility
from common.http import Strict
from pydantic import BaseModel, Field, computed_field

from directory.ground.entries.schemas import EntryStateCode
from directory.ground.old_spelling import OfOrganisation, old_spelling_of


class ChangeOut(BaseModel):
    """One changed field. The first row of an entry has an empty pointer and contains the whole entry."""

    version: int
    pointer: str
    old: Any | None = None
    new: Any | None = None
    client_id: str
    organisation_id: UUID | None
    at: datetime


class ReadOut(BaseModel):
    client_id: str
    organisation_id: UUID | None
    route: str
    at: datetime


class AnyReadOut(ReadOut):
    service_id: UUID | None = Field(description="Null: the log itself was read, by an auditor.")


class ReminderOut(OfOrganisation):
    id: UUID
    service_id: UUID
    name: str
    aors: list[str]
    kind: Literal["verification_due", "verification_expired", "capacity_doubted"] = Field(
        description="`capacity_doubted`: it declined a referral for want of capacity and is not shown as full."
    )
    due_on: date
    mailbox_refused: bool = Field(
        description="Mail to the organisation came back: nobody there reads that its entries run out until its"
        " own entry shows another mailbox."
    )


class DuplicateOut(OfOrganisation):
    id: UUID
    name: str
    state: EntryStateCode
    likeness: float = Field(description="Trigram similarity of the names, 0 to 1.")
    same_phone: bool
    same_place: bool
    same_organisation: bool
    mergeable: bool = Field(description="You may merge the two.")

    @computed_field(**old_spelling_of("same_organisation"))  # type: ignore[prop-decorator]
    @property
    def same_organization(self) -> bool:
        return self.same_organisation


class DuplicatesOut(BaseModel):
    items: list[DuplicateOut]


class MergeIn(Strict):
    """The remaining entry. The entry in the path ends; its id and its external ids then lead to the remaining entry."""

    into: UUID


class HouseOut(OfOrganisation):
    """A possible safe house. Until it is reviewed, verified organisations see it without its place."""

    id: UUID = Field(description="Id of the service or of the organisation.")
    kind: Literal["service", "organization"] = Field(description="What it is an entry of.")
    name: str = Field(description="Its name.")
    organisation: str | None = Field(
        default=None,
        description="The name of the organisation, where verified organisations may know it.",
    )
    visibility: Visibility = Field(
        default="partners",
        description="Its own level: who sees it once you say that it is no safe house.",
    )
    words: list[str] = Field(description="The words by which it may be one.")
    since: datetime = Field(description="Since when it waits for a look.")

    @computed_field(**old_spelling_of("organisation"))  # type: ignore[prop-decorator]
    @property
    def organization(self) -> str | None:
        return self.organisation


class HouseIn(Strict):
    """A reviewer's decision."""

    is_house: bool = Field(
        description="True: its place stays hidden, as `restricted`. False: it is shown as its own level says."
    )
    words: list[str] = Field(
        max_length=500, description="The words that you saw. 409 if there are others by now."
    )
