"""Papers as PDF: texts are printed as they were typed, and a paper with a missing part is refused or says so."""

import io
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pypdf
import pytest
from console.screens.papers import Paper, Part, pdf

from tests.services.console.answered import AWAY, Console, console
from tests.services.console.test_unanswered import CASE, EN, PAGE

COPY = f"/console/cases/{PAGE}/copy.pdf"


@pytest.fixture
async def pages(tmp_path: Path) -> AsyncIterator[Console]:
    async with console(tmp_path) as opened:
        yield opened


def text_of(content: bytes) -> str:
    read = pypdf.PdfReader(io.BytesIO(content))
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in read.pages))


def test_a_text_is_printed_as_it_was_typed() -> None:
    """The author of a note must not be able to alter the rest of the paper."""
    typed = '#panic("no") *not bold* $x$ @ref <label> \\ #include "/etc/passwd" ñandú — 日🙂'
    part = Part(
        typed, [(typed, typed)], (typed,), ((typed,),), (typed, "a" * 5000, "uno\ndos"), typed
    )
    printed = pdf(Paper("es", typed, typed, [part], "Página web", typed))
    said = text_of(printed)
    assert said.count('#panic("no") *not bold* $x$ @ref <label> \\ #include "/etc/passwd"') >= 8
    assert said.count("ñandú") >= 8
    assert len(pypdf.PdfReader(io.BytesIO(printed)).pages) >= 2
    catalogue: Any = pypdf.PdfReader(io.BytesIO(printed)).trailer["/Root"]
    assert catalogue["/Lang"] == "es"
    assert catalogue["/MarkInfo"]["/Marked"], "tagged for screen readers"


async def test_a_copy_with_a_missing_part_is_not_printed(pages: Console) -> None:
    """A copy with a missing part is not printed, because the person would take it for everything that is stored about
    her."""
    whole = await pages.open(f"{COPY}?language=es")
    assert whole.headers["content-type"] == "application/pdf"
    assert whole.headers["content-disposition"].startswith("attachment; ")
    assert whole.headers["cache-control"] == "no-store"
    assert "Copia de mi caso" in text_of(whole.content)
    parts = {call for call, _ in pages.api.asked}
    assert f"GET {CASE}/entries" in parts
    for part in parts:
        pages.api.instead = {part: AWAY}
        for path in (COPY, COPY.removesuffix(".pdf")):
            assert (await pages.open(path)).status_code == 503, (path, part)


async def test_a_pack_says_which_part_is_missing_and_claims_nothing_of_it(pages: Console) -> None:
    late = "/referrals/v1/timers/overdue/organisations"
    pages.api.instead = {f"GET {late}": (200, [])}
    assert EN("meeting.none_late") in text_of((await pages.open("/console/meeting.pdf")).content)
    pages.api.instead = {f"GET {late}": AWAY}
    said = text_of((await pages.open("/console/meeting.pdf")).content)
    assert EN("case.away", what=EN("meeting.part.late")) in said
    assert EN("meeting.none_late") not in said
