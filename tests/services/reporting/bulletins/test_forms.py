"""The formats: accessible, in the reader's notation, equal for equal content, and harmless."""

import io
import re
from base64 import b64decode
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import font_source_sans_pro  # type: ignore[import-untyped]  # ships no types
import openpyxl
import pytest
import typst
from common.words.languages import LANGUAGES
from drawing.client import drawn
from pypdf import PdfReader
from reporting.ground.charts import specs, tiles
from reporting.ground.charts.palette import CATEGORIES, INK, LOUD, SEQUENTIAL
from reporting.publish.bulletins.document.content import Content, Table
from reporting.publish.bulletins.document.figures import Figure
from reporting.publish.bulletins.document.runs import all_charts, all_figures
from reporting.publish.bulletins.rendering.chart_drawings import _LEAST, _ONLY, drawings
from reporting.publish.bulletins.rendering.forms import names, rendered, sources
from reporting.publish.bulletins.rendering.page import laid_out

from tests.services.reporting.bulletins.story import bulletin, files_of

pytestmark = [pytest.mark.laborious, pytest.mark.slow]
ROOM = 104
"""Signs of a table's text that fit beside each other on a page."""
LEAST_CONTRAST = 4.0
"""Above the 3:1 that large and bold text needs (WCAG 2.2, 1.4.3); a hue in the middle gives no text 4.5."""


@pytest.fixture(scope="module")
def content() -> Content:
    return bulletin()


@pytest.fixture(scope="module")
def spanish() -> dict[str, bytes]:
    return files_of("2026-11a", "es")


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def page_of(files: dict[str, bytes]) -> _Page:
    page = _Page()
    page.feed(files["bulletin.html"].decode())
    return page


def test_all_charts_have_alternative_texts_and_a_table_below(
    content: Content, spanish: dict[str, bytes]
) -> None:
    page = page_of(spanish)
    charts = list(all_charts(content))
    assert {chart.form for chart in charts} == {"bars", "trend", "heat-map", "flow", "map"}
    images = page.all("img")
    assert len(images) == len(charts)
    assert all(len(image["alt"] or "") > 40 for image in images)
    ids = {table["id"] for table in page.all("table")}
    assert {chart.table.id for chart in charts} <= ids
    assert len(page.all("caption")) == len(page.all("table"))
    assert {head.get("scope") for head in page.all("th")} == {"col", "row"}


def test_the_page_names_its_language_and_fetches_nothing(spanish: dict[str, bytes]) -> None:
    page = page_of(spanish)
    assert page.all("html")[0]["lang"] == "es"
    assert page.all("script") == page.all("link") == page.all("iframe") == []
    assert all((image["src"] or "").startswith("data:image/svg+xml,") for image in page.all("img"))


