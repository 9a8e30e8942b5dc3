"""A bulletin in one language, as runs of text: the basis for every form (page, PDF, workbook).

A run is marked as the bulletin's own wording, a label from a list, or a figure. A form can therefore mark each number
with its source, and the checker can tell them apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from string import Formatter
from typing import Literal

from reporting.ground.language import with_interval, written, written_date, written_share
from reporting.publish.bulletins.document.content import (
    Block,
    Borders,
    Chart,
    Content,
    Issuer,
    KeyFigures,
    Label,
    Sentence,
    Table,
    Words,
)
from reporting.publish.bulletins.document.figures import Figure
from reporting.publish.bulletins.document.texts import say

ABSENT = "—"


@dataclass(frozen=True, slots=True)
class Run:
    text: str
    role: Literal["wording", "label", "figure"] = "wording"
    figure: Figure | None = None


def figure_run(figure: Figure, language: str) -> Run:
    return Run(shown(figure, language), "figure", figure)


def shown(figure: Figure, language: str) -> str:
    """Return the number as printed, with its interval; if it is absent, return a dash with the reason."""
    if figure.value is None:
        reason = figure.absent[language] if figure.absent else ""
        return f"{ABSENT} ({reason})" if reason else ABSENT
    value = _written(figure, figure.value, language)
    if figure.low is None or figure.high is None:
        return value
    low, high = (_written(figure, bound, language) for bound in (figure.low, figure.high))
    return with_interval(value, low, high, zero=figure.value == 0)


def _written(figure: Figure, value: int | Decimal, language: str) -> str:
    if figure.form == "share":
        return written_share(Decimal(value), language)
    return written(value, language)


def sentence_runs(sentence: Sentence, language: str) -> list[Run]:
    """Return the sentence with its figures and labels filled in."""
    runs: list[Run] = []
    for wording, name, _spec, _conversion in Formatter().parse(sentence.text[language]):
        if wording:
            runs.append(Run(wording))
        if name is None:
            continue
        if name in sentence.figures:
            runs.append(figure_run(sentence.figures[name], language))
        else:
            runs.append(Run(sentence.labels[name].text[language], "label"))
    return runs


def heading_lines(content: Content, language: str) -> list[str]:
    """Return lines with the issuers of the bulletin, its country, its edition and its dates. Return nothing for a
    bulletin without a letterhead."""
    head = content.letterhead
    if head is None:
        return []
    dates = [f"{say('page.edition')[language]} {content.edition}"]
    for key, day in (("page.until", content.end), ("page.prepared", content.prepared_on)):
        if day is not None:
            dates.append(f"{say(key)[language]} {written_date(day, language)}")
    return [f"{head.country[language]} · {head.cluster[language]}", " · ".join(dates)]


def issuers(content: Content) -> tuple[Issuer, ...]:
    return content.letterhead.organisations if content.letterhead else ()


def borders(content: Content) -> Borders | None:
    return content.letterhead.borders if content.letterhead else None


def paragraphs(words: Words, language: str) -> list[str]:
    """Return the text that people wrote, by paragraph."""
    return [part.strip() for part in words.text[language].split("\n") if part.strip()]


def cell_run(cell: Label | Figure, language: str) -> Run:
    if isinstance(cell, Label):
        return Run(cell.text[language], "label")
    return figure_run(cell, language)


def plain(runs: list[Run]) -> str:
    return "".join(run.text for run in runs)


def all_tables(content: Content) -> Iterator[Table]:
    """Return every table, including the tables of charts, in reading order."""
    for section in content.sections:
        for block in section.blocks:
            if isinstance(block, Table):
                yield block
            elif isinstance(block, Chart):
                yield block.table


def all_charts(content: Content) -> Iterator[Chart]:
    for section in content.sections:
        yield from (block for block in section.blocks if isinstance(block, Chart))


@dataclass(frozen=True, slots=True)
class Placed:
    """A figure with its section id and the adjacent words."""

    section: str
    beside: str
    figure: Figure


def all_figures(content: Content, language: str) -> Iterator[Placed]:
    """Yield every figure of the bulletin."""
    for section in content.sections:
        for block in section.blocks:
            for beside, figure in _figures(block, language):
                yield Placed(section.id, beside, figure)


def _figures(block: Block, language: str) -> Iterator[tuple[str, Figure]]:
    match block:
        case Words():
            pass
        case Sentence():
            yield from block.figures.items()
        case KeyFigures():
            yield from ((item.label[language], item.figure) for item in block.items)
        case Table():
            yield from _table_figures(block, language)
        case Chart():
            yield from block.alt.figures.items()
            yield from _table_figures(block.table, language)


def _table_figures(table: Table, language: str) -> Iterator[tuple[str, Figure]]:
    for row in table.rows:
        words = [cell.text[language] for cell in row if isinstance(cell, Label)]
        for column, cell in zip(table.columns, row, strict=True):
            if isinstance(cell, Figure):
                yield " · ".join([*words, column.text[language]]), cell


def all_labels(content: Content) -> Iterator[Label]:
    """Return every label, which may contain digits without being a number."""
    yield Label(text=content.period_label)
    for section in content.sections:
        for block in section.blocks:
            match block:
                case Sentence():
                    yield from block.labels.values()
                case Table():
                    yield from _table_labels(block)
                case Chart():
                    yield from block.alt.labels.values()
                    yield from _table_labels(block.table)
                case KeyFigures() | Words():
                    pass


def _table_labels(table: Table) -> Iterator[Label]:
    yield from table.columns
    for row in table.rows:
        yield from (cell for cell in row if isinstance(cell, Label))
