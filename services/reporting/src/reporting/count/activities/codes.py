"""Activity code lists: activity codes (from the Venezuelan response plan, and Ruta's own codes for work against
trafficking), types, statuses, kinds of organisation and place. All of them are data."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from common.words.places import folded
from common.words.tables import by_language, rows

from reporting.ground.language import Text

Counts = Literal["participants", "recipients", "items"]
"""Whom ``reached`` counts for a code: people who took part in something open to anybody (participants), people who came
for help (recipients), or nobody (items)."""


@dataclass(frozen=True, slots=True)
class Term:
    """A list entry. ``aliases`` are other spellings that imports accept."""

    code: str
    label: Text
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ActivityCode:
    """An activity code. ``type`` is the usual activity type; a row may name another suitable type (`types_of`).
    ``source`` is the list that contains the code: ``hrp2024`` (OCHA, CC BY) or ``ruta``."""

    code: str
    sector: str
    counts: Counts
    type: str
    label: Text
    source: str


@dataclass(frozen=True, slots=True)
class Column:
    """A workbook column, in both languages."""

    key: str
    label: Text
    required: bool
    hint: Text


@cache
def activity_codes() -> Mapping[str, ActivityCode]:
    return {
        row["code"]: ActivityCode(
            code=row["code"],
            sector=row["sector"],
            counts=_counts(row["counts"]),
            type=row["type"],
            label=dict(by_language(row)),
            source=row["source"],
        )
        for row in rows(__package__, "data/activity_codes")
    }


def _counts(word: str) -> Counts:
    match word:
        case "participants" | "recipients" | "items":
            return word
    raise ValueError(f"activity_codes.csv: {word!r} is no kind of count")


@cache
def types_of(code: str) -> tuple[str, ...]:
    """Return the activity types that fit a code: those of all codes that count the same thing. A service to people is
    not a training, whatever the row says. Return nothing for an unknown code."""
    known = activity_codes().get(code)
    same = {
        each.type for each in activity_codes().values() if known and each.counts == known.counts
    }
    return tuple(name for name in terms("type") if name in same)


@cache
def terms(name: str) -> Mapping[str, Term]:
    """Return the list ``type``, ``status``, ``organisation_type``, ``location_type``, ``sector`` or ``r4v_subsector``,
    in list order."""
    found = {
        row["code"]: Term(
            row["code"],
            dict(by_language(row)),
            tuple(filter(None, row["aliases"].split("|"))),
        )
        for row in rows(__package__, "data/terms")
        if row["list"] == name
    }
    if not found:
        raise LookupError(name)
    return found


def label(name: str, code: str, language: str) -> str:
    """Return a code's label, or the code itself if the list no longer contains it."""
    term = terms(name).get(code)
    return term.label[language] if term else code


@cache
def spellings(name: str) -> dict[str, str]:
    """Return the code of each folded spelling in a list."""
    return {
        folded(word): term.code
        for term in terms(name).values()
        for word in (term.code, *term.label.values(), *term.aliases)
    }


def understood(name: str, word: str) -> str | None:
    """Return the code that a person means by ``word``: a code, a label in any language, or an alias."""
    return spellings(name).get(folded(word))


@cache
def columns() -> tuple[Column, ...]:
    return tuple(
        Column(
            row["key"],
            dict(by_language(row)),
            row["required"] == "yes",
            dict(by_language(row, "hint")),
        )
        for row in rows(__package__, "data/columns")
    )
