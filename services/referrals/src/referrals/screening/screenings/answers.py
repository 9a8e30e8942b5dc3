"""Skip logic and answer validation. Pure; no message ever repeats an answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from referrals.screening.screenings.expressions import CURRENT, TODAY, Value, text_of
from referrals.screening.screenings.instrument import YES, Instrument, Kind, Question, Role

Answer = str | int | float | list[str]
Answers = Mapping[str, Answer]

MAX_TEXT = 4_000
_EARLIEST = date(1900, 1, 1)


@dataclass(frozen=True)
class Flaw:
    """An invalid answer to a question."""

    question: str
    code: str
    detail: str


@dataclass(frozen=True)
class Standing:
    """The state of a screening: its relevant questions, and which of them lack an answer."""

    relevant: tuple[str, ...]
    open: tuple[str, ...]
    required: tuple[str, ...]

    @property
    def next(self) -> str | None:
        return self.open[0] if self.open else None


def checked(instrument: Instrument, given: Mapping[str, Any], today: date) -> list[Flaw]:
    """Return the errors in single answers: unknown questions and codes, wrong types, impossible dates."""
    flaws = []
    for name, value in given.items():
        question = instrument.by_id.get(name)
        if question is None:
            flaws.append(Flaw(name, "unknown_question", "The instrument has no such question."))
        elif not question.answerable:
            flaws.append(Flaw(name, "no_answer_here", "This question takes no answer."))
        elif (found := _wrong(question, value, today)) is not None:
            flaws.append(Flaw(name, *found))
    return flaws


def irrelevant(
    instrument: Instrument, answers: Answers, given: Iterable[str], today: date
) -> list[Flaw]:
    """Return the answers in `given` whose question is not asked, given all current answers."""
    asked = {each.id for each in relevant(instrument, answers, today)}
    return [
        Flaw(name, "not_asked", "By the other answers this question is not asked.")
        for name in given
        if name not in asked
    ]


def broken_constraints(instrument: Instrument, answers: Answers, today: date) -> list[Flaw]:
    values = values_of(instrument, answers, today)
    return [
        Flaw(name, "constraint", "The instrument does not allow this answer.")
        for name, constraint in instrument.constraints.items()
        if name in answers and not constraint.holds({**values, CURRENT: values.get(name, "")})
    ]


def kept(instrument: Instrument, answers: Answers, today: date) -> dict[str, Answer]:
    """Return the answers whose questions are still asked."""
    asked = {each.id for each in relevant(instrument, answers, today)}
    return {name: value for name, value in answers.items() if name in asked}


def relevant(instrument: Instrument, answers: Answers, today: date) -> list[Question]:
    """Return the questions to ask, in order. For conditions, a skipped question counts as unanswered."""
    return [question for question, _ in _walk(instrument, answers, today)]


def values_of(instrument: Instrument, answers: Answers, today: date) -> dict[str, Value]:
    """Return the values that conditions use: answers to relevant questions, and calculations."""
    values: dict[str, Value] = {TODAY: today.isoformat()}
    for question, value in _walk(instrument, answers, today):
        if value is not None:
            values[question.id] = value
    return values


def standing(instrument: Instrument, answers: Answers, today: date) -> Standing:
    asked = [each for each in relevant(instrument, answers, today) if each.answerable]
    waiting = [each for each in asked if each.id not in answers]
    return Standing(
        tuple(each.id for each in asked),
        tuple(each.id for each in waiting),
        tuple(each.id for each in waiting if each.required),
    )


def meaning(instrument: Instrument, answers: Answers, role: Role) -> str | None:
    """Return the meaning of the answer to the question with this role; None without an answer."""
    question = instrument.of_role(role)
    answer = answers.get(question.id) if question else None
    if question is None or answer is None:
        return None
    option = question.option(answer) if isinstance(answer, str) else None
    return option.means if option else text_of(_value(answer))


def says_yes(instrument: Instrument, answers: Answers, role: Role) -> bool:
    return meaning(instrument, answers, role) == YES


def _walk(
    instrument: Instrument, answers: Answers, today: date
) -> Iterable[tuple[Question, Value | None]]:
    seen: dict[str, Value] = {TODAY: today.isoformat()}
    for question in instrument.questions:
        condition = instrument.conditions.get(question.id)
        if condition is not None and not condition.holds(seen):
            continue
        value: Value | None = None
        if question.id in instrument.calculations:
            value = instrument.calculations[question.id].evaluate(seen)
        elif question.id in answers:
            value = _value(answers[question.id])
        if value is not None:
            seen[question.id] = value
        yield question, value


def _value(answer: Answer) -> Value:
    if isinstance(answer, list):
        return " ".join(answer)
    return float(answer) if isinstance(answer, int | float) else answer


def _wrong(question: Question, value: Any, today: date) -> tuple[str, str] | None:
    match question.kind:
        case Kind.ONE_OF:
            return _wrong_code(question, value)
        case Kind.MANY_OF:
            return _wrong_codes(question, value)
        case Kind.INTEGER:
            return _wrong_integer(question, value)
        case Kind.DECIMAL:
            fits = isinstance(value, int | float) and not isinstance(value, bool)
            return None if fits and abs(value) < 1e12 else ("wrong_type", "A number is expected.")
        case Kind.DATE:
            return _wrong_date(value, today)
        case _:
            return _wrong_text(value)


def _wrong_code(question: Question, value: Any) -> tuple[str, str] | None:
    if not isinstance(value, str):
        return "wrong_type", "The code of one option is expected."
    return None if question.option(value) else ("unknown_code", _codes(question))


def _wrong_codes(question: Question, value: Any) -> tuple[str, str] | None:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return "wrong_type", "A list of codes of options is expected."
    if len(set(value)) != len(value):
        return "repeated_code", "An option is there twice."
    return None if all(map(question.option, value)) else ("unknown_code", _codes(question))


def _codes(question: Question) -> str:
    return f"The codes are: {', '.join(each.code for each in question.options)}."


def _wrong_integer(question: Question, value: Any) -> tuple[str, str] | None:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 10**12:
        return "wrong_type", "A whole number is expected."
    if question.role is Role.AGE and not 0 <= value <= 120:
        return "out_of_range", "An age lies between 0 and 120."
    return None


def _wrong_date(value: Any, today: date) -> tuple[str, str] | None:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        day = None
    if day is None:
        return "bad_date", "A date is written YYYY-MM-DD and exists."
    if day < _EARLIEST or day.year > today.year + 20:
        return "impossible_date", "The date is too far away to be meant."
    return None


def _wrong_text(value: Any) -> tuple[str, str] | None:
    if not isinstance(value, str):
        return "wrong_type", "A text is expected."
    if len(value) > MAX_TEXT:
        return "too_long", f"A text has at most {MAX_TEXT} characters."
    return None
