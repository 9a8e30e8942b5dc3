"""Writes the import report as a table: each row with its number in the sender's file, its outcome and the reason.
Streams the rows, however many there are."""

import io
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Protocol

from common.process.lazily import lazily
from common.tables_io.cells import TEXT_STAYS_TEXT, GuardedCsv
from common.words.tables import rows

from directory.files.imports.schemas import ImportOut

xlsxwriter = lazily("xlsxwriter")  # has no type hints

_HEADS = ("number", "name", "external_id", "verdict", "field", "before", "after", "why")
_WIDTHS = (8, 40, 24, 18, 28, 28, 28, 80)
CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@cache
def _words() -> Mapping[str, Mapping[str, str]]:
    return {row.pop("word"): row for row in rows("directory.files.imports", "data/report")}


def lines(row: Any, language: str) -> Iterable[list[Any]]:
    """Yield one line for each note on a row, or one line without a note."""
    verdict = _words()[row.verdict][language]
    begin = [row.number, row.name or "", row.external_id or "", verdict]
    for note in row.notes:
        told = (note.get(name) or "" for name in ("field", "before", "after", language))
        yield [*begin, *map(str, told)]
    if not row.notes:
        yield [*begin, "", "", "", ""]


def summary(found: ImportOut, language: str) -> Iterable[tuple[str, object]]:
    """Return the summary: the counts, and notes about the whole file."""
    said = {word: texts[language] for word, texts in _words().items()}
    yield said["file"], found.file_name
    for part in (found.rows, found.services, found.fidelity and found.fidelity.values):
        if part is not None:
            name = said[type(part).__name__]
            yield from ((f"{name}: {said[key]}", n) for key, n in part.model_dump().items())
    yield from ((said["remark"], getattr(each, language)) for each in found.notes)


class Report(Protocol):
    def add(self, lines: Iterable[list[Any]]) -> None: ...

    def content(self) -> bytes: ...


class CsvReport:
    def __init__(self, language: str, first: Iterable[tuple[str, object]]) -> None:
        self._text = io.StringIO()
        self._table = GuardedCsv(self._text)
        self._table.rows([*first, ()])
        self._table.row(_words()[head][language] for head in _HEADS)

    def add(self, lines: Iterable[list[Any]]) -> None:
        self._table.rows(lines)

    def content(self) -> bytes:
        """Return UTF-8 with a byte order mark for spreadsheet programs."""
        return self._text.getvalue().encode("utf-8-sig")


class XlsxReport:
    def __init__(self, language: str, first: Iterable[tuple[str, object]]) -> None:
        self._file = io.BytesIO()
        self._book = xlsxwriter.Workbook(self._file, {"constant_memory": True, **TEXT_STAYS_TEXT})
        bold = self._book.add_format({"bold": True, "bg_color": "#DCE6F1", "border": 1})
        opening = self._book.add_worksheet(_words()["summary"][language])
        opening.set_column(0, 1, 48)
        for at, (name, value) in enumerate(first):
            opening.write_row(at, 0, [name, value])
        self._sheet = self._book.add_worksheet(_words()["report"][language])
        self._wrapped = self._book.add_format({"text_wrap": True, "valign": "top"})
        for column, (head, width) in enumerate(zip(_HEADS, _WIDTHS, strict=True)):
            self._sheet.set_column(column, column, width)
            self._sheet.write(0, column, _words()[head][language], bold)
        self._sheet.freeze_panes(1, 0)
        self._next = 1

    def add(self, lines: Iterable[list[Any]]) -> None:
        for line in lines:
            self._sheet.write_row(self._next, 0, line, self._wrapped)
            self._next += 1

    def content(self) -> bytes:
        if self._next > 1:
            self._sheet.autofilter(0, 0, self._next - 1, len(_HEADS) - 1)
        self._book.close()
        return self._file.getvalue()


def report_in(form: str, language: str, first: Iterable[tuple[str, object]]) -> Report:
    """Return the report. `first` contains the summary, which comes before the rows."""
    return XlsxReport(language, first) if form == "xlsx" else CsvReport(language, first)
