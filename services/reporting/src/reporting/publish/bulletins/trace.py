"""The automatic checker: every number in every form of a bulletin must trace to its source.

First, the checker recomputes each figure from its source, on freshly read evidence. Then it reads each rendered file
back as a reader's program would. On a page, every number must be in a marked element. In a PDF, a document or a
workbook, the numbers are compared with the bulletin's numbers, including how often they occur. The checker reports
anything else. Pure, except for reading PDFs and workbooks from memory.
"""

import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from common.process.lazily import lazily
from common.words.details import Detail
from common.words.languages import LANGUAGES

from reporting.ground.language import Text, of_details
from reporting.publish.bulletins.composing.evidence import Evidence, UntraceableError, value_of
from reporting.publish.bulletins.document.content import (
    Chart,
    Content,
    KeyFigures,
    Label,
    Sentence,
    Table,
    Words,
)
from reporting.publish.bulletins.document.figures import Figure
from reporting.publish.bulletins.document.runs import (
    Run,
    all_charts,
    all_figures,
    all_tables,
    borders,
    cell_run,
    figure_run,
    heading_lines,
    issuers,
    paragraphs,
    plain,
    sentence_runs,
    shown,
)
from reporting.publish.bulletins.document.sources import described
from reporting.publish.bulletins.document.texts import all_texts, say
from reporting.publish.bulletins.document.words import unfounded, words_of
from reporting.publish.bulletins.rendering import docx
from reporting.publish.bulletins.rendering.chart_drawings import spec
from reporting.publish.bulletins.rendering.workbook import bounds, number

if TYPE_CHECKING:
    import openpyxl
    import pypdf
else:
    openpyxl = lazily("openpyxl")
    pypdf = lazily("pypdf")

_ROWS_OF_A_PAGE = 16
"""A table of fewer rows fits on one page."""
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True, slots=True)
class Stray:
    """A number that cannot be traced to a source: the edition, the number, and the reason."""

    form: str
    number: str
    reason: Text

    @property
    def in_english(self) -> str:
        return f"{self.form}: {self.number}: {self.reason['en']}"


def wrong_figures(content: Content, evidence: Evidence) -> list[Stray]:
    """Return figures whose source gives a different value, or none, with this evidence."""
    found: list[Stray] = []
    titles = {each.id: each.title for each in content.sections}
    for same in zip(*(all_figures(content, each) for each in LANGUAGES), strict=True):
        figure = same[0].figure
        try:
            now = value_of(figure.source, evidence, with_interval=False).value
            wrong = None
            if now != figure.value:
                wrong = Detail.of("source_gives_another_value", now)
        except UntraceableError as error:
            wrong = error.said
        if wrong:
            reason = {
                language: f"{titles[placed.section][language]}, {placed.beside}: {wrong.text(language)}"
                for language, placed in zip(LANGUAGES, same, strict=True)
            }
            found.append(Stray("content", str(figure.value), reason))
    return found


def numbers_in_wording(content: Content) -> list[Stray]:
    """Return digits in the bulletin's own sentences. Such a number must have been written by hand."""
    own = {text for texts in all_texts().values() for text in texts.values()}
    found: list[Stray] = []
    for section in content.sections:
        for block in section.blocks:
            if not isinstance(block, Sentence):
                continue
            for text in block.text.values():
                wording = re.sub(r"\{\w+\}", "", text)
                if text not in own or _NUMBER.search(wording):
                    reason = of_details("sentence_is_not_one_of_the_bulletins_texts")
                    found.append(Stray("content", text, reason))
    return found + [
        Stray(f"words {each.section} ({each.language})", each.number, each.reason)
        for each in unfounded(content, words_of(content))
    ]


def strays(content: Content, language: str, files: dict[str, bytes]) -> list[Stray]:
    """Return numbers in the rendered files (by extension: html, pdf, docx, xlsx) that cannot be traced."""
    found = list(_chart_strays(content, language))
    for name, file in files.items():
        match name.rsplit(".", 1)[-1]:
            case "html":
                extra = _html_strays(content, language, file)
            case "pdf":
                extra = _beyond(_pdf_numbers(file), _typeset(content, language))
            case "docx":
                extra = _beyond(_numbers(docx.numbers(file)), _typeset(content, language))
            case "xlsx":
                extra = _beyond(_xlsx_numbers(file), _tabulated(content, language))
            case _:
                continue  # for images, the checker examines the specification instead
        reason = of_details("bulletin_has_no_such_figure_there")
        found += [Stray(name, each, reason) for each in extra]
    return found


