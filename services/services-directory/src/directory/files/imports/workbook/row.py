"""Reads the cells of one workbook row according to the type of each column. Pure: no I/O."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from uuid import UUID

from common.tables_io.cells import is_formula, unguarded
from common.words.codelists import Code, CodeList
from common.words.places import Place, folded

from directory.files.imports.columns import Column, code_list, columns
from directory.files.imports.outcomes.notes import Note, note
from directory.files.imports.values import cells
from directory.files.imports.values.cell_words import cell_words
from directory.files.imports.values.place_cells import country_of, places_of

_SEPARATOR = re.compile(r"[;\n|]")


@dataclass(slots=True)
class Row:
    """One row: raw cells by column key, and the notes made while reading them. Notes name columns by their header in
    `language`, as the reader sees them."""

    number: int
    raw: Mapping[str, object]
    headers: Mapping[str, str]
    notes: list[Note]

    def header(self, key: str) -> str:
        return self.headers.get(key, key)

    def text(self, key: str) -> str:
        value = _as_text(self.raw.get(key))
        header = self.header(key)
        if isinstance(self.raw.get(key), str):
            value = unguarded(value)
            if value == self.raw.get(key) and is_formula(value):
                self.notes.append(note("formula", header, value))
                return ""
        return cells.text(value, header, self.notes)

    def texts(self, key: str) -> list[str]:
        parts = (part.strip() for part in _SEPARATOR.split(self.text(key)))
        return list(dict.fromkeys(filter(None, parts)))

    def required(self, key: str) -> str:
        before = len(self.notes)
        value = self.text(key)
        if not value and len(self.notes) == before:
            self.notes.append(note("value_missing", self.header(key)))
        return value

    def code(self, key: str) -> str | None:
        value = self.text(key)
        return self._code(key, value) if value else None

    def codes(self, key: str) -> list[str]:
        found = (self._code(key, value) for value in self.texts(key))
        return list(dict.fromkeys(filter(None, found)))

    def codes_and_others(self, key: str) -> tuple[list[str], list[str]]:
        """Return the known codes and the unknown words, which are not yet reported."""
        known = _lookup(_column(key).codelist)
        words = self.texts(key)
        codes = [known[folded(word)] for word in words if folded(word) in known]
        return list(dict.fromkeys(codes)), [word for word in words if folded(word) not in known]

    def _code(self, key: str, value: str) -> str | None:
        column = _column(key)
        known = _lookup(column.codelist)
        code = known.get(folded(value))
        if code is None:
            allowed = ", ".join(code_list(column.codelist).codes)
            self.notes.append(note("value_unknown", self.header(key), value, allowed))
        return code

    def number_of(self, key: str) -> float | None:
        return cells.number(self._value(key), self.header(key), self.notes)

    def age(self, key: str) -> int | None:
        return cells.age(self._value(key), self.header(key), self.notes)

    def day(self, key: str) -> date | None:
        value = self.raw.get(key)
        if isinstance(value, date | datetime):
            return cells.day(value, self.header(key), self.notes)
        return cells.day(self.text(key), self.header(key), self.notes)

    def yes_no(self, key: str) -> bool | None:
        value = folded(self.text(key))
        if not value:
            return None
        yes, no = cell_words()["yes"], cell_words()["no"]
        if value in yes or value in no:
            return value in yes
        self.notes.append(note("value_unknown", self.header(key), value, "sí, no / yes, no"))
        return None

    def email(self, key: str) -> str:
        return cells.email(self.text(key), self.header(key), self.notes)

    def url(self, key: str) -> str:
        return cells.url(self.text(key), self.header(key), self.notes)

    def identifier(self, key: str) -> str | None:
        value = self.text(key)
        if not value:
            return None
        try:
            return str(UUID(value))
        except ValueError:
            self.notes.append(note("value_unknown", self.header(key), value, "UUID"))
            return None

    def places(self, key: str, country: str) -> list[Place]:
        return places_of(self.texts(key), self.header(key), country, self.notes)

    def countries(self, key: str) -> list[str]:
        """Return ISO 3166-1 alpha-3 codes. Any three-letter code is accepted; a name must be known."""
        found: list[str] = []
        for value in self.texts(key):
            country = country_of(value)
            if country is not None:
                found.append(country.country)
            elif re.fullmatch("[A-Za-z]{3}", value):
                found.append(value.upper())
            else:
                self.notes.append(note("value_unknown", self.header(key), value, "ISO 3166-1"))
        return list(dict.fromkeys(found))

    def _value(self, key: str) -> object:
        value = self.raw.get(key)
        return value if isinstance(value, int | float) else self.text(key)


def _as_text(value: object) -> str:
    """Return the cell's text. Spreadsheets store 58 as 58.0 and a day as a time."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == datetime.min.time():
        return value.date().isoformat()
    return str(value)


@cache
def _column(key: str) -> Column:
    return next(column for column in columns() if column.key == key)


@cache
def _lookup(name: str) -> Mapping[str, str]:
    """Return a map from folded codes, and folded labels in both languages, to codes. A code takes precedence over a
    label."""
    return dict(_pairs(code_list(name)))


def _pairs(listed: CodeList[Code]) -> Iterator[tuple[str, str]]:
    entries: Sequence[Code] = list(listed.values())
    for entry in entries:
        yield from ((folded(label), entry.code) for label in entry.labels.values())
    for entry in entries:
        yield folded(entry.code), entry.code
