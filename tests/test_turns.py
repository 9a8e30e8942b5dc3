"""A drill waits for its turn only where nothing that it is about changed, and never for longer than two days."""

import subprocess
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.support.turns import COMMITS, due, touched_lately

OF = ("services/x/src/x/rules.py", "tests/services/x")
DAYS = [date(2026, 11, 29) + timedelta(days=n) for n in range(7)]


@pytest.mark.parametrize(
    "touched",
    [{"services/x/src/x/rules.py"}, {"docs/a.md", "tests/services/x/deeper/test_rules.py"}, None],
    ids=["its file", "its folder", "nobody knows"],
)
def test_what_may_have_changed_is_due_every_day(touched: set[str] | None) -> None:
    assert all(due("drill", OF, touched, day) for day in DAYS)


@pytest.mark.parametrize("touched", [set(), {"services/x/src/x/rules.pyi", "tests/services/xy.py"}])
def test_what_did_not_is_due_every_third_day(touched: set[str]) -> None:
    for drill in map(str, range(50)):
        turns = [day for day in DAYS if due(drill, OF, touched, day)]
        assert len(turns) in {2, 3}
        assert {(later - turns[0]).days % 3 for later in turns} == {0}
    assert 10 < sum(due(str(n), OF, touched, DAYS[0]) for n in range(50)) < 25


def test_a_folder_without_its_history_says_nothing_of_what_was_touched(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@b.example")
        subprocess.run(["git", "-C", str(tmp_path), *who, *words], check=True, capture_output=True)

    assert touched_lately(tmp_path) is None
    git("init")
    for number in range(COMMITS):
        (tmp_path / "file").write_text(str(number))
        git("add", ".")
        git("commit", "-m", "one more")
        assert touched_lately(tmp_path) is None
        touched_lately.cache_clear()
    (tmp_path / "last").touch()
    git("add", ".")
    assert touched_lately(tmp_path) is None
    touched_lately.cache_clear()
    git("commit", "-m", "the last")
    (tmp_path / "file").write_text("not committed")
    assert touched_lately(tmp_path) == frozenset({"file", "last"})
