"""The elements that the answers indicate, and the missing answers. Pure. There is no score, threshold or verdict: the
summary lists answers by element of the definition, with the applicable rules. The screener judges
(docs/screening.md)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from common.events.codes import ReportingAttributes
from common.words.places import Places
from common.words.tables import by_language

from referrals.case.cases.person import age_band
from referrals.screening.screenings.answers import Answers, meaning, relevant, says_yes
from referrals.screening.screenings.instrument import (
    ELEMENTS,
    NO_ANSWERS,
    YES,
    Grade,
    Instrument,
    Kind,
    Labels,
    Question,
    Role,
)
from referrals.screening.screenings.shipped import rules

ADULT_AGE = 18
Strength = Literal["none", "some", "strong"]
AgeGroup = Literal["child", "adult", "unknown"]


@dataclass(frozen=True)
class Indication:
    """One answer that indicates an element. `element` is the detailed code of the element."""

    question: str
    option: str | None
    label: Labels
    element: str
    grade: Grade | None
    needs_review: bool


@dataclass(frozen=True)
class ElementSummary:
    """The summary of an element. `strong`: one answer has that grade; weak answers never add up to it. `needed` False:
    the law requires no indication (the means, for a child)."""

    element: str
    strength: Strength
    needed: bool
    indications: tuple[Indication, ...]
    unanswered: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    id: str
    text: Labels
    basis: str


@dataclass(frozen=True)
class Summary:
    """A summary. `missing` contains the required elements that no answer indicates."""

    age_group: AgeGroup
    elements: tuple[ElementSummary, ...]
    context: tuple[Indication, ...]
    missing: tuple[str, ...]
    rules: tuple[Rule, ...]
    needs_review: bool

    def strength(self, element: str) -> Strength:
        return next(each.strength for each in self.elements if each.element == element)

    @property
    def indicated(self) -> frozenset[str]:
        """Return the detailed codes of all indicated elements."""
        return frozenset(one.element for each in self.elements for one in each.indications)


def summarise(instrument: Instrument, answers: Answers, today: date) -> Summary:
    """Summarise the current answers. An unfinished screening also has a summary."""
    asked = relevant(instrument, answers, today)
    group = age_group(instrument, answers)
    found = [one for question in asked for one in _indications(question, answers)]
    elements = tuple(_element(name, group, asked, found, answers) for name in ELEMENTS)
    return Summary(
        age_group=group,
        elements=elements,
        context=tuple(one for one in found if one.element == "context"),
        missing=tuple(e.element for e in elements if e.needed and e.strength == "none"),
        rules=tuple(_rules(group, {e.element for e in elements if e.strength != "none"}, found)),
        needs_review=any(one.needs_review for one in found),
    )


def age_group(instrument: Instrument, answers: Answers) -> AgeGroup:
    """Return the age group for the stated age in years, or else the chosen group."""
    age = meaning(instrument, answers, Role.AGE)
    if age is not None and age.isdigit():
        return "child" if int(age) < ADULT_AGE else "adult"
    match meaning(instrument, answers, Role.AGE_GROUP):
        case "child":
            return "child"
        case "adult":
            return "adult"
    return "unknown"


def _element(
    name: str, group: AgeGroup, asked: list[Question], found: list[Indication], answers: Answers
) -> ElementSummary:
    mine = tuple(one for one in found if one.element.startswith(f"{name}."))
    strength: Strength = "none"
    if mine:
        strength = "strong" if any(one.grade == "strong" for one in mine) else "some"
    unanswered = tuple(
        question.id
        for question in asked
        if question.answerable and _bears_on(question, name) and not _answered(question, answers)
    )
    return ElementSummary(
        name, strength, not (name == "means" and group == "child"), mine, unanswered
    )


def _bears_on(question: Question, name: str) -> bool:
    codes = [question.element, *(option.element for option in question.options)]
    return any(code is not None and code.startswith(f"{name}.") for code in codes)


def _answered(question: Question, answers: Answers) -> bool:
    """Return whether the question is answered; "does not know" leaves it open."""
    answer = answers.get(question.id)
    if answer is None or answer == []:
        return False
    option = question.option(answer) if isinstance(answer, str) else None
    return option is None or option.means not in ("unknown", "skipped")


def _indications(question: Question, answers: Answers) -> Iterator[Indication]:
    answer = answers.get(question.id)
    if answer is None or not question.answerable:
        return
    chosen = [answer] if isinstance(answer, str) else answer if isinstance(answer, list) else []
    for code in chosen:
        option = question.option(code)
        if option is None or option.means in NO_ANSWERS:
            continue
        if option.element is not None:
            yield Indication(
                question.id, code, option.label, option.element, option.grade, question.needs_review
            )
        elif question.element is not None and (
            option.means == YES or question.kind is Kind.MANY_OF
        ):
            yield Indication(
                question.id,
                code if question.kind is Kind.MANY_OF else None,
                option.label if question.kind is Kind.MANY_OF else question.label,
                question.element,
                question.grade,
                question.needs_review,
            )


def _rules(group: AgeGroup, present: set[str], found: list[Indication]) -> Iterator[Rule]:
    fine = {one.element for one in found}
    applies = {
        "adult_three": group != "child",
        "child_two": group != "adult",
        "consent": group == "child" or "means" in present,
        "purpose_not_completed": "purpose" in present or "act" in present,
        "no_border": bool(present),
        "smuggling": bool(fine & {"act.transportation", "act.transfer"}),
        "indicator_limits": True,
    }
    for row in rules():
        if applies.get(row["id"], False):
            text = Labels(**by_language(row, "rule"))
            yield Rule(row["id"], text, row["basis"])


_AREA_LEVEL = 2


def attributes_of(instrument: Instrument, answers: Answers) -> ReportingAttributes | None:
    """Return the attributes for statistics, or None unless the person agreed."""
    if not says_yes(instrument, answers, Role.CONSENT_STATISTICS):
        return None
    age = meaning(instrument, answers, Role.AGE)
    transit = _place(meaning(instrument, answers, Role.TRANSIT))
    return ReportingAttributes(
        sex=meaning(instrument, answers, Role.SEX) or "unknown",
        age_band=age_band(int(age) if age is not None and age.isdigit() else None),
        origin=_place(meaning(instrument, answers, Role.ORIGIN)),
        transit=(transit,) if transit else (),
        destination=_place(meaning(instrument, answers, Role.DESTINATION)),
    )


def _place(text: str | None) -> str | None:
    """Return a P-code for a municipality or a larger area; None for anything else."""
    places = Places.load()
    if text is None or not places.is_known(text):
        return None
    return places.at_most(text, _AREA_LEVEL)
