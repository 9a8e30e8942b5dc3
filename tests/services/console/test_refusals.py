"""A refusal explains why and what to do, in the reader's language and without jargon."""

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import pytest
from common.errors import PROBLEMS
from common.words.languages import LANGUAGES
from console.texts import wording

from tests.services.console.answered import Console, console

_PROGRAMMERS = re.compile(r"\b(GET|POST|PUT|ETag|If-Match|Idempotency|id)\b|/v\d|[?&]\w+=|_|`")
_COLUMNS = {
    "code": "headers_missing",
    "status": 422,
    "title": "Ruta did not find the column headers",
    "detail": "These columns are missing: Municipio / Municipality.",
    "detail_code": "columns_are_missing",
    "detail_params": ["Municipio / Municipality"],
}
_PERIOD = {"code": "period_not_ended", "status": 409, "title": "The period has not ended yet"}
_NEWER = {"code": "of_tomorrow", "status": 409, "title": "The moon is not full"}


@pytest.fixture
async def pages(tmp_path: Path) -> AsyncIterator[Console]:
    async with console(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_problem_is_told_in_plain_words(language: str) -> None:
    say = wording(language)
    assert [code for code in PROBLEMS if not say.has(f"problem.{code}")] == []
    told = {code: say(f"problem.{code}") for code in PROBLEMS}
    assert {code: text for code, text in told.items() if _PROGRAMMERS.search(text)} == {}


async def refused(pages: Console, language: str, body: dict[str, object]) -> str:
    pages.api.instead["POST /reports/v1/closings"] = (int(str(body["status"])), body)
    pages.http.cookies.set("ruta-language", language)
    answer = await pages.send("/console/releases", {"period": "2999-01a"})
    assert answer.status_code == body["status"]
    summary = answer.text.partition("govuk-error-summary")[2].partition("</ul>")[0]
    return unescape(re.sub(r"<[^>]+>", " ", summary))


async def test_a_refused_form_shows_the_reason_and_the_remedy(pages: Console) -> None:
    said = await refused(pages, "es", _PERIOD)
    assert "El período todavía no ha terminado. Puede cerrarlo a partir del día siguiente" in said
    said = await refused(pages, "en", _PERIOD)
    assert "The period has not ended yet. You can close it from the day after its last day." in said
    said = await refused(pages, "es", _COLUMNS)
    assert "Descargue la plantilla" in said
    assert "Faltan estas columnas: Municipio / Municipality." in said


async def test_a_code_newer_than_the_pages_is_told_in_the_words_of_the_api(pages: Console) -> None:
    assert "The moon is not full" in await refused(pages, "en", _NEWER)
    assert "moon" not in await refused(pages, "es", _NEWER)
