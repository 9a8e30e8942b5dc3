"""How a row of drills/mutations changes code, and when its test counts as having detected the change."""

from pathlib import Path

import pytest

from drills.mutations import change
from drills.mutations.change import Change, Drops, Replaces, Returns, Several, Unfit, broken
from drills.mutations.player import judged
from drills.mutations.row import Row

SOURCE = '''
LIMIT = 3

class Case:
    years: int = 18

    async def open(self, caller):  # a comment
        if caller is None or caller.suspended:
            raise PermissionError
        log(caller)
        return self.words(caller)

if LIMIT:
    def closed(case):
        """Told why."""
        log(case)
        log(case)
        return case.years >= LIMIT
'''


@pytest.fixture(autouse=True)
def cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases/rules.py").write_text(SOURCE)
    (tmp_path / "cases/0001_first.py").write_text("X = 1")
    monkeypatch.setattr(change, "SOURCES", [tmp_path / "cases"])


@pytest.mark.parametrize(
    ("symbol", "made", "there", "gone"),
    [
        ("cases.rules:Case.open", Replaces("caller.suspended", "False"), "or False", ".suspended"),
        ("cases.rules:Case.open", Drops("log( caller )"), "pass", "log(caller)"),
        ("cases.rules:Case.open", Returns("'all'"), "return 'all'", "raise"),
        ("cases.rules:Case.years", Replaces("18", "0"), "int = 0", "18"),
        ("cases.rules:LIMIT", Replaces("3", "4"), "LIMIT = 4", "LIMIT = 3"),
        ("cases.rules:closed", Replaces("LIMIT", "0"), ">= 0", ">= LIMIT"),
        (
            "cases.rules:Case.open",
            Several((Drops("log(caller)"), Replaces("caller is None", "True"))),
            "if True or",
            "log(caller)",
        ),
        ("cases.0001_first:X", Replaces("1", "2"), "X = 2", "1"),
    ],
)
def test_a_change_is_made_where_it_is_named(
    symbol: str, made: Change, there: str, gone: str
) -> None:
    _, text = broken(symbol, made)
    assert there in text
    assert gone not in text


@pytest.mark.parametrize(
    ("symbol", "made"),
    [
        ("cases.rules:closed", Replaces("log(case)", "None")),  # Twice.
        ("cases.rules:Case.open", Drops("log(case)")),  # In another one.
        ("cases.rules:Case.shut", Returns("None")),
        ("cases.rules:LIMIT", Returns("None")),
        ("cases.nothing:LIMIT", Replaces("3", "4")),
        ("nothing:LIMIT", Replaces("3", "4")),
    ],
)
def test_a_row_that_does_not_fit_says_so(symbol: str, made: Change) -> None:
    with pytest.raises(Unfit):
        broken(symbol, made)


@pytest.mark.parametrize(
    ("code", "told", "noticed"),
    [
        (1, "E       assert 1 == 2\nFAILED tests/test_a.py::test_it - assert", True),
        (1, "E       ImportError: no\nFAILED tests/test_a.py::test_it - ImportError", False),
        (1, "E       assert 1 == 2\nFAILED tests/test_a.py::test_other - assert", False),
        (0, "1 passed", False),
        (4, "ERROR: not found: tests/test_a.py::test_it", False),
    ],
)
def test_a_test_notices_by_an_assertion_of_its_own(code: int, told: str, noticed: bool) -> None:
    row = Row("promise", "name", "a:b", Returns("None"), "tests/test_a.py::test_it")
    assert judged(row, code, told).noticed is noticed
