"""The empty service-mapping workbook: headers, dropdown lists, an explanation of each column. Exports use the same
sheet layout."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common.process.lazily import lazily
from common.tables_io.cells import TEXT_STAYS_TEXT, GuardedCsv
from common.words.languages import page_language
from common.words.tables import completed

from directory.files.imports.columns import Column, code_list, columns

xlsxwriter = lazily("xlsxwriter")  # has no type hints

_ROWS_WITH_LISTS = 5_000
_WORDS = completed(
    "directory",
    {
        "es": {
            "services": "Servicios",
            "explanation": "Explicación",
            "lists": "Listas",
            "column": "Columna",
            "required": "Obligatoria",
            "yes": "sí",
            "meaning": "Significado",
            "allowed": "Valores",
            "choose": "Elija un valor de la lista o escriba su código.",
        },
        "en": {
            "services": "Services",
            "explanation": "Explanation",
            "lists": "Lists",
            "column": "Column",
            "required": "Required",
            "yes": "yes",
            "meaning": "Meaning",
            "allowed": "Values",
            "choose": "Choose a value of the list or write its code.",
        },
    },
)


def header_of(column: Column, language: str) -> str:
    return column.header(language) + (" *" if column.required else "")


def template_csv(language: str) -> bytes:
    """Return one header line, in UTF-8 with a byte order mark for spreadsheet programs."""
    text = io.StringIO()
    GuardedCsv(text).row(header_of(column, language) for column in columns())
    return text.getvalue().encode("utf-8-sig")


def template_xlsx(language: str) -> bytes:
    target = io.BytesIO()
    WorkbookWriter(target, language).close()
    return target.getvalue()


class WorkbookWriter:
    """Writes rows in the order of `columns()`, in constant memory. Text stays text: a leading `=` does not start a
    formula, and an address does not become a link."""

    def __init__(self, target: Path | io.BytesIO, language: str) -> None:
        self._book = xlsxwriter.Workbook(
            target,
            {"constant_memory": True, **TEXT_STAYS_TEXT},
        )
        self._language = language
        self._words = _WORDS[page_language(language, None)]
        self._bold = self._book.add_format(
            {"bold": True, "bg_color": "#DCE6F1", "border": 1, "text_wrap": True}
        )
        self._services = self._book.add_worksheet(self._words["services"])
        self._next = 1
        self._begin()

    def _begin(self) -> None:
        for index, column in enumerate(columns()):
            self._services.set_column(index, index, 18)
            self._services.write_string(0, index, header_of(column, self._language), self._bold)
            if column.kind == "code":
                _offer_list(self._services, index, column, self._words)
        self._services.freeze_panes(1, 0)

    def add(self, row: Sequence[Any]) -> None:
        for index, value in enumerate(row):
            _write(self._services, self._next, index, value)
        self._next += 1

    def close(self) -> None:
        explanation = self._book.add_worksheet(self._words["explanation"])
        _write_explanation(explanation, self._language, self._bold, self._words)
        lists = self._book.add_worksheet(self._words["lists"])
        _write_lists(lists, self._language, self._bold)
        self._book.close()


def _write(sheet: Any, row: int, index: int, value: Any) -> None:
    if value is None or value == "":
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        sheet.write_string(row, index, str(value))
    else:
        sheet.write_number(row, index, value)


def _offer_list(sheet: Any, index: int, column: Column, words: dict[str, str]) -> None:
    position = _listed().index(column.codelist)
    codes = code_list(column.codelist)
    letter = xlsxwriter.utility.xl_col_to_name(position * 2, col_abs=True)
    sheet.data_validation(
        1,
        index,
        _ROWS_WITH_LISTS,
        index,
        {
            "validate": "list",
            "source": f"='{words['lists']}'!{letter}$2:{letter}${len(codes) + 1}",
            "input_message": words["choose"],
            "error_type": "information",
        },
    )


def _write_explanation(sheet: Any, language: str, bold: Any, words: dict[str, str]) -> None:
    sheet.set_column(0, 0, 32)
    sheet.set_column(2, 3, 70)
    for index, name in enumerate(("column", "required", "meaning", "allowed")):
        sheet.write_string(0, index, words[name], bold)
    for number, column in enumerate(columns(), 1):
        codes = column.codes()
        sheet.write_string(number, 0, column.header(language))
        sheet.write_string(number, 1, words["yes"] if column.required else "")
        sheet.write_string(number, 2, column.help(language))
        sheet.write_string(number, 3, "; ".join(codes.codes) if codes else "")


def _write_lists(sheet: Any, language: str, bold: Any) -> None:
    """Write code and label side by side, two columns per list, row by row (constant memory)."""
    named = {name: code_list(name) for name in _listed()}
    for position, name in enumerate(named):
        sheet.set_column(position * 2, position * 2 + 1, 24)
        sheet.write_string(0, position * 2, name, bold)
    longest = max(len(entries) for entries in named.values())
    for number in range(longest):
        for position, entries in enumerate(named.values()):
            if number < len(entries):
                code = entries.codes[number]
                sheet.write_string(number + 1, position * 2, code)
                sheet.write_string(number + 1, position * 2 + 1, entries.label(code, language))


def _listed() -> list[str]:
    return list(dict.fromkeys(column.codelist for column in columns() if column.codelist))
