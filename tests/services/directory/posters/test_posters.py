"""A poster has one page, both languages, only the public level, and a code for the current page."""

import io
import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

import pytest
from common.pages.look import EXIT_SCRIPT
from directory.pathways.definition.proposals import AORS, proposal
from directory.pathways.planning.alternatives import course_for_nobody
from directory.show.posters import poster_files
from directory.show.posters.content import Poster, PublicService, poster
from httpx import AsyncClient
from pypdf import PageObject, PdfReader

from tests.services.directory.conftest import as_

pytestmark = [pytest.mark.laborious, pytest.mark.slow]

URL = "/directory/v1/posters"


def crowded(aor: str, language: str, services: int) -> Poster:
    """Return a poster of Maracaibo with many long services at every step."""
    full = PublicService(
        name="Centro de Atención Integral a Mujeres, Niñas y Adolescentes «Las Acacias»",
        organisation="Asociación Civil Ficticia para la Protección de la Familia del Lago",
        place="Avenida 5 de Julio con calle 72, edificio ficticio, piso 2, Maracaibo",
        phones=("+58 261 000 0000", "+58 414 000 0000"),
        hours="lun–vie 08:00–16:00, sáb 08:00–12:00",
    )
    shipped = proposal(aor, "VE2313")
    return poster(
        shipped,
        course_for_nobody(shipped, "VE2313"),
        {step.need: [full] * services for step in shipped.steps},
        area="VE2313",
        language=language,
        version="VE:12 VE23:3",
        today=date(2026, 11, 25),
        url=f"https://ruta.example.org/directory/v1/posters/VE2313/{aor}?language={language}",
    )


@cache
def paper(aor: str, services: int) -> PdfReader:
    """Return the Spanish poster, laid out once for all tests."""
    return PdfReader(io.BytesIO(poster_files.pdf(crowded(aor, "es", services))))


@pytest.mark.parametrize("aor", AORS)
@pytest.mark.parametrize("services", [0, 1, 3])
def test_a_poster_is_one_a4_page_whatever_it_holds(aor: str, services: int) -> None:
    pages = paper(aor, services).pages
    assert len(pages) == 1
    width, height = (float(side) * 25.4 / 72 for side in pages[0].mediabox[2:])
    assert (round(width), round(height)) == (210, 297)


@pytest.mark.parametrize("aor", AORS)
@pytest.mark.parametrize("services", [1, 3])
def test_nothing_is_cut_off_and_nothing_runs_into_the_foot(aor: str, services: int) -> None:
    content = crowded(aor, "es", services)
    page = paper(aor, services).pages[0]
    text = _words(page.extract_text())
    for band in content.bands:
        assert _words(band.title) in text
        for step in band.steps:
            assert _words(step.title) in text
    for line in (content.choice, content.verify, content.updated, content.version):
        assert _words(line) in text
    steps = sum(len(band.steps) for band in content.bands)
    printed = text.count(_words("Las Acacias"))
    assert printed >= steps
    if printed < steps * services:
        assert _words(content.labels["more"]) in text
    heights = _heights(page)
    foot = heights["Verifique"][0]
    assert min(heights["Acacias"]) > foot
    assert min(min(each) for each in heights.values()) > 0


def _heights(page: PageObject) -> dict[str, list[float]]:
    """Return, for each word, the heights of its lines above the lower edge, in points."""
    found: dict[str, list[float]] = {}

    def visit(text: str, cm: list[float], tm: list[float], *_: object) -> None:
        height = tm[5] * cm[3] + cm[5]
        for word in re.findall(r"[A-Za-zÁ-ú]{4,}", text):
            found.setdefault(word, []).append(height)

    page.extract_text(visitor_text=visit)
    return found


def _words(text: str) -> str:
    return re.sub(r"[\s\-–]+", "", text)


def test_a_poster_is_legible_in_black_and_white() -> None:
    """The page uses only black and white, so colour carries no meaning."""
    contents = paper("GBV", 1).pages[0].get_contents()
    assert contents is not None
    stream = contents.get_data().decode("latin-1")
    colours = set(_colours(stream))
    assert colours
    for values in colours:
        assert set(values) <= {0.0, 1.0}, values


def _colours(stream: str) -> Iterator[tuple[float, ...]]:
    for numbers in re.findall(r"((?:[\d.]+ )+)(?:rg|RG|g|G|scn|SCN)\b", stream):
        yield tuple(float(number) for number in numbers.split())


