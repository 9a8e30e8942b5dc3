"""Request and response bodies for timer policies."""

from typing import Annotated, Literal

from common.events.codes import Urgency
from common.http import Strict
from common.words.codelists import pathways
from common.words.enums import enum_of
from pydantic import Field

from referrals.ground.timers.deadlines import Clock

_MINUTES = Field(ge=1, le=525_600)


class PolicyBody(Strict):
    """Deadlines in minutes. The last three count from the missed deadline and must increase."""

    window_minutes: int = _MINUTES
    supervisor_after_minutes: int = _MINUTES
    alternative_after_minutes: int = _MINUTES
    expiry_after_minutes: int = _MINUTES
    working_time: bool = Field(description="Count working days of the country only.")


class PolicyView(PolicyBody):
    aor: Annotated[
        str, enum_of(("*", *pathways()), description="`*`: every area of responsibility.")
    ]
    urgency: Urgency
    clock: Clock
    source: Literal["default", "coordinator"]
