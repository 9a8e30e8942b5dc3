"""Derives needs from a summary, and a profile for the directory's pathways. Pure. `data/needs.csv` defines which
answers suggest which need."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from common.words.tables import by_language

from referrals.screening.screenings.answers import Answers, meaning
from referrals.screening.screenings.expressions import Expression, Value, parse
from referrals.screening.screenings.instrument import YES, Instrument, Labels, Role
from referrals.screening.screenings.shipped import rows
from referrals.screening.screenings.summary import Summary


@dataclass(frozen=True)
class SuggestedNeed:
    """A service category, its urgency, and the reason."""

    need: str
    urgency: str
    because: Labels


def suggest(instrument: Instrument, answers: Answers, summary: Summary) -> list[SuggestedNeed]:
    """Return needs in the table's order, each once, with its first reason."""
    values = _values(instrument, answers, summary)
    found: dict[str, SuggestedNeed] = {}
    for row, when in _table("needs"):
        if when.holds(values):
            because = Labels(**by_language(row, "reason"))
            found.setdefault(row["need"], SuggestedNeed(row["need"], row["urgency"], because))
    return list(found.values())


def profile(
    instrument: Instrument, answers: Answers, summary: Summary, area: str | None
) -> dict[str, Any] | None:
    """Return the request body for `/directory/v1/pathways/resolve`: codes and numbers, no identity; None without a
    place."""
    if area is None:
        return None
    values = _values(instrument, answers, summary)
    age = meaning(instrument, answers, Role.AGE)
    sex = meaning(instrument, answers, Role.SEX)
    danger = meaning(instrument, answers, Role.IMMEDIATE_DANGER)
    found: dict[str, Any] = {
        "area": area,
        "age": int(age) if age is not None and age.isdigit() else None,
        "sex": sex if sex in ("female", "male", "other") else None,
        "situations": [
            row["situation"] for row, when in _table("situations") if when.holds(values)
        ],
        "needs": [each.need for each in suggest(instrument, answers, summary)],
        "immediate_danger": {"yes": True, "no": False}.get(danger or ""),
    }
    return {name: value for name, value in found.items() if value is not None}


def _values(instrument: Instrument, answers: Answers, summary: Summary) -> dict[str, Value]:
    """Return the values that the table's conditions use: indicated elements and questions, and facts."""
    indicated = dict.fromkeys(summary.indicated, YES)
    questions = {
        one.question: YES
        for each in (*(e.indications for e in summary.elements), summary.context)
        for one in each
    }
    return {
        **indicated,
        **questions,
        "indications": YES if summary.indicated else "no",
        "age_group": summary.age_group,
        "immediate_danger": meaning(instrument, answers, Role.IMMEDIATE_DANGER) or "unknown",
    }


@cache
def _table(name: str) -> tuple[tuple[Mapping[str, str], Expression], ...]:
    return tuple((row, parse(row["when"])) for row in rows(name))