def test_headings_go_down_step_by_step(spanish: dict[str, bytes]) -> None:
    levels = [int(tag[1]) for tag, _ in page_of(spanish).tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


@pytest.mark.parametrize("name", ["bulletin.html", "bulletin.pdf"])
def test_numbers_have_the_decimal_mark_of_their_language(name: str) -> None:
    texts = {}
    for language in ("es", "en"):
        file = files_of("2026-11a", language)[name]
        texts[language] = (
            file.decode()
            if name.endswith("html")
            else "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(file)).pages)
        )
    assert "63,25" in texts["es"]
    assert "63.25" in texts["en"]
    assert re.search(r"\d\.\d{3}\b", texts["es"])
    assert re.search(r"\d,\d{3}\b", texts["en"])
    shares = {
        lang: re.sub('src="data:[^"]*"', "", text.split("<body>")[-1])
        for lang, text in texts.items()
    }
    assert re.search("\\d\N{NO-BREAK SPACE}%", shares["es"])
    assert not re.search(r"\d%", shares["es"])
    assert re.search(r"\d%", shares["en"])


def test_the_pdf_is_tagged_titled_and_speaks_its_language(spanish: dict[str, bytes]) -> None:
    pdf = PdfReader(io.BytesIO(spanish["bulletin.pdf"]))
    root: Any = pdf.trailer["/Root"]
    assert str(root["/Lang"]) == "es"
    assert root["/MarkInfo"]["/Marked"]
    assert pdf.metadata is not None
    assert "Boletín quincenal" in (pdf.metadata.title or "")
    assert b"pdfuaid" in spanish["bulletin.pdf"]


def test_each_page_of_the_pdf_says_what_the_numbers_are_not(spanish: dict[str, bytes]) -> None:
    for page in PdfReader(io.BytesIO(spanish["bulletin.pdf"])).pages:
        assert "no prevalencia" in page.extract_text()


def test_the_workbook_has_real_numbers_and_a_source_for_each(
    content: Content, spanish: dict[str, bytes]
) -> None:
    book = openpyxl.load_workbook(io.BytesIO(spanish["bulletin.xlsx"]))
    rows = list(book.worksheets[0].iter_rows(min_row=2, values_only=True))
    assert len(rows) > 150
    for row in rows:
        assert isinstance(row[2], int | float) or row[2] == "—"
        assert row[6]
    for sheet in book.worksheets:
        for line in sheet.iter_rows():
            assert all(cell.data_type != "f" for cell in line)


def test_equal_content_gives_equal_bytes(content: Content, spanish: dict[str, bytes]) -> None:
    assert rendered(content, "es", draft=False) == spanish
    assert set(spanish) == set(names(content))


def test_the_charts_of_all_languages_are_drawn_at_once_as_each_alone(
    content: Content, spanish: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def counted(kind: str, argument: dict[str, Any]) -> bytes:
        asked.append(kind)
        return drawn(kind, argument)

    monkeypatch.setattr("reporting.publish.bulletins.rendering.chart_drawings.drawn", counted)
    made = drawings(content, LANGUAGES)
    assert asked == ["charts", *["pictures" for _ in LANGUAGES]]
    for language in LANGUAGES:
        files = spanish if language == "es" else files_of("2026-11a", language)
        assert made[language].keys() == {each.table.id for each in all_charts(content)}
        for name, (svg, png) in made[language].items():
            assert (svg, png) == (files[f"{name}.svg"], files[f"{name}.png"])


def test_a_draft_is_marked_in_page_and_pdf(content: Content) -> None:
    files = rendered(content, "en", draft=True)
    assert b"DRAFT" in files["bulletin.html"]
    first = PdfReader(io.BytesIO(files["bulletin.pdf"])).pages[0].extract_text()
    assert "DRAFT" in first


@pytest.mark.parametrize("language", ["es", "en"])
def test_no_word_of_a_table_stands_over_the_next_column(content: Content, language: str) -> None:
    for section in laid_out(
        content, language, drawings(content, [language])[language], draft=False
    ).sections:
        for table in (each for each in section["blocks"] if each["kind"] == "table"):
            whole = sum(table["widths"])
            for at, (head, width) in enumerate(zip(table["heads"], table["widths"], strict=True)):
                words = [word for row in table["rows"] for word in row[at].text.split(" ")]
                # Ids are printed smaller; headings are bold.
                longest = max(len(word) * (0.8 if len(word) == 36 else 1) for word in words)
                bold = max(1.2 * len(word) for word in head["text"].split(" "))
                assert ROOM * width / whole >= max(longest, bold), (table["id"], head["text"])


def test_no_page_is_blank_and_all_pages_are_drawn(content: Content, tmp_path: Path) -> None:
    charts = drawings(content, ["en"])["en"]
    given = sources(laid_out(content, "en", charts, draft=False))
    for name, encoded in given.items():
        (tmp_path / name).write_bytes(b64decode(encoded))
    pages = typst.compile(
        str(tmp_path / "main.typ"),
        font_paths=[font_source_sans_pro.font_directory],
        format="png",
        ppi=40,
    )
    assert isinstance(pages, list)
    assert len(pages) > 3
    assert all(len(page) > 4_000 for page in pages)


def test_partner_words_cannot_become_markup(content: Content) -> None:
    hostile = '<script>alert(1)</script> #panic("x") ={1+1}'
    document = content.model_dump(mode="json")
    table = next(
        block
        for section in document["sections"]
        for block in section["blocks"]
        if block["kind"] == "table"
    )
    table["rows"][0][0]["text"] = {"es": hostile, "en": hostile}
    files = rendered(Content.model_validate(document), "en", draft=False)
    assert b"<script>" not in files["bulletin.html"]
    pages = PdfReader(io.BytesIO(files["bulletin.pdf"])).pages
    assert "panic" in "".join(page.extract_text() for page in pages)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_stand_out_from_white_and_the_heat_scale_only_gets_darker() -> None:
    for colour in CATEGORIES:
        assert (1 + 0.05) / (_luminance(colour) + 0.05) >= 3, colour
    assert _luminance(SEQUENTIAL[0]) > 0.8
    assert _luminance(SEQUENTIAL[1]) < 0.1


@pytest.mark.parametrize(
    ("scale", "dark_from"), [(SEQUENTIAL, specs._DARK_FROM), (LOUD, tiles._DARK_FROM)]
)
def test_numbers_stand_out_from_every_shade(scale: tuple[str, str], dark_from: float) -> None:
    ends = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in scale]
    for shade in (_ONLY, *(_LEAST + (1 - _LEAST) * level / 20 for level in range(21))):
        mixed = [round(a + (b - a) * shade) for a, b in zip(*ends, strict=True)]
        ground = _luminance("#" + "".join(f"{each:02x}" for each in mixed))
        ink = _luminance("#FFFFFF" if shade > dark_from else INK)
        high, low = max(ground, ink), min(ground, ink)
        assert (high + 0.05) / (low + 0.05) >= LEAST_CONTRAST, (shade, scale)


def test_outside_series_follow_the_own_trends_with_their_provenance(content: Content) -> None:
    names = [section.id for section in content.sections]
    assert names.index("context") == names.index("trends") + 1
    context = content.sections[names.index("context")]
    said = context.model_dump_json()
    assert "https://example.org/series/risk" in said
    (over_time,) = (b for b in context.blocks if isinstance(b, Table) and b.id == "context-1")
    days = [column.text["en"] for column in over_time.columns[1:]]
    assert days == ["1 September 2026", "1 October 2026"], "as far back as the own trends"
    known = [[isinstance(cell, Figure) for cell in row[1:]] for row in over_time.rows]
    assert known == [[True, True], [False, True]]
    # None of its figures is protected, and no other section quotes them.
    for section in content.sections:
        kinds = {
            placed.figure.source.kind
            for placed in all_figures(content, "es")
            if placed.section == section.id
        }
        assert ("outside" in kinds) == (section.id == "context")
        assert section.id != "context" or kinds == {"outside"}
