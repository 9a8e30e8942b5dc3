"""Every text for people exists in every language.

Spanish and English are in tables and modules. Each other language is a folder `languages/CODE` in each package. These
tests name each missing text.
"""

import ast
import csv
import json
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from common.words.catalogues import catalogue
from common.words.languages import FURTHER
from common.words.tables import completed

from tests.support.reference import ROOT

PRODUCT = [ROOT / "gateway/src", ROOT / "stack/src", *sorted((ROOT / "libs").glob("*/src")), *sorted((ROOT / "services").glob("*/src"))]  # fmt: skip
COMPLETE = {"completed", "Field"}
"""What gives a text in Spanish and English its further languages; examples of the API stay as they are."""
FIELDS = {"Each", "Written", "DraftText"}
"""Bodies of the API whose fields are the languages; the last two hold what somebody is writing."""
RECORDED = {"answers.json", "examples.json"}


def of_product(pattern: str) -> list[Path]:
    found = (path for source in PRODUCT for path in source.rglob(pattern))
    return sorted(path for path in found if "migrations" not in path.parts)


def said(part: Any) -> Iterator[str]:
    """Yield the English version of every bilingual text."""
    if isinstance(part, dict):
        for name, each in part.items():
            stem = str(name).removesuffix("en")
            if (not stem or stem.endswith("_")) and name != stem and f"{stem}es" in part:
                yield from leaves(each)
            yield from said(each)
    elif isinstance(part, list | tuple):
        for each in part:
            yield from said(each)


def leaves(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield from [part] if part else []
    elif isinstance(part, dict | list | tuple | frozenset):
        for each in part.values() if isinstance(part, dict) else part:
            yield from leaves(each)


def literal(node: ast.Dict) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        try:
            found[ast.literal_eval(key) if key else None] = ast.literal_eval(value)
        except ValueError:
            continue
    return found


def english() -> dict[str, set[str]]:
    """Return, for each package, the texts that a catalogue in another language must contain."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in (
        *of_product("*.csv"),
        *of_product("*.json"),
        *of_product("*.toml"),
        *of_product("*.py"),
    ):
        package = found[path.parts[path.parts.index("src") + 1]]
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".csv":
            package.update(said(list(csv.DictReader(StringIO(text)))))
        elif path.suffix == ".json" and path.name not in RECORDED:
            package.update(said(json.loads(text)))
        elif path.suffix == ".toml":
            package.update(said(tomllib.loads(text)))
        elif path.suffix == ".py":
            dicts = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Dict))
            package.update(each for node in dicts for each in said(literal(node)))
    return found


def test_a_further_language_says_all_of_it() -> None:
    asked = english()
    assert "Emergency" in asked["common"]
    assert "There is something new in Ruta: {address}" in asked["referrals"]
    for language in FURTHER:
        for name, texts in asked.items():
            assert not texts or texts <= catalogue(name, language).keys(), name


def test_a_folder_is_all_that_tables_and_modules_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "helped/languages/pt").mkdir(parents=True)
    (tmp_path / "helped/__init__.py").touch()
    (tmp_path / "helped/languages/pt/all.po").write_text(
        'msgid "Health"\nmsgstr "Sa\u00fade"\n\nmsgid "days"\nmsgstr "dias"\n', encoding="utf-8"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("common.words.tables.FURTHER", ("pt",))
    row = {"code": "H", "label_es": "Salud", "label_en": "Health", "hint_es": "", "hint_en": ""}
    assert completed("helped.a.module", [row])[0]["label_pt"] == "Saúde"
    texts = {"es": {"in": ("días",)}, "en": {"in": ("days",)}}
    assert completed("helped", texts)["pt"] == {"in": ("dias",)}
    assert completed("helped", {"es": "Sí", "en": "Yes"})["pt"] == "Yes", "none said in English"
    sys.modules.pop("helped", None)


def in_modules(kind: type[ast.AST]) -> Iterator[tuple[Path, ast.AST, list[ast.AST]]]:
    """Yield each node of one kind together with its enclosing nodes."""
    for path in of_product("*.py"):
        stack: list[tuple[ast.AST, list[ast.AST]]] = [(ast.parse(path.read_text("utf-8")), [])]
        while stack:
            node, within = stack.pop()
            if isinstance(node, kind):
                yield path.relative_to(ROOT), node, within
            stack += [(each, [*within, node]) for each in ast.iter_child_nodes(node)]


def test_what_a_module_says_in_two_languages_is_completed() -> None:
    alone = [
        f"{path}:{node.lineno}"
        for path, node, within in in_modules(ast.Dict)
        if isinstance(node, ast.Dict)
        and {"es", "en"} <= {key.value for key in node.keys if isinstance(key, ast.Constant)}
        and not any(
            isinstance(each, ast.Call) and getattr(each.func, "id", "") in COMPLETE
            for each in within
        )
    ]
    assert alone == [], 'write completed("package", {"es": …, "en": …})'


def test_no_page_names_the_languages_to_choose_from() -> None:
    alone = [path.name for path in of_product("*.html") if '("es", ' in path.read_text("utf-8")]
    assert alone == [], "use own_names"


def test_one_class_names_the_languages_as_fields() -> None:
    found = {
        node.name
        for _, node, _ in in_modules(ast.ClassDef)
        if isinstance(node, ast.ClassDef)
        and {"es", "en"}
        <= {
            each.target.id
            for each in node.body
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
        }
    }
    assert found == FIELDS
