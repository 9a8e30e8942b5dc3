"""Of rows that are played in one process only that is told which a row, and nothing else, made fail."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutations.in_place import functions
from tests.mutations.together import Row, Together

SOURCE = """
def allowed():
    return False
"""
TESTS = """
import asked_by_tests

RUNS = []

def test_that_holds_once_only():
    RUNS.append(1)
    assert len(RUNS) == 1

def test_that_nobody_is_allowed():
    assert not asked_by_tests.allowed()

def test_that_breaks_down():
    {}[asked_by_tests.allowed() and "nothing"] if asked_by_tests.allowed() else None

def test_of_something_else():
    assert asked_by_tests
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    file = tmp_path / "asked_by_tests.py"
    file.write_text(SOURCE)
    (tmp_path / "test_asking.py").write_text(TESTS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    importlib.import_module(file.stem)
    functions.cache_clear()
    yield file
    del sys.modules[file.stem]
    functions.cache_clear()


def test_what_failed_before_and_after_or_broke_down_is_not_told(module: Path) -> None:
    names = ["holds_once_only", "nobody_is_allowed", "breaks_down", "of_something_else"]
    rows = [
        Row(
            name=name,
            file=str(module),
            broken=SOURCE.replace("False", "True"),
            noticed_by=f"test_asking.py::test_{'' if name.startswith('of') else 'that_'}{name}",
        )
        for name in names
    ]
    results = module.parent / "noticed.json"
    (module.parent / "pytest.ini").write_text("[pytest]\n")
    arguments = [
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:asyncio",
        "--rootdir=.",
        "test_asking.py",
    ]
    pytest.main(arguments, plugins=[Together(rows, results)])
    assert list(json.loads(results.read_text())) == ["nobody_is_allowed"]
    assert not importlib.import_module(module.stem).allowed()
