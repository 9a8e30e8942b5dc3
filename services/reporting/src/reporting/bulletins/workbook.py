"""The bulletin as an Excel workbook: a sheet of all numbers with their sources, one per table."""

from decimal import Decimal

from reporting.bulletins.content import Content, Label, Table
from reporting.bulletins.figures import Figure
from reporting.bulletins.reading import ABSENT, all_figures, all_tables, plain, sentence_runs
from reporting.bulletins.sources import described
from reporting.bulletins.texts import say
from reporting.exports.spreadsheet import as_xlsx
from reporting.exports.tables import Cell, Column
from reporting.exports.tables import Table as Sheet
from reporting.language import Text


def as_workbook(content: Content, language: str) -> bytes:
    """Numbers are numbers; an absent one is a dash."""
    sheets = [
        _traced(content, language),
        *(_sheet(table, language) for table in all_tables(content)),
    ]
    standing = plain(sentence_runs(content.standing, language))
    note: Text = {language: standing}
    title: Text = {language: f"{content.title[language]} · {content.period_label[language]}"}
    return as_xlsx(sheets, language, [title, note])


def number(figure: Figure) -> Cell:
    """Shares in percent, as they are read; the rest as it is."""
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
            "%" if placed.figure.form == "share" else "",
            described(placed.figure.source, language),
        )
        for placed in all_figures(content, language)
    ]
    heads = (say("page.section"), say("page.where"), say("page.number"), say("page.unit"))
    columns = [Column(f"c{place}", head) for place, head in enumerate(heads)]
    source = Column("source", say("page.source"))
    return Sheet("trace", say("page.trace"), (*columns, source), rows)


def _sheet(table: Table, language: str) -> Sheet:
    columns = tuple(Column(f"c{place}", column.text) for place, column in enumerate(table.columns))
    rows = [tuple(_cell(cell, language) for cell in row) for row in table.rows]
    return Sheet(table.id, table.caption, columns, rows)


def _cell(cell: Label | Figure, language: str) -> Cell:
    return cell.text[language] if isinstance(cell, Label) else number(cell)
