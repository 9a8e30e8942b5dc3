"""What became of every value of a file: as it is, changed and why, left out and why. Counted by field,
so that the account of a million rows is as long as that of ten."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any

from directory.files.imports.outcomes.notes import note

_MOST_FIELDS = 1_000
_MOST_ALIKE = 4_096
_MANY = "…"
"""Stands for the fields beyond those that are counted apart."""


class Outcome(StrEnum):
    AS_IS = "as_is"
    CHANGED = "changed"
    LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True)
class Fate:
    """Of one value. `reason`: the code of a note; empty if it came in as it is."""

    file: str
    field: str
    outcome: Outcome = Outcome.AS_IS
    reason: str = ""

    def left_out(self, reason: str) -> "Fate":
        return Fate(self.file, self.field, Outcome.LEFT_OUT, reason)


@cache
def as_it_is(file: str, field: str) -> Fate:
    """One for all the cells of a column: nearly all come in as they are."""
    return Fate(file, field)


RowFates = tuple[int, Sequence[Fate]]
"""The values of one row, which has a number of its own among all rows of the file. A tuple may be shared
by many rows, and is then counted as one."""


@dataclass(slots=True)
class Fidelity:
    """A row that several services share is counted once."""

    _fields: dict[tuple[str, str], Counter[tuple[Outcome, str]]] = field(default_factory=dict)
    _seen: bytearray = field(default_factory=bytearray)
    _alike: dict[int, tuple[tuple[Fate, ...], list[int]]] = field(default_factory=dict)
    """By identity, what became of rows that share it, and how many of them there were."""

    def has(self, row: int) -> bool:
        at = row >> 3
        return at < len(self._seen) and bool(self._seen[at] & (1 << (row & 7)))

    def not_seen(self, most: int) -> Iterator[int]:
        """Numbers of rows, from 1 to `most`, that were not taken."""
        seen = self._seen
        for at in range((most >> 3) + 1):
            bits = seen[at] if at < len(seen) else 0
            if bits == 0xFF:
                continue
            for row in range(at << 3, min((at + 1) << 3, most + 1)):
                if row and not bits & (1 << (row & 7)):
                    yield row

    def take(self, rows: Iterable[RowFates]) -> None:
        seen = self._seen
        for row, fates in rows:
            at, bit = row >> 3, 1 << (row & 7)
            if at >= len(seen):
                seen.extend(bytes(at + 1024 - len(seen)))
            if seen[at] & bit:
                continue
            seen[at] |= bit
            if isinstance(fates, tuple):
                alike = self._alike.get(id(fates))
                if alike is None:
                    alike = self._alike[id(fates)] = (fates, [0])
                alike[1][0] += 1
            else:
                for fate in fates:
                    self.count(fate)
        if len(self._alike) > _MOST_ALIKE:
            self._settle()

    def _settle(self) -> None:
        for fates, (times,) in self._alike.values():
            for fate in fates:
                self.count(fate, times)
        self._alike.clear()

    def count(self, fate: Fate, times: int = 1) -> None:
        key = (fate.file, fate.field)
        if key not in self._fields and len(self._fields) >= _MOST_FIELDS:
            key = (_MANY, _MANY)
        counted = self._fields.get(key)
        if counted is None:
            counted = self._fields[key] = Counter()
        counted[fate.outcome, fate.reason] += times

    @property
    def values(self) -> dict[str, int]:
        self._settle()
        total: Counter[str] = Counter()
        for counted in self._fields.values():
            for (outcome, _), times in counted.items():
                total[outcome.value] += times
        return {"read": total.total(), **{each.value: total[each.value] for each in Outcome}}

    def plain(self) -> dict[str, Any]:
        self._settle()
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
                            "es": said.text("es"), "en": said.text("en")})  # fmt: skip
    return {
        "file": file,
        "field": name,
        "read": by_outcome.total(),
        **{each.value: by_outcome[each.value] for each in Outcome},
        "reasons": reasons,
    }
