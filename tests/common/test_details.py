"""Every sentence with which something is refused has a stable code and is said in every language."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from common.details import detail_of, said, sentences
from common.errors import CONFLICT, FieldError
from common.languages import LANGUAGES

ROOT = Path(__file__).resolve().parents[2]
# Nothing but what somebody else says, or a heading for it.
PASSED_ON = {"{0}: {1}{2}", "{0}: {1}", "{0}.", "Stop here."}


def refusals() -> Iterator[str]:
    """The sentences of `….because(…)` in the product, as the table has them; what is made elsewhere is not one."""
    for source in (ROOT / "libs/common/src", ROOT / "gateway/src", *ROOT.glob("services/*/src")):
        for file in source.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                match node:
                    case ast.Call(
                        func=ast.Attribute(attr="because"), args=[ast.IfExp() as first, *_]
                    ):
                        yield from filter(None, map(sentence, (first.body, first.orelse)))
                    case ast.Call(func=ast.Attribute(attr="because"), args=[first, *_]):
                        yield from filter(None, [sentence(first)])


def sentence(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if not isinstance(node, ast.JoinedStr):
        return None
    places = iter(range(10))
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else f"{{{next(places)}}}"
        for part in node.values
    )


def test_every_refusal_is_in_the_table_and_nothing_else_is() -> None:
    """A new sentence is a row in `libs/common/src/common/data/details.csv`: its code stays for good."""
    found = set(refusals()) - PASSED_ON
    known = {each["en"] for each in sentences().values()}
    assert sorted(found - known) == [], "say it in details.csv, in every language"
    assert sorted(known - found) == []


def test_a_sentence_has_the_same_places_in_every_language() -> None:
    for code, texts in sentences().items():
        places = {
            language: sorted(re.findall(r"\{\d\}", texts[language])) for language in LANGUAGES
        }
        assert len(set(map(tuple, places.values()))) == 1, code
        assert all(texts.values()), code


@pytest.mark.parametrize("code", sentences())
def test_each_sentence_is_found_again_with_what_was_filled_in(code: str) -> None:
    text = sentences()[code]["en"]
    places = sorted(set(re.findall(r"\{(\d)\}", text)))
    filled = re.sub(r"\{(\d)\}", lambda place: f"<{place[1]}>", text)
    found = detail_of(filled)
    assert found is not None
    assert (found.code, found.params) == (code, tuple(f"<{number}>" for number in places))
    assert said(code, found.params, "en") == filled


def test_a_refusal_carries_the_code_and_what_it_speaks_of() -> None:
    body = CONFLICT.because("You have 6 channels already: remove one first.").body()
    assert body["detail_params"] == ("6",)
    assert said(body["detail_code"], body["detail_params"], "es") == (
        "Ya tiene 6 canales: quite uno primero."
    )
    assert "detail_code" not in CONFLICT.because("What a library says.").body()
    there = FieldError("/address", "You have this channel already.").body()
    assert said(there["detail_code"], (), "es") == "Ya tiene este canal."
    assert said("newer_than_this", (), "es") is None
