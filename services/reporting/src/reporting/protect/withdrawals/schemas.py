"""Request and response bodies for withdrawals."""

from datetime import datetime
from typing import Annotated

from common.http import Strict
from common.words.each import Each
from pydantic import BaseModel, Field, StringConstraints


class Reason(Strict, Each[Annotated[str, StringConstraints(min_length=1, max_length=600)]]):
    """A reason in both languages, for everybody to read."""


class AskWithdrawal(Strict):
    """The reason for a withdrawal."""

    reason: Reason = Field(
        examples=[
            {
                "es": "Una organización registró los mismos casos dos veces.",
                "en": "One organisation recorded the same cases twice.",
            }
        ]
    )


class WithdrawalView(BaseModel):
    """A withdrawal. It is public once a second person has agreed; until then, only people who prepare publications can
    see it."""

    reason: dict[str, str] = Field(description="In each language.")
    asked_at: datetime
    withdrawn_at: datetime | None = Field(description="Absent while it waits for a second person.")
