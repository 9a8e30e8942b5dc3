"""The automatic checker: every number in every form of a bulletin traces to its source.

First each figure is computed again from its source on evidence that was read anew. Then each
rendered file is read back as a reader's program would read it, and any number in it that is
neither a checked figure nor part of a label from a list is reported. Pure, but for reading PDFs
and workbooks from memory.
"""

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from html.parser import HTMLParser

import openpyxl
from pypdf import PdfReader

from reporting.bulletins.content import Content
from reporting.bulletins.drawing import spec
from reporting.bulletins.evidence import Evidence, UntraceableError, value_of
from reporting.bulletins.reading import (
    all_charts,
    all_figures,
    all_labels,
    plain,
    sentence_runs,
    shown,
)
from reporting.bulletins.sources import described
from reporting.bulletins.texts import all_texts
from reporting.bulletins.workbook import number
from reporting.language import LANGUAGES

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True, slots=True)
class Stray:
    """A number that does not trace: in which form it stands, what it is, and why it is refused."""

    form: str
    number: str
    reason: str


def wrong_figures(content: Content, evidence: Evidence) -> list[Stray]:
    """Figures whose source gives another value on this evidence, or none."""
    found: list[Stray] = []
    for placed in all_figures(content, LANGUAGES[0]):
        figure = placed.figure
        where = f"{placed.section}: {placed.beside}"
        try:
            now = value_of(figure.source, evidence).value
        except UntraceableError as error:
            found.append(Stray("content", str(figure.value), f"{where}: {error}"))
            continue
        if now != figure.value:
            found.append(Stray("content", str(figure.value), f"{where}: the source gives {now}"))
    return found


def numbers_in_wording(content: Content) -> list[Stray]:
    """Digits in the bulletin's own sentences: there a number could only be written by hand."""
    own = {text for texts in all_texts().values() for text in texts.values()}
    found: list[Stray] = []
    for section in content.sections:
        for block in section.blocks:
            for text in getattr(block, "text", {}).values():
                wording = re.sub(r"\{\w+\}", "", text)
                if text not in own or _NUMBER.search(wording):
                    found.append(Stray("content", text, "not a text of the bulletin's table"))
    return found


def strays(content: Content, language: str, files: dict[str, bytes]) -> list[Stray]:
    """Numbers of the rendered files (by their ending: html, pdf, xlsx) that do not trace."""
    readers = {"html": _html_numbers, "pdf": _pdf_numbers, "xlsx": _xlsx_numbers}
    found = list(_chart_strays(content, language))
    for name, file in files.items():
        ending = name.rsplit(".", 1)[-1]
        if ending in readers:
            allowed = _allowed(content, language, ending)
            found += [
                Stray(name, each, "no figure of the bulletin")
                for each in readers[ending](file)
                if each not in allowed
            ]
    return found


def _allowed(content: Content, language: str, ending: str) -> set[str]:
    """The numbers that the figures and the labels of that language give."""
    figures = [placed.figure for placed in all_figures(content, language)]
    texts = [label.text[language] for label in all_labels(content)]
    texts += [shown(figure, language) for figure in figures]
    texts.append(plain(sentence_runs(content.standing, language)))
    allowed = set(_numbers(texts))
    if ending == "xlsx":
        cells = (number(figure) for figure in figures)
        allowed |= {_canonical(cell) for cell in cells if isinstance(cell, int | Decimal)}
        allowed |= set(_numbers(described(figure.source, language) for figure in figures))
    return allowed


def _numbers(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from (match.group() for match in _NUMBER.finditer(text))


class _Outside(HTMLParser):
    """Collects the text of a page, the numbers of its ``data`` elements, and its alt texts."""

    def __init__(self) -> None:
        super().__init__()
        self.skipped = 0
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "style":
            self.skipped += 1
        self.texts += [text for name, text in attrs if name in {"alt", "aria-label"} and text]

    def handle_endtag(self, tag: str) -> None:
        if tag == "style":
            self.skipped -= 1

    def handle_data(self, data: str) -> None:
        if not self.skipped:
            self.texts.append(data)


def _html_numbers(file: bytes) -> Iterator[str]:
    page = _Outside()
    page.feed(file.decode())
    yield from _numbers(page.texts)


def _pdf_numbers(file: bytes) -> Iterator[str]:
    """All numbers of the pages but each page's own number, which stands last on it."""
    for place, page in enumerate(PdfReader(io.BytesIO(file)).pages, start=1):
        text = page.extract_text()
        text = re.sub(rf"{place}\s*$", "", text.rstrip())
        yield from _numbers([text])


def _xlsx_numbers(file: bytes) -> Iterator[str]:
    book = openpyxl.load_workbook(io.BytesIO(file), read_only=True)
    for sheet in book.worksheets:
        for row in sheet.iter_rows(values_only=True):
            for cell in row:
                if isinstance(cell, str):
                    yield from _numbers([cell])
                elif isinstance(cell, int | float) and not isinstance(cell, bool):
                    yield _canonical(Decimal(repr(cell)))


def _canonical(value: int | Decimal) -> str:
    return f"{Decimal(value).normalize():f}"


def _chart_strays(content: Content, language: str) -> Iterator[Stray]:
    """Numbers written on a chart that are not figures of its table."""
    for chart in all_charts(content):
        shown_in_table = {
            shown(cell, language)
            for row in chart.table.rows
            for cell in row
            if not hasattr(cell, "text")
        }
        for text in _written_on(spec(chart, language)):
            if text not in shown_in_table and _NUMBER.fullmatch(text):
                yield Stray(f"chart {chart.table.id}", text, "no figure of the chart's table")


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
