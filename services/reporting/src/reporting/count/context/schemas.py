"""Request and response bodies for the outside-series endpoints."""

from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from common.http import Strict
from common.words.each import Each
from pydantic import Field, StringConstraints

from reporting.count.context.series_file import MOST_POINTS

Words = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Day = Annotated[date, Field(ge=date(1990, 1, 1), le=date(2100, 1, 1))]


class InLanguages(Strict, Each[Words]):
    pass


class Told(Strict, Each[Annotated[str, StringConstraints(min_length=1, max_length=600)]]):
    """A few sentences in both languages."""


class PointBody(Strict):
    day: Day
    area: Annotated[str | None, StringConstraints(max_length=20)] = Field(
        None, description="P-code; absent: the whole country."
    )
    value: Annotated[Decimal, Field(ge=-(10**12), le=10**12, max_digits=20, decimal_places=6)]


class Provenance(Strict):
    """A series and its source. All fields except the method are required."""

    code: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")] = Field(
        examples=["acaps-risk-index"]
    )
    title: InLanguages
    unit: InLanguages
    source: Words = Field(description="Who publishes it.")
    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$", max_length=500)]
    licence: Words = Field(examples=["CC BY 4.0"])
    retrieved_on: Day
    method: Words | None = Field(None, description="How it was measured or changed on the way.")


class SeriesBody(Provenance):
    """A series as its source publishes it, with its provenance."""

    points: list[PointBody] = Field(min_length=1, max_length=MOST_POINTS)


class SeriesView(SeriesBody):
    id: UUID
    edition: int
