"""Whatever a person reads is there in every language: a new one in `common/words/languages.py` makes these tests
name each text that lacks it."""

import ast
import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from common.words.languages import LANGUAGES

from tests.support.reference import ROOT

PRODUCT = [ROOT / "gateway/src", ROOT / "stack/src", *sorted((ROOT / "libs").glob("*/src")), *sorted((ROOT / "services").glob("*/src"))]  # fmt: skip


def of_product(pattern: str) -> list[Path]:
    found = (path for source in PRODUCT for path in source.rglob(pattern))
    return sorted(path.relative_to(ROOT) for path in found if "migrations" not in path.parts)


def lacking(names: Iterable[str]) -> set[str]:
    """Of names such as `es` and `label_es`: those of other languages that should be beside them."""
    given = set(names)
    ends = {name: name.removesuffix("es") for name in given if name == "es" or name.endswith("_es")}
    several = [end for end in ends.values() if f"{end}en" in given]  # else it is no text in two
    return {end + language for end in several for language in LANGUAGES} - given


def in_tables(path: Path) -> set[str]:
    with (ROOT / path).open(encoding="utf-8", newline="") as file:
        return lacking(next(csv.reader(file), []))


def in_objects(path: Path) -> set[str]:
    def objects(part: Any) -> Iterator[set[str]]:
        if isinstance(part, dict):
            yield set(part)
        for each in (
            part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        ):
            yield from objects(each)

    found = objects(json.loads((ROOT / path).read_text(encoding="utf-8")))
    return {name for names in found for name in lacking(names)}


def in_module(text: str) -> set[str]:
    """Members of dictionaries, fields of classes, arguments of calls."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Dict):
            names = {key.value for key in node.keys if isinstance(key, ast.Constant)}
            found |= lacking(name for name in names if isinstance(name, str))
        elif isinstance(node, ast.ClassDef):
            fields = [each.target for each in node.body if isinstance(each, ast.AnnAssign)]
            found |= lacking(each.id for each in fields if isinstance(each, ast.Name))
        elif isinstance(node, ast.Call):
            found |= lacking(each.arg for each in node.keywords if each.arg)
        elif isinstance(node, ast.FunctionDef):
            found |= lacking(each.arg for each in node.args.args)
    return found


@pytest.mark.parametrize("path", of_product("*.csv"), ids=str)
def test_a_table_has_its_texts_in_every_language(path: Path) -> None:
    assert in_tables(path) == set()


@pytest.mark.parametrize("path", of_product("*.json"), ids=str)
def test_so_has_a_file_of_texts(path: Path) -> None:
    assert in_objects(path) == set()


def test_so_has_a_module() -> None:
    found = {str(path): in_module((ROOT / path).read_text()) for path in of_product("*.py")}
    assert {path: names for path, names in found.items() if names} == {}


def test_a_language_more_is_missed_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.LANGUAGES", (*LANGUAGES, "pt"))
    assert lacking(["code", "label_es", "label_en"]) == {"label_pt"}
    assert in_objects(Path("services/referrals/src/referrals/listening/line/texts.json")) == {"pt"}
    module = (
        'TEXT = {"es": "sí", "en": "yes"}\nclass Label:\n    label_es: str\n    label_en: str\n'
    )
    assert in_module(f"{module}text(es='sí', en='yes')\n") == {"pt", "label_pt"}
