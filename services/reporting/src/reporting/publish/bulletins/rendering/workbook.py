"""The bulletin as an Excel workbook: a sheet with all numbers and their sources, and one sheet per table."""

from decimal import Decimal

from reporting.ground.language import Text
from reporting.ground.tabular.spreadsheet import as_xlsx
from reporting.ground.tabular.tables import Cell, Column
from reporting.ground.tabular.tables import Table as Sheet
from reporting.publish.bulletins.document.content import Content, Label, Table
from reporting.publish.bulletins.document.figures import Figure
from reporting.publish.bulletins.document.runs import (
    ABSENT,
    all_figures,
    all_tables,
    plain,
    sentence_runs,
)
from reporting.publish.bulletins.document.sources import described
from reporting.publish.bulletins.document.texts import say


def as_workbook(content: Content, language: str) -> bytes:
    """Return the workbook, with real numbers, and a dash for each absent number."""
    sheets = [
        _traced(content, language),
        *(_sheet(table, language) for table in all_tables(content)),
    ]
    standing = plain(sentence_runs(content.standing, language))
    note: Text = {language: standing}
    title: Text = {language: f"{content.title[language]} · {content.period_label[language]}"}
    return as_xlsx(sheets, language, [title, note])


def number(figure: Figure) -> Cell:
    """Return shares in per cent, and other numbers unchanged."""
    if figure.value is None:
        return ABSENT
    if figure.form == "share":
        return Decimal(figure.value) * 100
    return figure.value


def _traced(content: Content, language: str) -> Sheet:
    titles = {section.id: section.title[language] for section in content.sections}
    rows: list[tuple[Cell, ...]] = [
        (
            titles[placed.section],
            placed.beside,
            number(placed.figure),
            *bounds(placed.figure),
            "%" if placed.figure.form == "share" else "",
            described(placed.figure.source, language),
        )
        for placed in all_figures(content, language)
    ]
    heads = [say(f"page.{name}") for name in ("section", "where", "number", "low", "high", "unit")]
    columns = [Column(f"c{place}", head) for place, head in enumerate(heads)]
    source = Column("source", say("page.source"))
    return Sheet("trace", say("page.trace"), (*columns, source), rows)


def _sheet(table: Table, language: str) -> Sheet:
    unsure = [
        any(isinstance(row[place], Figure) and _is_unsure(row[place]) for row in table.rows)
        for place in range(len(table.columns))
    ]
    columns: list[Column] = []
    for place, column in enumerate(table.columns):
        columns.append(Column(f"c{place}", column.text))
        if unsure[place]:
            for name in ("low", "high"):
                head = {x: f"{word}: {say(f'page.{name}')[x]}" for x, word in column.text.items()}
                columns.append(Column(f"c{place}_{name}", head))
    rows = [
        tuple(
            each
            for cell, wide in zip(row, unsure, strict=True)
            for each in _cells(cell, language, wide=wide)
        )
        for row in table.rows
    ]
    return Sheet(table.id, table.caption, tuple(columns), rows)


def _is_unsure(cell: Label | Figure) -> bool:
    return isinstance(cell, Figure) and cell.low is not None


def bounds(figure: Figure) -> tuple[Cell, Cell]:
    """Return the interval's low and high bounds, if there are any."""
    low, high = (
        Decimal(each) * 100 if figure.form == "share" and each is not None else each
        for each in (figure.low, figure.high)
    )
    return low, high


def _cells(cell: Label | Figure, language: str, *, wide: bool) -> tuple[Cell, ...]:
    if isinstance(cell, Label):
        return (cell.text[language], None, None) if wide else (cell.text[language],)
    return (number(cell), *bounds(cell)) if wide else (number(cell),)