def _numbers(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from (match.group() for match in _NUMBER.finditer(text))


def _beyond(read: Iterable[str], expected: Iterable[str]) -> list[str]:
    """Return numbers that occur more often in a file than in the bulletin."""
    return sorted((Counter(read) - Counter(expected)).elements())


class _Reader(HTMLParser):
    """Reads a page: the text outside marked elements, and the texts inside them."""

    def __init__(self) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.loose: list[str] = []
        self.figures: list[str] = []
        self.labels: list[str] = []
        self.alternatives: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag in {"data", "style"} or (tag == "span" and known.get("class") == "label"):
            self.inside.append(tag)
        self.alternatives += [known[name] or "" for name in ("alt", "aria-label") if name in known]

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        match self.inside[-1:]:
            case ["data"]:
                self.figures.append(data)
            case ["span"]:
                self.labels.append(data)
            case ["style"]:
                pass
            case _:
                self.loose.append(data)


def _html_strays(content: Content, language: str, file: bytes) -> list[str]:
    page = _Reader()
    page.feed(file.decode())
    printed = list(_printed(content, language))
    period = content.period_label[language]
    labels = [run.text for run in printed if run.role == "label"]
    alternatives = [plain(sentence_runs(c.alt, language)) for c in all_charts(content)]
    names = [each.name for each in issuers(content)]
    return [
        *_beyond(page.figures, (run.text for run in printed if run.role == "figure")),
        *filter(_NUMBER.search, _beyond(page.labels, [*labels, *_heading(content, language)])),
        *filter(_NUMBER.search, _beyond(page.alternatives, [*alternatives, *names])),
        *_numbers(text for text in page.loose if period not in text),
    ]


def _heading(content: Content, language: str) -> list[str]:
    names = (each.name for each in issuers(content))
    return [content.period_label[language], *heading_lines(content, language), *names]


def _printed(content: Content, language: str) -> Iterator[Run]:
    """Yield every run that both the page and the PDF print, with repetitions, except titles and captions."""
    for section in content.sections:
        for block in section.blocks:
            match block:
                case Sentence():
                    yield from sentence_runs(block, language)
                case Words():
                    yield from (Run(part, "label") for part in paragraphs(block, language))
                case KeyFigures():
                    yield from (figure_run(item.figure, language) for item in block.items)
                case Table():
                    yield from _table_runs(block, language)
                case Chart():
                    yield from _table_runs(block.table, language)


def _table_runs(table: Table, language: str) -> Iterator[Run]:
    yield from (cell_run(column, language) for column in table.columns)
    yield from (cell_run(cell, language) for row in table.rows for cell in row)


def _typeset(content: Content, language: str) -> Iterator[str]:
    """Yield every number that the PDF may show, with repetitions."""
    yield from _numbers(_heading(content, language))
    yield from _numbers(run.text for run in _printed(content, language))
    for table in all_tables(content):
        # A long table repeats its header on each further page.
        heads = [column.text[language] for column in table.columns]
        yield from _numbers(heads * (len(table.rows) // _ROWS_OF_A_PAGE))


def _pdf_numbers(file: bytes) -> Iterator[str]:
    """Return all numbers on the pages except page numbers, which come last on each page."""
    for place, page in enumerate(pypdf.PdfReader(io.BytesIO(file)).pages, start=1):
        text = re.sub(rf"{place}$", "", page.extract_text().rstrip())
        yield from _numbers([text])


def _tabulated(content: Content, language: str) -> Iterator[str]:
    """Yield every number that the workbook may contain, with repetitions."""
    yield from _numbers([f"{content.title[language]} {content.period_label[language]}"])
    yield from _numbers(say(f"page.{name}")[language] for name in ("low", "high"))
    for placed in all_figures(content, language):
        yield from _written_numbers(placed.figure)
        yield from _numbers([placed.beside, described(placed.figure.source, language)])
    for table in all_tables(content):
        # A count has two more columns for its interval, with the same header.
        for column in table.columns:
            yield from _numbers([column.text[language]] * 3)
            yield from _numbers(say(f"page.{name}")[language] for name in ("low", "high"))
        for row in table.rows:
            for cell in row:
                if isinstance(cell, Label):
                    yield from _numbers([cell.text[language]])
                else:
                    yield from _written_numbers(cell)


def _written_numbers(figure: Figure) -> Iterator[str]:
    for each in (number(figure), *bounds(figure)):
        yield from _cell_numbers(each)


def _xlsx_numbers(file: bytes) -> Iterator[str]:
    book = openpyxl.load_workbook(io.BytesIO(file), read_only=True)
    for sheet in book.worksheets:
        for row in sheet.iter_rows(values_only=True):
            for cell in row:
                yield from _cell_numbers(cell)


def _cell_numbers(cell: object) -> Iterator[str]:
    if isinstance(cell, str):
        yield from _numbers([cell])
    elif isinstance(cell, float):
        yield _canonical(Decimal(repr(cell)))
    elif isinstance(cell, int | Decimal) and not isinstance(cell, bool):
        yield _canonical(cell)


def _canonical(value: int | Decimal) -> str:
    return f"{Decimal(value).normalize():f}"


def _chart_strays(content: Content, language: str) -> Iterator[Stray]:
    """Yield numbers on a chart that are not figures in its table."""
    for chart in all_charts(content):
        shown_in_table = {
            shown(cell, language).replace(" (", "\n(")
            if chart.form == "map"
            else shown(cell, language)
            for row in chart.table.rows
            for cell in row
            if isinstance(cell, Figure)
        }
        for text in _written_on(spec(chart, language, borders(content))):
            if text not in shown_in_table and _NUMBER.match(text):
                reason = of_details("charts_table_has_no_such_figure")
                yield Stray(f"chart {chart.table.id}", text, reason)


def _written_on(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name in {"shown", "text"} and isinstance(value, str):
                yield value
            else:
                yield from _written_on(value)
    elif isinstance(part, list):
        for value in part:
            yield from _written_on(value)
