"""A pathway as a small graph of steps, as a coordinator writes it and as it is stored. `after` orders steps; steps
without an order between them may run in parallel. A step that is `fallback_of` another step is used only if the primary
step has no suitable service."""

from enum import StrEnum
from typing import Annotated

from common.words.each import Each
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from directory.pathways.definition.conditions import Condition, Hours
from directory.pathways.definition.profile import PLACE, Aor, NeedCode

StepKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
# Sentences need no control characters, and PostgreSQL cannot store a NUL character.
Sentence = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=600,
        pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+$",
    ),
]


class Bilingual(Each[Sentence]):
    """A text in Spanish and English. Both are required."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Urgency(StrEnum):
    """The time within which a step should begin, counted from now."""

    AT_ONCE = "at_once"
    WITHIN_24_HOURS = "within_24_hours"
    WITHIN_72_HOURS = "within_72_hours"
    WITHIN_A_WEEK = "within_a_week"
    ROUTINE = "routine"

    @property
    def hours(self) -> int | None:
        """Return the hours from now, or None if there is no deadline."""
        return _URGENCY_HOURS[self]


_URGENCY_HOURS: dict[Urgency, int | None] = {
    Urgency.AT_ONCE: 0,
    Urgency.WITHIN_24_HOURS: 24,
    Urgency.WITHIN_72_HOURS: 72,
    Urgency.WITHIN_A_WEEK: 168,
    Urgency.ROUTINE: None,
}


class Step(BaseModel):
    """One need of the pathway; `need` is a service category code.

    `window_hours` is a clinical window counted from the incident (72 h, 120 h). People who may not see services for
    `confidential` needs reach them through the intermediary. `intermediary_needs` are the categories of services that
    mediate (by default, the usual ones for the AoR). With them, a plan can say when no mediator is available.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: StepKey
    need: Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z0-9 _-]*$")]
    urgency: Urgency = Urgency.ROUTINE
    window_hours: Hours | None = None
    condition: Condition = Condition()
    after: Annotated[tuple[StepKey, ...], Field(max_length=30)] = ()
    fallback_of: StepKey | None = None
    safety: Annotated[bool, Field(strict=True)] = False
    confidential: Annotated[bool, Field(strict=True)] = False
    intermediary: Bilingual | None = None
    intermediary_needs: Annotated[tuple[NeedCode, ...], Field(max_length=5)] = ()
    note: Bilingual | None = None


class Pathway(BaseModel):
    """A pathway. `entry` lists alternatives: a person enters if one of them is met (see entry.py). An area's pathway
    extends that of the wider area. A step with an inherited key replaces the inherited step, and `omits` removes
    inherited steps (see inheritance.py)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    aor: Aor
    area: Annotated[str, Field(pattern=PLACE)]
    title: Bilingual
    proposal: Annotated[bool, Field(strict=True)] = False
    entry: Annotated[tuple[Condition, ...], Field(max_length=10)] = ()
    focal_point: Bilingual | None = None
    steps: Annotated[tuple[Step, ...], Field(max_length=60)] = ()
    omits: Annotated[tuple[StepKey, ...], Field(max_length=60)] = ()

    def step(self, key: str) -> Step | None:
        return next((step for step in self.steps if step.key == key), None)
