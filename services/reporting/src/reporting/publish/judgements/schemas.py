"""Request and response bodies for the judgement endpoints."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

from common.http import Strict
from pydantic import BaseModel, Field, StringConstraints, model_validator

from reporting.count.context.schemas import Day, Told
from reporting.publish.judgements.tree import PLACES, Place

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
Codes = Annotated[
    list[Annotated[str, StringConstraints(max_length=60)]], Field(min_length=1, max_length=50)
]


class FigureBasis(Strict):
    """A figure from a published release: the count over the cells that `where` keeps."""

    kind: Literal["figure"]
    release: UUID
    where: dict[str, Codes] = Field(
        default_factory=dict,
        max_length=10,
        description="Dimension → codes, as when asking the release; empty: its total.",
        examples=[{"area": ["VE23"]}],
    )


class SeriesBasis(Strict):
    """A point in an edition of an outside series."""

    kind: Literal["series"]
    series: UUID = Field(description="Id of an edition.")
    day: Day
    area: Annotated[str, StringConstraints(max_length=20)] | None = None


class NoDataBasis(Strict):
    """An expert judgement without data; it cannot be combined with other sources."""

    kind: Literal["judgement"]


Basis = Annotated[FigureBasis | SeriesBasis | NoDataBasis, Field(discriminator="kind")]


class StatementBody(Strict):
    """A statement in a problem tree or a SWOT, with its sources."""

    analysis: Slug = Field(description="What belongs together.", examples=["trata-2027"])
    place: Place = Field(description="Where in the problem tree, or which list of the SWOT.")
    parent: UUID | None = Field(
        None,
        description="In a tree: a cause or effect stands beneath the core problem or another of"
        " its kind.",
    )
    text: Told = Field(
        description="About the context, never a person. A number in it is one of `basis`, written"
        " as it stands there with its interval."
    )
    basis: list[Basis] = Field(min_length=1, max_length=6, examples=[[{"kind": "judgement"}]])

    @model_validator(mode="after")
    def _alone(self) -> Self:
        if len(self.basis) > 1 and any(each.kind == "judgement" for each in self.basis):
            raise ValueError("a judgement without data cites nothing beside it")
        if (self.parent is not None) != bool(PLACES[self.place]):
            raise ValueError(
                f"a {self.place} has "
                + (f"a parent: {' or '.join(PLACES[self.place])}" if PLACES[self.place] else "none")
            )
        return self


class CitedView(BaseModel):
    """A statement's source, as it was published."""

    basis: Basis
    source: dict[str, str] = Field(description="The programme and period, or the series.")
    value: int | Decimal | None
    low: int | None
    high: int | None
    written: dict[str, str] = Field(description="As it may be typed in the text.")
    superseded: bool = Field(description="Something newer of the same was published since.")


class StatementView(BaseModel):
    id: UUID
    version: int
    analysis: str
    place: Place
    parent: UUID | None
    text: Told
    cited: list[CitedView]
    without_data: bool
    state: Literal["draft", "agreed"]
    to_be_reviewed: bool = Field(description="What it cites is superseded.")
    written_at: datetime
    written_by: str | None = Field(description="For those who prepare reports.")
    organisation_id: UUID = Field(description="Whose person wrote it.")
    agreed_at: datetime | None
    agreed_by: str | None = Field(description="For those who prepare reports.")