def test_texts_are_data_and_never_markup() -> None:
    content = crowded("GBV", "es", 0)
    hostile = PublicService(
        name='#panic("x") *bold* <script>alert(1)</script> $x$ `raw`',
        organisation="\\ #let x = 1", place="[link]", phones=("<b>",), hours='"quoted"',
    )  # fmt: skip
    shipped = proposal("GBV", "VE2313")
    content = poster(
        shipped, course_for_nobody(shipped, "VE2313"), {step.need: [hostile] for step in shipped.steps}, area="VE2313", language="es",
        version="VE:1", today=date(2026, 11, 25), url="https://ruta.example.org/x",
    )  # fmt: skip
    assert "#panic" in PdfReader(io.BytesIO(poster_files.pdf(content))).pages[0].extract_text()
    page = poster_files.html(content, "https://example.org/")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


async def test_the_poster_of_maracaibo_names_public_services_and_where_to_verify(
    api: AsyncClient, scenario: dict[str, UUID]
) -> None:
    answer = await api.get(f"{URL}/VE2313/GBV", headers=as_("anonymous"))
    assert answer.status_code == 200
    page = answer.text
    for text in (
        "Ruta de atención en violencia basada en género", "Maracaibo, Zulia, Venezuela",
        "Hospital Ficticio del Lago", "+58 000 000 0000", "Confirme antes de ir",
        "Línea Ficticia de Protección", "Propuesta incluida con Ruta", "<svg",
        '<a href="tel:911">911</a>: Emergencias', "Versión de la ruta: propuesta",
        "Su ubicación nunca se publica", "lun–vie 08:00–16:00", "todos los días, 24 horas",
    ):  # fmt: skip
        assert text in page
    for hidden in ("Casa de abrigo Zulia", "Asistencia legal Lago", "Apoyo psicosocial Relámpago"):
        assert hidden not in page
    assert 'class="exit" href="https://www.wikipedia.org/"' in page, (
        "also on the phone that scanned it"
    )
    assert "script" not in page.replace(f"<script>{EXIT_SCRIPT}</script>", "")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


async def test_hours_are_said_in_the_posters_language(
    api: AsyncClient, scenario: dict[str, UUID]
) -> None:
    page = (await api.get(f"{URL}/VE2313/GBV?language=en", headers=as_("anonymous"))).text
    assert "Mon–Fri 08:00–16:00" in page
    assert "MO,TU" not in page


async def test_a_coordinators_poster_shows_no_more_than_anybodys(
    api: AsyncClient, scenario: dict[str, UUID]
) -> None:
    for form in ("html", "pdf"):
        url = f"{URL}/VE2313/GBV?format={form}"
        one = await api.get(url, headers=as_("anonymous"))
        other = await api.get(url, headers=as_("gbv-coordinator"))
        assert _text(form, one.content) == _text(form, other.content)


def _text(form: str, content: bytes) -> str:
    if form == "html":
        return content.decode()
    return PdfReader(io.BytesIO(content)).pages[0].extract_text()


@pytest.mark.parametrize(
    ("form", "kind", "magic"),
    [("pdf", "application/pdf", b"%PDF"), ("png", "image/png", b"\x89PNG"),
     ("html", "text/html; charset=utf-8", b"<!doctype html>")],
)  # fmt: skip
async def test_every_format_is_served_in_both_languages(
    api: AsyncClient, scenario: dict[str, UUID], form: str, kind: str, magic: bytes
) -> None:
    for language in ("es", "en"):
        params = {"format": form, "language": language}
        answer = await api.get(f"{URL}/VE2313/TIP", params=params, headers=as_("anonymous"))
        assert answer.headers["content-type"] == kind
        assert answer.content.startswith(magic)


@pytest.mark.parametrize(
    ("path", "params"),
    [("VE9999/GBV", {}), ("VE2313/WASH", {}), ("VE2313/GBV", {"language": "fr"}),
     ("VE2313/GBV", {"format": "doc"}), ("Maracaibo/GBV", {})],
)  # fmt: skip
async def test_bad_questions_are_422(api: AsyncClient, path: str, params: dict[str, Any]) -> None:
    answer = await api.get(f"{URL}/{path}", params=params, headers=as_("anonymous"))
    assert answer.status_code == 422


@pytest.mark.parametrize("aor", AORS)
@pytest.mark.parametrize("language", ["es", "en"])
def test_a_poster_has_no_abbreviation_of_our_trade(aor: str, language: str) -> None:
    shown = crowded(aor, language, 1)
    said = [shown.title] + [
        text
        for band in shown.bands
        for step in band.steps
        for text in (step.title, step.instead, *step.notes)
    ]
    assert not re.findall(r"\b(NNA|VBG|PEAS|GBV|PSEA|MHPSS|UASC)\b", " ".join(said))
    assert all(text[:1] == text[:1].upper() for text in said)
