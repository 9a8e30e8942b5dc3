"""Records the outcome of every value in a file: unchanged, changed or left out, with the reason. Counts are per field,
so the list for a million rows is no longer than for ten."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import Any

from common.words.languages import LANGUAGES

from directory.files.imports.outcomes.notes import note

_MOST_FIELDS = 1_000
_MANY = "…"
"""All fields beyond `_MOST_FIELDS`."""


class Outcome(StrEnum):
    AS_IS = "as_is"
    CHANGED = "changed"
    LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True)
class Fate:
    """The outcome of one value. `reason` is the code of a note; empty for an unchanged value."""

    file: str
    field: str
    outcome: Outcome = Outcome.AS_IS
    reason: str = ""

    def left_out(self, reason: str) -> "Fate":
        return Fate(self.file, self.field, Outcome.LEFT_OUT, reason)


@cache
def as_it_is(file: str, field: str) -> Fate:
    """Return the same object for all cells in a column, because nearly all are unchanged."""
    return Fate(file, field)


@dataclass(frozen=True, slots=True)
class RowFates:
    """The outcomes of one row's values. `made` is the object that the row became or, for a `sheet`, its cells. `row` is
    its number among all rows of the file; `links` are ids of other rows."""

    row: int
    fates: Mapping[str, Fate]
    made: Mapping[str, Any] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    sheet: bool = False

    def left_out(self, reason: str) -> "RowFates":
        return replace(self, fates={name: f.left_out(reason) for name, f in self.fates.items()})


@dataclass(slots=True)
class Fidelity:
    """Counts outcomes. A row shared by several services counts once."""

    _fields: dict[tuple[str, str], Counter[tuple[Outcome, str]]] = field(default_factory=dict)
    _seen: bytearray = field(default_factory=bytearray)

    def has(self, row: int) -> bool:
        at = row >> 3
        return at < len(self._seen) and bool(self._seen[at] & (1 << (row & 7)))

    def take(self, rows: Iterable[RowFates]) -> None:
        seen = self._seen
        for each in rows:
            at, bit = each.row >> 3, 1 << (each.row & 7)
            if at >= len(seen):
                seen.extend(bytes(at + 1024 - len(seen)))
            if seen[at] & bit:
                continue
            seen[at] |= bit
            for fate in each.fates.values():
                self.count(fate)

    def count(self, fate: Fate) -> None:
        key = (fate.file, fate.field)
        if key not in self._fields and len(self._fields) >= _MOST_FIELDS:
            key = (_MANY, _MANY)
        if key not in self._fields:
            self._fields[key] = Counter()
        self._fields[key][fate.outcome, fate.reason] += 1

    @property
    def values(self) -> dict[str, int]:
        total: Counter[str] = Counter()
        for counted in self._fields.values():
            for (outcome, _), times in counted.items():
                total[outcome.value] += times
        return {"read": total.total(), **{each.value: total[each.value] for each in Outcome}}

    def plain(self) -> dict[str, Any]:
        fields = [
            _field(file, name, counted) for (file, name), counted in sorted(self._fields.items())
        ]
        return {"values": self.values, "fields": fields}


def _field(file: str, name: str, counted: Mapping[tuple[Outcome, str], int]) -> dict[str, Any]:
    by_outcome: Counter[str] = Counter()
    reasons: list[dict[str, Any]] = []
    for (outcome, reason), times in sorted(counted.items()):
        by_outcome[outcome.value] += times
        if reason:
            said = note(reason, f"{file} {name}".strip(), _MANY, _MANY)
            reasons.append({"code": reason, "outcome": outcome.value, "count": times,
                            **{code: said.text(code) for code in LANGUAGES}})  # fmt: skip
    return {
        "file": file,
        "field": name,
        "read": by_outcome.total(),
        **{each.value: by_outcome[each.value] for each in Outcome},
        "reasons": reasons,
    }
