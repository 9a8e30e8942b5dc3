"""Request and response bodies for the stakeholder endpoints."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from common.http import Strict
from common.words.codelists import organisation_types, pathways
from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator

from reporting.count.context.schemas import Day, InLanguages, Told, Words


def _type(code: str) -> str:
    if code not in organisation_types():
        raise ValueError(f"one of {', '.join(organisation_types())}")
    return code


def _sector(code: str) -> str:
    if code not in pathways():
        raise ValueError(f"one of {', '.join(pathways())}")
    return code


OrganisationType = Annotated[str, AfterValidator(_type)]
Sector = Annotated[str, AfterValidator(_sector)]


class FunctionContact(Strict):
    """How to reach a function, never a private person: the desk, the duty phone, the secretariat."""

    function: InLanguages
    email: (
        Annotated[str, StringConstraints(pattern=r"^[^\s@]+@[^\s@]+$", max_length=200)] | None
    ) = None
    phone: (
        Annotated[str, StringConstraints(pattern=r"^\+?[0-9][0-9 ().-]{2,30}$", max_length=32)]
        | None
    ) = None
    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$", max_length=500)] | None = None

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if not (self.email or self.phone or self.url):
            raise ValueError("give an email, a phone or a url")
        return self


class StakeholderBody(Strict):
    """An institution. Directory data is linked by `organisation_id` and not repeated here."""

    code: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")] = Field(
        description="Yours for it: a row of a file with the same code changes the same entry.",
        examples=["fiscalia-especial"],
    )
    organisation_id: UUID | None = Field(
        None,
        description="Of the directory. Then `name`, `presence` and `contact` stand there, for those"
        " who may see it.",
    )
    name: InLanguages | None = None
    type: OrganisationType = Field(description="Code of the organisation types.", examples=["GOV"])
    sectors: list[Sector] = Field(
        min_length=1, max_length=8, description="Codes of the pathways.", examples=[["TIP", "GBV"]]
    )
    mandate: Told = Field(description="What it is there for, by which law or decision.")
    does: Told = Field(description="What it does, for whom. No numbers of people.")
    presence: list[Annotated[str, StringConstraints(max_length=20)]] | None = Field(
        None,
        max_length=60,
        description="P-codes of the first level, never finer; of a country: all of it.",
        examples=[["VE23"]],
    )
    contact: FunctionContact | None = None
    source: Words = Field(description="Where this was read or who said it.")
    as_of: Day = Field(description="The day that the source tells of.")
    in_bulletin: bool = Field(
        default=False, description="May be printed in bulletins, which anybody reads."
    )


class StakeholderView(BaseModel):
    id: UUID
    version: int
    code: str
    organisation_id: UUID | None
    organisation_entry: str | None = Field(description="Where the directory says the rest.")
    name: InLanguages | None
    type: str
    type_label: dict[str, str]
    sectors: list[str]
    mandate: Told
    does: Told
    presence: list[str] | None
    contact: FunctionContact | None
    source: str
    as_of: date
    in_bulletin: bool
    changed_at: datetime


class StakeholderImport(BaseModel):
    """The result of an import, or of its dry run."""

    rows: int
    created: int
    changed: int
    unchanged: int
