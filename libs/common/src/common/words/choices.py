"""The codes that people choose from: reasons, items of a referral, urgencies, states … Pure.

Each code is one row of a table in `data/codelists`, with its labels, the places where it is offered, and how it is
counted. Forms, API bodies, stored counters and texts are generated from the row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic_core.core_schema import CoreSchema, literal_schema

from common.words.codelists import Code, rows
from common.words.tables import by_language

Known = TypeVar("Known", bound=str)


@cache
def words(table: str) -> Mapping[str, Mapping[str, str]]:
    return MappingProxyType({row["code"]: row for row in rows(table)})


def words_of(table: str, codes: Iterable[Known]) -> dict[Known, Mapping[str, str]]:
    """Return the rows with the module's own constants as keys. Raise LookupError that lists codes without a row and
    rows without a constant."""
    known = {str(code): code for code in codes}
    if odd := sorted(known.keys() ^ words(table).keys()):
        raise LookupError(f"{table}.csv and the code differ in {', '.join(odd)}")
    return {known[code]: row for code, row in words(table).items()}


@dataclass(frozen=True, slots=True)
class Reason(Code):
    offered: frozenset[str]
    """Where people can choose it: in a referral, a transfer, an answer link, the line …"""
    counter: int | None
    """Its fixed position in the stored counts, if its list is counted."""
    ask_again_days: str
    """For declining: after how many days the service is suggested to this person again, or `never`."""


@dataclass(frozen=True, slots=True)
class ItemWord(Code):
    """An item of a referral. Recipients read items in this order."""

    asked: int | None
    """Its position in the consent form. None: it is typed separately for each referral."""
    reaches: bool
    """Whether it lets a service contact the person."""
    in_sentence: Mapping[str, str]
    """Its name within a sentence to the person, by language."""


@cache
def reasons(of: str) -> Mapping[str, Reason]:
    """Return the reasons in a list by code, in the order of the forms. Raise LookupError for an unknown list."""
    found = {
        row["code"]: Reason(
            row["code"],
            by_language(row),
            frozenset(row["offered"].split()),
            int(row["counter"]) if row["counter"] else None,
            row["ask_again_days"],
        )
        for row in rows("reasons")
        if row["list"] == of
    }
    if not found:
        raise LookupError(f"no list of reasons: {of}")
    return MappingProxyType(found)


def entry_codes(of: str) -> tuple[str, ...]:
    """Return the codes of one list that entries of a case record use, in order."""
    return tuple(row["code"] for row in rows("entry_codes") if row["list"] == of)


def offered(of: str, by: str) -> tuple[str, ...]:
    """Return the codes of a list that are offered in this place, in order."""
    return tuple(code for code, reason in reasons(of).items() if by in reason.offered)


@dataclass(frozen=True)
class OneOf:
    """The type of a code in API bodies: `Annotated[str, OneOf("decline", "referral")]`. Without `by`, it allows all
    values in a column of a table, or in one `list` of the table."""

    of: str
    by: str = ""
    column: str = "code"
    list: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        if self.by:
            return literal_schema(list(offered(self.of, self.by)))
        held = (row for row in rows(self.of) if not self.list or row["list"] == self.list)
        return literal_schema([*dict.fromkeys(row[self.column] for row in held)])


def counted(of: str, places: int) -> Mapping[str, int]:
    """Return the counter position of each code, and the last position for `other`. Raise ValueError if a code has no
    position of its own or if its position is out of range."""
    found = {
        code: -1 if each.counter is None else each.counter for code, each in reasons(of).items()
    }
    if len({*found.values()}) < len(found) or any(
        not 0 <= at < places - 1 for at in found.values()
    ):
        raise ValueError(
            f"reasons.csv: the counter of each reason to {of} is its own and below {places - 1}"
        )
    return MappingProxyType({**found, "other": places - 1})


@cache
def items() -> Mapping[str, ItemWord]:
    """Return the items by code, in the order in which recipients read them."""
    return MappingProxyType(
        {
            row["code"]: ItemWord(
                row["code"],
                by_language(row),
                int(row["asked"]) if row["asked"] else None,
                row["reaches"] == "yes",
                by_language(row, "in_sentence"),
            )
            for row in rows("items")
        }
    )


def in_sentence(item: str, language: str) -> str:
    """Return an item's name for use within a sentence, or the code itself if the item no longer exists."""
    word = items().get(item)
    return word.in_sentence[language] if word else item


_CALLED = {
    ("case_words", "label"): "case_word",
    ("channels", "label"): "word",
    ("entry_kinds", "label"): "entry",
    ("items", "label"): "item",
    ("page_languages", "label"): "word",
    ("referral_states", "did"): "did.referral",
    ("referral_states", "label"): "state",
    ("referral_states", "late"): "late.state",
    ("task_kinds", "asks"): "task",
    ("task_kinds", "label"): "about",
    ("urgencies", "label"): "urgency",
    ("visibility_levels", "seen"): "visibility",
    ("work_kinds", "label"): "kind",
}
"""Table and column → prefix of the keys of its texts."""


@cache
def texts(language: str) -> Mapping[str, str]:
    """Return the page labels by `code.LIST.CODE`, `item.CODE`, `state.CODE` …"""
    found = {
        f"code.{row['list']}.{row['code']}": row[f"label_{language}"]
        for table in ("reasons", "entry_codes")
        for row in rows(table)
    }
    for (table, column), called in _CALLED.items():
        said = ((row["code"], row[f"{column}_{language}"]) for row in rows(table))
        found |= {f"{called}.{code}": text for code, text in said if text}
    return found
