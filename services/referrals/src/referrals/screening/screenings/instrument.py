"""An instrument: ordered questions with conditions, and what their answers indicate. Pure. There is no score: an answer
may indicate, with a grade, one element of the definition of trafficking (act, means, purpose)."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal

from common.words.each import Each
from pydantic import BaseModel, ConfigDict, Field

from referrals.screening.screenings.expressions import Expression, parse

ELEMENTS = ("act", "means", "purpose")
YES = "yes"
NO_ANSWERS = frozenset({"no", "none", "unknown", "skipped"})
"""Values that never indicate anything, in any list."""

QuestionId = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.\-]{0,79}$")]
OptionCode = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^\S+$")]
Grade = Literal["strong", "medium", "weak"]
Element = Annotated[str, Field(pattern=r"^(act|means|purpose)\.[a-z_]{1,40}$|^context$")]


class Labels(Each[Annotated[str, Field(min_length=1, max_length=2_000)]]):
    """A text in Spanish and English; both are required."""

    model_config = ConfigDict(frozen=True)


class Kind(StrEnum):
    """Question types. A note has no answer; a calculation computes its own value."""

    ONE_OF = "one_of"
    MANY_OF = "many_of"
    INTEGER = "integer"
    DECIMAL = "decimal"
    TEXT = "text"
    DATE = "date"
    NOTE = "note"
    CALCULATION = "calculation"


class Role(StrEnum):
    """The roles of questions whose answers the system itself interprets."""

    SAFE_TO_TALK = "safe_to_talk"
    CONSENT = "consent"
    CONSENT_STATISTICS = "consent_statistics"
    AGE = "age"
    AGE_GROUP = "age_group"
    SEX = "sex"
    IMMEDIATE_DANGER = "immediate_danger"
    ORIGIN = "origin"
    TRANSIT = "transit"
    DESTINATION = "destination"


ROLE_VALUES: Mapping[Role, frozenset[str]] = {
    Role.SAFE_TO_TALK: frozenset({YES, "no", "unknown"}),
    Role.CONSENT: frozenset({YES, "no"}),
    Role.CONSENT_STATISTICS: frozenset({YES, "no"}),
    Role.AGE_GROUP: frozenset({"child", "adult", "unknown"}),
    Role.SEX: frozenset({"female", "male", "other", "unknown"}),
    Role.IMMEDIATE_DANGER: frozenset({YES, "no", "unknown"}),
}
"""The values that a role's options may have."""


class Option(BaseModel):
    """An answer option. `value` is what the code means to the system, if that differs from the code."""

    model_config = ConfigDict(frozen=True)

    code: OptionCode
    label: Labels
    value: str | None = None
    element: Element | None = None
    grade: Grade | None = None

    @property
    def means(self) -> str:
        return self.value or self.code


class Question(BaseModel):
    """A question. `needs_review` means that the grade is a proposal that no expert has confirmed yet."""

    model_config = ConfigDict(frozen=True)

    id: QuestionId
    kind: Kind
    label: Labels
    hint: Labels | None = None
    section: Labels | None = None
    options: tuple[Option, ...] = ()
    relevant: str | None = None
    constraint: str | None = None
    calculation: str | None = None
    required: bool = False
    role: Role | None = None
    element: Element | None = None
    grade: Grade | None = None
    needs_review: bool = False
    basis: str | None = None

    @property
    def answerable(self) -> bool:
        return self.kind not in (Kind.NOTE, Kind.CALCULATION)

    def option(self, code: str) -> Option | None:
        return next((each for each in self.options if each.code == code), None)


class Instrument(BaseModel):
    """One version of an instrument. A version never changes."""

    model_config = ConfigDict(frozen=True, ignored_types=(cached_property,))

    code: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.\-]{0,79}$")]
    version: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_.\-]+$")]
    title: Labels
    notice: Labels | None = None
    questions: tuple[Question, ...]

    @cached_property
    def by_id(self) -> dict[str, Question]:
        return {each.id: each for each in self.questions}

    @cached_property
    def conditions(self) -> dict[str, Expression]:
        return {each.id: parse(each.relevant) for each in self.questions if each.relevant}

    @cached_property
    def constraints(self) -> dict[str, Expression]:
        return {each.id: parse(each.constraint) for each in self.questions if each.constraint}

    @cached_property
    def calculations(self) -> dict[str, Expression]:
        return {each.id: parse(each.calculation) for each in self.questions if each.calculation}

    def of_role(self, role: Role) -> Question | None:
        return next((each for each in self.questions if each.role is role), None)


class Unfit(ValueError):
    """The questions do not form a valid instrument; the message gives the violated rule."""

    def __init__(self, question: str | None, message: str) -> None:
        super().__init__(message)
        self.question = question


def check_fit(instrument: Instrument) -> None:
    """Check that safety and consent come first, that the age is asked, and that every condition reads only earlier
    questions."""
    flaw = next(_flaws(instrument), None)
    if flaw is not None:
        raise flaw


def _flaws(instrument: Instrument) -> Iterator[Unfit]:
    yield from _order(instrument)
    yield from _roles(instrument)
    yield from _conditions(instrument)
    if not any(_indicates(each) for each in instrument.questions):
        yield Unfit(None, "no question or option names the element that it indicates")


def _order(instrument: Instrument) -> Iterator[Unfit]:
    asked = [each for each in instrument.questions if each.answerable]
    roles = [each.role for each in asked[:2]]
    if roles != [Role.SAFE_TO_TALK, Role.CONSENT]:
        yield Unfit(
            asked[0].id if asked else None,
            "the first two questions must be whether it is safe to talk now (role safe_to_talk)"
            " and whether the person agrees to be asked (role consent)",
        )
    for question in asked[:2]:
        if question.relevant or question.kind is not Kind.ONE_OF:
            yield Unfit(question.id, "this must be an unconditional choice of one answer")


def _roles(instrument: Instrument) -> Iterator[Unfit]:
    roles = [each.role for each in instrument.questions if each.role]
    for role in sorted({each for each in roles if roles.count(each) > 1}):
        yield Unfit(None, f"two questions have the role {role}")
    if not {Role.AGE, Role.AGE_GROUP} & set(roles):
        yield Unfit(
            None, "no question asks the age (role age or age_group): a child needs no means"
        )
    for question in instrument.questions:
        if question.role is Role.AGE and question.kind is not Kind.INTEGER:
            yield Unfit(question.id, "an age is a whole number")
        allowed = ROLE_VALUES.get(question.role) if question.role else None
        if allowed is None:
            continue
        values = {each.means for each in question.options}
        if not values or not values <= allowed:
            yield Unfit(
                question.id,
                f"its options must stand for some of: {', '.join(sorted(allowed))}"
                " (column ruta_value)",
            )
        elif YES in allowed and YES not in values:
            yield Unfit(question.id, "no option stands for yes (column ruta_value)")


def _conditions(instrument: Instrument) -> Iterator[Unfit]:
    earlier: set[str] = set()
    for question in instrument.questions:
        if question.id in earlier:
            yield Unfit(question.id, f"two questions have the id {question.id}")
        for found in (instrument.conditions, instrument.calculations, instrument.constraints):
            expression = found.get(question.id)
            if expression is None:
                continue
            own = {".", question.id} if found is instrument.constraints else set()
            unknown = expression.names - earlier - own - {"."}
            if unknown:
                yield Unfit(question.id, f"it depends on a later question: {min(unknown)}")
        earlier.add(question.id)


def _indicates(question: Question) -> bool:
    graded = [question.element, *(each.element for each in question.options)]
    return any(each is not None and each != "context" for each in graded)
