"""How to read another 5W layout: which columns map to our columns, and which words to our codes. A person confirms a
mapping once for each layout; after that, files with that layout are imported like the template. Pure."""

import hashlib
from collections.abc import Mapping as Mapped
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reporting.count.activities import codes
from reporting.count.activities.activity import FIELDS
from reporting.count.activities.indicators import GROUPS
from reporting.count.activities.rules import LISTS

COUNTS = frozenset({"quantity", "reached", *GROUPS})
CODED = frozenset({*LISTS, "activity_code", "adm1_pcode", "adm2_pcode", "adm3_pcode"})
"""The fields whose words a mapping may translate, besides counts, whose masked words ("<10") become empty."""
NEVER_FIXED = COUNTS | {"external_id", "activity_code", "adm1_pcode"}


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping. ``columns`` maps each file column, in file order, to our field; None ignores the column. ``words``
    maps file words to our codes, by field; an empty code leaves the cell empty. ``fixed`` contains values for fields
    that the file lacks."""

    columns: tuple[tuple[str, str | None], ...]
    words: Mapped[str, Mapped[str, str]]
    fixed: Mapped[str, str]

    @property
    def fields(self) -> tuple[str | None, ...]:
        return tuple(field for _, field in self.columns)

    def word(self, field: str, cell: Any) -> Any:
        """Return the cell, translated to our code."""
        return self.words.get(field, {}).get(str(cell).strip(), cell)


def layout(header: Sequence[str]) -> str:
    """Return the id of a file's layout: the SHA-256 of its column names."""
    return hashlib.sha256("\x1f".join(header).encode()).hexdigest()


def missing(mapping: Mapping) -> tuple[str, ...]:
    """Return the required fields for which there is neither a column nor a fixed value. The month can replace the
    start, and the row's content can replace its number."""
    given = {*mapping.fields, *mapping.fixed, "external_id"}
    if "report_month" in given:
        given.add("start")
    return tuple(c.key for c in codes.columns() if c.required and c.key not in given)


def flaws(mapping: Mapping) -> list[tuple[str, str, str]]:
    """Return the errors in a mapping that somebody is confirming, each as (pointer, sentence code, parameter)."""
    found = []
    named = [field for field in mapping.fields if field]
    for number, (_, field) in enumerate(mapping.columns):
        if field and (field not in FIELDS or named.count(field) > 1):
            found.append((f"/columns/{number}/field", "use_one_of_each_once", ", ".join(FIELDS)))
    for field, words in mapping.words.items():
        if field not in CODED | COUNTS:
            found.append((f"/words/{field}", "use_one_of", ", ".join(sorted(CODED | COUNTS))))
        elif field in COUNTS and any(words.values()):
            found.append((f"/words/{field}", "masked_count_becomes_empty", ""))
    for field in mapping.fixed:
        if field not in FIELDS or field in NEVER_FIXED:
            allowed = ", ".join(each for each in FIELDS if each not in NEVER_FIXED)
            found.append((f"/fixed/{field}", "use_one_of", allowed))
    if lacking := missing(mapping):
        found.append(("/columns", "columns_are_missing", ", ".join(lacking)))
    return found


def completed(values: dict[str, Any]) -> None:
    """Give a mapped row the start of its month, and a stable number: the digest of everything but its counts. A second
    import of the same line therefore corrects the first."""
    if values["start"] is None:
        values["start"] = values["report_month"]
    if values["external_id"] is None:
        told = (str(values[field]) for field in FIELDS if field not in COUNTS)
        values["external_id"] = hashlib.sha256("\x1f".join(told).encode()).hexdigest()[:20]
