"""People can upload the word-processor document again with other texts and the same numbers. The summary fits on one
page."""

import io
import re
from collections.abc import Callable
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from httpx import AsyncClient
from pypdf import PdfReader
from reporting.publish.bulletins.document.content import Letterhead
from reporting.publish.bulletins.document.words import MOST, with_words
from reporting.publish.bulletins.rendering import docx
from reporting.publish.bulletins.rendering.forms import rendered
from reporting.publish.bulletins.trace import strays

from tests.services.reporting.bulletins.story import bulletin
from tests.services.reporting.bulletins.test_bulletins_api import PATH, as_, story
from tests.services.reporting.bulletins.test_letterhead import body, png

assert story  # the imported fixture publishes the half month
WORDS = {
    "highlights": {"es": "La red llegó a más estados.", "en": "The network reached more states."},
    "helplines": {"es": "Línea de ayuda: 0800 123 4567", "en": "Helpline: 0800 123 4567"},
}
IM = as_("im-officer")
FIGURE = r'(val="figure"/>.*?<w:t [^>]*>)[^<]+'


def edited(document: bytes, change: Callable[[str], str]) -> bytes:
    """Return the document as a word processor would store it after a change."""
    made = io.BytesIO()
    with ZipFile(io.BytesIO(document)) as old, ZipFile(made, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "word/document.xml":
                content = change(content.decode()).encode()
            new.writestr(name, content)
    return made.getvalue()


def typed(section: str, text: str) -> Callable[[str], str]:
    """Return a function that types a text into the section's control."""
    pattern = rf'(<w:tag w:val="words:{section}"/>.*?<w:t xml:space="preserve">)[^<]*'

    def change(document: str) -> str:
        found, count = re.subn(pattern, rf"\g<1>{text}", document, count=1, flags=re.DOTALL)
        assert count == 1
        return found

    return change


@pytest.fixture
async def draft(api: AsyncClient, story: None) -> str:
    made = await api.post(PATH, json={"period": "2026-10a"}, headers=IM)
    assert made.status_code == 201, made.text
    own = f"{PATH}/{made.json()['id']}"
    told = await api.put(f"{own}/words", json={"texts": WORDS}, headers=IM)
    assert told.status_code == 200, told.text
    return own


async def fetched(api: AsyncClient, draft: str) -> bytes:
    answer = await api.get(f"{draft}/files/es/bulletin.docx", headers=IM)
    assert answer.status_code == 200, answer.text
    return answer.content


async def sent(api: AsyncClient, draft: str, document: bytes) -> tuple[int, dict[str, Any]]:
    answer = await api.post(
        f"{draft}/documents/es",
        files={"file": ("bulletin.docx", document)},
        headers=as_("im-officer"),
    )
    return answer.status_code, answer.json()


async def test_a_document_comes_back_with_new_texts(api: AsyncClient, draft: str) -> None:
    document = await fetched(api, draft)
    assert (await sent(api, draft, document))[0] == 200, "unchanged"
    better = edited(document, typed("highlights", "Más personas recibieron ayuda."))
    status, found = await sent(api, draft, better)
    assert status == 200, found
    told = {s["id"]: s["blocks"][0] for s in found["content"]["sections"]}
    assert told["highlights"]["text"]["es"] == "Más personas recibieron ayuda."
    assert told["highlights"]["text"]["en"] == WORDS["highlights"]["en"]


@pytest.fixture(scope="module")
def document() -> bytes:
    return rendered(bulletin(), "es", draft=True)["bulletin.docx"]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: re.sub(FIGURE, r"\g<1>4321", text, count=1, flags=re.DOTALL),
        lambda text: text.replace("Casos reportados", "Casos totales", 1),
        lambda text: text.replace("<w:body>", "<w:body><w:p><w:r><w:t>7</w:t></w:r></w:p>", 1),
    ],
    ids=["a number", "a sentence", "a new paragraph"],
)
def test_a_document_changes_nothing_but_the_texts(
    document: bytes, change: Callable[[str], str]
) -> None:
    assert docx.changed(edited(document, change), document)
    better = edited(document, typed("highlights", "Más personas."))
    assert docx.changed(better, document) == []
    assert docx.texts(better, "es")["highlights"] == "Más personas."


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("<w:body>", "<w:body", 1),
        lambda text: text.replace("<w:document", "<!DOCTYPE a><w:document", 1),
    ],
    ids=["damaged", "entities"],
)
def test_what_is_no_document_is_not_read(document: bytes, change: Callable[[str], str]) -> None:
    with pytest.raises(docx.UnreadableDocumentError):
        docx.texts(edited(document, change), "es")


async def test_a_refused_document_changes_nothing(api: AsyncClient, draft: str) -> None:
    document = await fetched(api, draft)
    before = (await api.get(draft, headers=IM)).json()["content_sha256"]
    for change, code in (
        (
            lambda text: re.sub(FIGURE, r"\g<1>4321", text, count=1, flags=re.DOTALL),
            "number_in_words",
        ),
        (typed("highlights", "Hubo 4321 casos."), "number_in_words"),
        (typed("practices", "Solo en español."), "invalid"),
        (typed("highlights", "a" * (MOST + 1)), "invalid"),
    ):
        status, problem = await sent(api, draft, edited(document, change))
        assert (status, problem["code"]) == (422, code), problem
    assert (await api.get(draft, headers=IM)).json()["content_sha256"] == before


async def test_only_who_prepares_sends_a_document(api: AsyncClient, draft: str) -> None:
    document = await fetched(api, draft)
    files = {"file": ("bulletin.docx", document)}
    for client, status in (("ngo-refugio", 403), ("gbv-coordinator", 200)):
        answer = await api.post(f"{draft}/documents/es", files=files, headers=as_(client))
        assert answer.status_code == status, client
    nothing = await api.post(f"{draft}/documents/es", files={"file": ("a", b"PK")}, headers=IM)
    assert nothing.status_code == 422


@pytest.mark.parametrize("language", ["es", "en"])
def test_the_summary_fits_on_one_page_and_every_form_traces(language: str) -> None:
    long = {"es": "palabras " * (MOST // 9), "en": "words " * (MOST // 6)}
    content = with_words(bulletin(), {"highlights": long, "helplines": WORDS["helplines"]})
    head = Letterhead.model_validate(body(png()))
    files = rendered(content.model_copy(update={"letterhead": head}), language, draft=False)
    summary = PdfReader(io.BytesIO(files["summary.pdf"]))
    assert len(summary.pages) == 1
    assert "0800 123 4567" in summary.pages[0].extract_text()
    whole = content.model_copy(update={"letterhead": head})
    assert strays(whole, language, files) == []
    told = docx.texts(files["bulletin.docx"], language)
    assert told["highlights"] == long[language].strip()
    forged = edited(
        files["bulletin.docx"],
        lambda text: text.replace("<w:body>", "<w:body><w:p><w:r><w:t>98765</w:t></w:r></w:p>"),
    )
    assert [each.number for each in strays(whole, language, {"bulletin.docx": forged})] == ["98765"]
