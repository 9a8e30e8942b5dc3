"""Rows of a package that fits into memory: kept as their cells, found by their ids and links."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from sys import getsizeof

from directory.files.imports.package.fields import tables
from directory.files.imports.package.staged import ANY, Gap, Joined, Link, Shape, Staged

_Held = str | tuple[str, ...]
_BETWEEN = "\x1f"
"""Stands between the cells of a row, which need a third less room as one text. Where a cell has it, they stay
apart."""
# Bytes beside the texts: a row in lists; one that is found by its id; one that names what is asked for; one on
# which others hang; one that is beside the rule.
_OF_A_ROW, _OF_AN_ID, _OF_A_NAME, _OF_A_PARENT, _OF_AN_ODD_ONE = 40, 150, 180, 210, 400
_OF_A_CELL, _OF_A_SHAPE = 64, 1_500
_NAMING = frozenset({"service", "location", "service_at_location"})
_LED_TO = frozenset(
    field.references for table in tables().values() for field in table.fields if field.references
)
"""Tables whose rows are asked for by their ids; those of others hardly ever are."""
_OFTEN_MEANT = ("service", "organization", "location")
"""Tables that are looked at first if a row may be one of any."""


class InMemory:
    """`most`: bytes that it may need."""

    def __init__(self, most: int) -> None:
        self._room = most
        self._cells: list[_Held] = []
        self._lines = array("I")
        self._shapes: list[Shape] = []
        self._keys: defaultdict[str, array[int]] = defaultdict(_numbers)
        """By table."""
        self._ids: dict[str, dict[str, int]] = {table: {} for table in _LED_TO}
        """By table, if it was asked for, the number of the first row with an id."""
        self._again: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        """Rows with an id that one before them has."""
        self._hanging: dict[str, array[int]] = {}
        """By the id that they name, rows that hang on one with that id."""
        self._links: dict[int, Link] = {}
        """Of rows that do not hang by their most exact link."""
        self._gaps: list[Gap] = []
        self._gaps_of: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
        self._named: dict[tuple[str, str], set[str]] = {}

    @property
    def is_full(self) -> bool:
        return self._room < 0

    def put(self, shape: Shape, line: int, cells: Sequence[str]) -> None:
        text = _BETWEEN.join(cells)
        weight = getsizeof(text) + _OF_A_ROW
        if text.count(_BETWEEN) < len(cells):
            self._cells.append(text)
        else:
            self._cells.append(tuple(cells))
            weight += _OF_A_CELL * len(cells)
        table = shape.table
        if table in _NAMING:
            weight += _OF_A_NAME
        if not shape.number:
            weight += _OF_A_SHAPE
        self._lines.append(line)
        self._shapes.append(shape)
        key = len(self._cells)
        self._keys[table].append(key)
        self._room -= weight
        if table in _LED_TO:
            self._know(table, cells[shape.id_at], key)

    def _know(self, table: str, own: str, key: int) -> None:
        self._room -= _OF_AN_ID + getsizeof(own)
        first = self._ids[table].setdefault(own, key)
        if first != key:
            self._room -= _OF_AN_ODD_ONE
            self._again[table, own].append(key)
            if self._lines[key - 1] < self._lines[first - 1]:  # of another file
                self._again[table, own].append(first)
                self._ids[table][own] = key

    def _ids_of(self, table: str) -> dict[str, int]:
        if table not in self._ids:
            self._ids[table] = {}
            for key in self._keys[table]:
                self._know(table, self._id_of(key), key)
        return self._ids[table]

    def taken_out(self) -> Iterator[tuple[Shape, int, Sequence[str]]]:
        """All rows, none of which is kept any longer."""
        self._forget_indexes()
        for at, (shape, line) in enumerate(zip(self._shapes, self._lines, strict=True)):
            cells = _apart(self._cells[at])
            self._cells[at] = ""
            yield shape, line, cells

    def close(self) -> None:
        self._forget_indexes()
        self._cells.clear()

    def _forget_indexes(self) -> None:
        for index in (self._keys, self._ids, self._again, self._hanging, self._links, self._gaps,
                      self._gaps_of, self._named):  # fmt: skip
            index.clear()

    def join(self, crowd: int) -> Joined | None:
        """None if there is no room for it."""
        leading: set[str] = set()
        with_any: set[str] = set()
        """Ids on which rows hang that may hang on any row with that id."""
        hanging = self._hanging
        for key, shape in enumerate(self._shapes, 1):
            if not shape.links:
                continue
            cells = _apart(self._cells[key - 1])
            own = self._link(key, shape, cells)
            if own is None:
                continue
            given = cells[own.at]
            known = hanging.get(given)
            if known is None:
                hanging[given] = array("I", (key,))
                self._room -= _OF_A_PARENT + getsizeof(given)
            else:
                known.append(key)
            if own.parent != ANY:
                leading.add(own.parent)
            else:
                with_any.add(given)
            if self._room < 0:
                return None
        leading.update(filter(partial(self._has_one_of, with_any), self._keys))
        return Joined(bool(self._gaps), self._crowded(crowd), leading)

    def _has_one_of(self, ids: set[str], table: str) -> bool:
        if table in self._ids:
            return not ids.isdisjoint(self._ids[table])
        return bool(ids) and any(self._id_of(key) in ids for key in self._keys[table])

    def _id_of(self, key: int) -> str:
        held, at = self._cells[key - 1], self._shapes[key - 1].id_at
        if at == 0 and held.__class__ is str:
            return held.partition(_BETWEEN)[0]
        return _apart(held)[at]

    def _link(self, key: int, shape: Shape, cells: Sequence[str]) -> Link | None:
        own: Link | None = None
        for link in shape.links:
            given = cells[link.at]
            if self._leads(link.parent, given):
                own = own or link
            else:
                line = self._lines[key - 1]
                self._gaps.append(Gap(shape.table, line, link.field, given))
                self._gaps_of[shape.table, line].append(link.field)
                self._room -= _OF_AN_ODD_ONE + getsizeof(given)
        if own is not None and own is not shape.links[0]:
            self._links[key] = own
        return own

    def _leads(self, parent: str, given: str) -> bool:
        if parent != ANY:
            return given in self._ids_of(parent)
        return any(given in self._ids_of(table) for table in (*_OFTEN_MEANT, *self._keys))

    def _crowded(self, crowd: int) -> set[str]:
        return {
            parent_id
            for parent_id, keys in self._hanging.items()
            if len(keys) >= crowd
            if max(Counter(self._shapes[key - 1].table for key in keys).values()) >= crowd
        }

    def replace(self, table: str, row_id: str, shape: Shape, cells: Sequence[str]) -> None:
        for key in self._with_id(table, row_id):
            self._shapes[key - 1] = shape
            self._cells[key - 1] = tuple(cells)

    def _with_id(self, table: str, row_id: str) -> list[int]:
        first = self._ids_of(table).get(row_id)
        if first is None:
            return []
        return sorted({first, *self._again.get((table, row_id), ())})

    def gaps(self, most: int) -> list[Gap]:
        return sorted(self._gaps, key=lambda gap: gap[:2])[:most]

    def count_gaps(self) -> int:
        return len(self._gaps)

    def gaps_of(self, table: str, line: int) -> Sequence[str]:
        return self._gaps_of.get((table, line), ())

    def count(self, table: str) -> int:
        return len(self._keys[table])

    def in_order(self, table: str) -> Iterator[Staged]:
        return map(self._staged, sorted(self._keys[table], key=self._line_of))

    def first(self, table: str, row_id: str) -> Staged | None:
        key = self._ids_of(table).get(row_id)
        return None if key is None else self._staged(key)

    def holds(self, table: str, row_id: str) -> bool:
        return row_id in self._ids_of(table)

    def names(self, field: str, table: str, value: str) -> bool:
        named = self._named.get((field, table))
        if named is None:
            rows = (self._staged(key).row for key in self._keys[table])
            named = {row[field] for row in rows if field in row}
            self._named[field, table] = named
        return value in named

    def hanging_on(self, ids: Iterable[str], most: int) -> list[tuple[str, str, Staged]] | None:
        hanging = [(each, keys) for each in ids if (keys := self._hanging.get(each))]
        if sum(len(keys) for _, keys in hanging) > most:
            return None
        lines, shapes, cells, links = self._lines, self._shapes, self._cells, self._links
        found = []
        for parent_id, keys in hanging:
            for key in keys:
                at = key - 1
                shape = shapes[at]
                link = (links and links.get(key)) or shape.links[0]
                child = shape.staged(key, lines[at], _apart(cells[at]), link.field)
                found.append((link.parent, parent_id, child))
        return found

    def children(self, table: str, parent: str, parent_id: str, most: int) -> list[Staged]:
        found = [
            key
            for key in self._hanging.get(parent_id, ())
            if self._shapes[key - 1].table == table and self._link_of(key).parent in (parent, ANY)
        ]
        found.sort(key=self._line_of)
        return [self._staged(key, self._link_of(key).field) for key in found[:most]]

    def numbered(self, keys: Sequence[int]) -> Iterator[Staged]:
        return map(self._staged, keys)

    def _link_of(self, key: int) -> Link:
        return self._links.get(key) or self._shapes[key - 1].links[0]

    def _staged(self, key: int, link: str = "") -> Staged:
        at = key - 1
        return self._shapes[at].staged(key, self._lines[at], _apart(self._cells[at]), link)

    def _line_of(self, key: int) -> int:
        return self._lines[key - 1]


def _apart(held: _Held) -> Sequence[str]:
    return held.split(_BETWEEN) if held.__class__ is str else held


def _numbers() -> "array[int]":  # quoted: Python 3.11 has no subscript for it
    return array("I")
