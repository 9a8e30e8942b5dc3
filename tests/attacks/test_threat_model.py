"""The threat model refers only to existing tests, and each of its promises has a mutation row."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from drills.mutations.change import Unfit, broken
from drills.mutations.row import Row
from drills.mutations.rows import ROWS

ROOT = Path(__file__).resolve().parents[2]
MODEL = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
SOURCES = {
    path.name: path for folder in ("tests", "drills") for path in (ROOT / folder).rglob("test_*.py")
}
_TABLE = MODEL.split("## Attack table")[1].split("\n\n## ")[0]
PROMISES = [
    [cell.strip() for cell in line.strip("| ").split(" | ")]
    for line in _TABLE.splitlines()
    if line.startswith("| ") and not line.startswith("| id ")
]


def test_every_named_test_file_exists() -> None:
    named = set(re.findall(r"`((?:tests|drills)/[\w/]+\.py)`", MODEL))
    assert len(named) > 15
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
    short = set(re.findall(r"`(test_\w+\.py)", MODEL))
    assert short - SOURCES.keys() == set()


def test_every_named_test_exists() -> None:
    defined = {
        name
        for path in SOURCES.values()
        for name in re.findall(r"def (test_\w+)\(", path.read_text())
    }
    named = set(re.findall(r"`(?:test_\w+\.py::)?(test_\w+)`", MODEL))
    assert len(named) > 10
    assert named - defined == set()


def test_each_promise_has_its_own_id_and_a_test() -> None:
    ids = [cells[0] for cells in PROMISES]
    assert len(ids) > 150
    assert [name for name in ids if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)] == []
    assert sorted(set(ids)) == sorted(ids)
    assert [name for name, *_, held in PROMISES if ".py`" not in held] == []


def test_each_promise_has_a_row_that_breaks_it() -> None:
    """Each promise has a row in drills/mutations/rows that breaks its protection and names the test that then fails."""
    assert {cells[0] for cells in PROMISES} - {row.promise for row in ROWS} == set()


def test_each_row_breaks_a_promise_and_has_its_own_name() -> None:
    assert {row.promise for row in ROWS} - {cells[0] for cells in PROMISES} == set()
    assert len({row.name for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_fits_the_code_and_its_test_exists(row: Row) -> None:
    try:
        file, text = broken(row.symbol, row.change)
    except Unfit as problem:
        pytest.fail(f"{row.name}: {problem}: change the row as the code was changed")
    if file.suffix == ".py":
        assert ast.dump(ast.parse(text)) != ast.dump(ast.parse(file.read_text(encoding="utf-8")))
    test, _, name = row.noticed_by.partition("::")
    name, case, _ = name.rpartition("::")[2].partition("[")
    assert name in functions_of(ROOT / test), row.noticed_by
    assert not case or functions_of(ROOT / test)[name], f"{row.noticed_by} has no cases any more"


@cache
def functions_of(file: Path) -> dict[str, bool]:
    """Return each function's name and whether it is parametrized."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {
        each.name: any("parametrize" in ast.dump(mark) for mark in each.decorator_list)
        for each in ast.walk(tree)
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_what_concerns_people_is_said_in_spanish_as_well() -> None:
    """The Spanish page names each protection that the referrals tests check, with the same tests."""
    spanish = (ROOT / "docs" / "threat-model.es.md").read_text(encoding="utf-8")
    held = re.compile(r"`((?:tests|drills)/[\w/]+\.py)`")
    of_people = {
        path for path in held.findall(MODEL) if path.startswith("tests/services/referrals")
    }
    assert len(of_people) > 12
    assert of_people - set(held.findall(spanish)) == set()
    assert set(held.findall(spanish)) - set(held.findall(MODEL)) == set()
    assert "(threat-model.es.md)" in MODEL
    assert "(threat-model.md)" in spanish
