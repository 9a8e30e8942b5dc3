"""A function is broken for whoever holds it, and nothing else is taken for a function."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.mutations.in_place import ElsewhereError, break_functions, functions

SOURCE = """
def twice(function):
    def called():
        return function() * 2
    return called

LIMIT = 3

@twice
def limit():
    return LIMIT

class Case:
    def open(self):
        return [each for each in (1, 2) if each > 1]

def made():
    def inner():
        return "right"
    return inner

KEPT = made()
"""


@pytest.fixture
def module(tmp_path: Path) -> ModuleType:
    file = tmp_path / "cases.py"
    file.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("cases", file)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    functions.cache_clear()
    return made


def broken(module: ModuleType, text: str, by: str) -> None:
    assert SOURCE.count(text) == 1
    break_functions(str(module.__file__), SOURCE.replace(text, by))


def test_whoever_holds_a_function_runs_what_is_broken(module: ModuleType) -> None:
    limit, case = module.limit, module.Case()
    assert (limit(), case.open(), module.KEPT()) == (6, [2], "right")
    broken(module, "return LIMIT", "return LIMIT + 1")
    assert (limit(), case.open(), module.KEPT()) == (8, [2], "right")


def test_what_a_decorator_made_is_broken_too(module: ModuleType) -> None:
    limit = module.limit
    broken(module, "function() * 2", "function() * 5")
    assert limit() == 15


def test_lines_may_move(module: ModuleType) -> None:
    case = module.Case()
    broken(module, "    return called\n", "    called = called\n\n    return called\n")
    assert case.open() == [2]
    broken(module, " if each > 1]", "\n            if each > 0]")
    assert case.open() == [1, 2]


def test_what_was_made_within_a_function_is_broken_too(module: ModuleType) -> None:
    broken(module, '"right"', '"wrong"')
    assert module.KEPT() == module.made()() == "wrong"


@pytest.mark.parametrize(("text", "by"), [("LIMIT = 3", "LIMIT = 4"), ("@twice\n", "")])
def test_what_runs_when_it_is_imported_is_not_broken_here(
    module: ModuleType, text: str, by: str
) -> None:
    with pytest.raises(ElsewhereError):
        broken(module, text, by)
