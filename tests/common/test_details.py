"""Every error response has a code, and each code has a sentence in every language."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from common.errors import CONFLICT, FieldError
from common.words.details import MOST_SHOWN, Detail, said, sentences
from common.words.languages import LANGUAGES
from common.words.tables import rows

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("referrals", "reporting", "services-directory")


# Calls that refer to a text by its code, besides `….because(…)` and `Detail.of(…)`.
CODED = {"Detail", "Coded", "WrongValue", "BadHead", "LargeHead", "NotAnAddress", "NotAReport"} | {
    "BadForm",
    "UnreadableArchiveError",
    "UnsafeArchiveError",
}


def product() -> Iterator[tuple[str, ast.AST]]:
    for source in ("libs/common", "gateway", *(f"services/{name}" for name in SERVICES)):
        for file in (ROOT / source / "src").rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                yield f"{file.name}:{getattr(node, 'lineno', 0)}", node


def refusals() -> Iterator[tuple[str, str, int]]:
    """Yield the product's error responses by code, each with its place, its code and its number of values."""
    for place, node in product():
        match node:
            case ast.Call(func=ast.Attribute(attr="because"), args=[first, *params]):
                pass
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="Detail"), attr="of"), args=[first, *params]
            ):
                pass
            case ast.Call(func=ast.Name(id=name), args=[first, *params]) if name in CODED:
                pass
            case ast.Call(func=ast.Name(id="of_details"), args=[ast.Constant() as first, *params]):
                pass
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="Flaw"), attr="of"),
                args=[_, _, first, *params],
            ):
                pass
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="CellFlaw"), attr="of"),
                args=[_, _, ast.Constant() as first, *params],
            ):
                pass
            case _:
                continue
        for code in [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]:
            if isinstance(code, ast.Constant):
                yield place, str(code.value), len(params)
            else:  # The argument is an attribute or a variable with a Detail.
                assert isinstance(code, ast.Attribute | ast.Name), place


def test_every_refusal_is_in_the_table_and_nothing_else_is() -> None:
    """A new error response is a row in `libs/common/src/common/words/data/details.csv`. Its code never changes."""
    wrong = [
        (place, code)
        for place, code, filled in refusals()
        if code not in sentences() or filled != len(places(sentences()[code]["en"]))
    ]
    assert wrong == [], "say it in details.csv, in every language, with as many places"
    codes = Counter(row["detail_code"] for row in rows("common.words", "data/details"))
    assert [code for code, times in codes.items() if times > 1] == [], (
        "the last one would hide the others"
    )
    said_somewhere = {node.value for _, node in product() if isinstance(node, ast.Constant)}
    assert sorted(sentences().keys() - said_somewhere) == []


def places(text: str) -> set[str]:
    return set(re.findall(r"\{\d\}", text))


def test_a_sentence_has_the_same_places_in_every_language() -> None:
    for code, texts in sentences().items():
        assert len({frozenset(places(texts[language])) for language in LANGUAGES}) == 1, code
        assert all(texts.values()), code


def test_a_refusal_carries_the_code_and_what_it_speaks_of() -> None:
    body = CONFLICT.because("you_have_channels_already_remove_one_first", 6).body()
    assert body["detail"] == "You already have 6 channels. Remove one first."
    assert body["detail_params"] == ("6",)
    assert said(body["detail_code"], body["detail_params"], "es") == (
        "Ya tiene 6 canales. Quite uno primero."
    )
    assert "detail_code" not in CONFLICT.saying("What a library says.").body()
    there = FieldError.of("/address", Detail("you_have_this_channel_already")).body()
    assert said(there["detail_code"], (), "es") == "Ya tiene este canal."
    assert said("newer_than_this", (), "es") is None


def test_an_answer_repeats_a_bounded_part_of_what_was_sent() -> None:
    sent = " " * 8000
    coded = CONFLICT.because("is_not_known_p_code", sent, pointer="/area").body()
    passed_on = CONFLICT.saying(sent, pointer="/area").body()
    for body in (coded, passed_on):
        assert len(body["detail"]) < MOST_SHOWN + 100
        assert len(body["errors"][0]["detail"]) <= MOST_SHOWN
    assert len(coded["detail_params"][0]) == MOST_SHOWN


def test_every_problem_is_a_row_in_both_languages_that_somebody_names() -> None:
    named = {
        str(node.slice.value)
        for _, node in product()
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and ast.unparse(node.value) == "PROBLEMS"
    }
    found = rows("common.words", "data/problems")
    assert [row["code"] for row in found] == sorted(named)
    assert [row["code"] for row in found if not (row["title_en"] and row["title_es"])] == []
    assert [row["code"] for row in found if row["remedy_en"] and not row["remedy_es"]] == []
