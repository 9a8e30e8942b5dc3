"""`./ruta test` runs a mutation if its mechanism or test has changed since all mutations last ran."""

import subprocess
from pathlib import Path

import pytest

from tests.support.touched import concerns, touched

OF = ("services/x/src/x/rules.py", "tests/services/x")


@pytest.mark.parametrize(
    "changed",
    [{"services/x/src/x/rules.py"}, {"docs/a.md", "tests/services/x/deeper/test_rules.py"}, None],
    ids=["its file", "its folder", "nobody knows"],
)
def test_a_drill_runs_if_its_files_may_have_changed(changed: set[str] | None) -> None:
    assert concerns(OF, changed)


@pytest.mark.parametrize("changed", [set(), {"services/x/src/x/rules.pyi", "tests/services/xy.py"}])
def test_a_drill_does_not_run_if_its_files_are_the_same(changed: set[str]) -> None:
    assert not concerns(OF, changed)


def test_changes_count_from_the_last_whole_run(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@b.example")
        done = subprocess.run(
            ["git", "-C", str(tmp_path), *who, *words], check=True, capture_output=True, text=True
        )
        touched.cache_clear()
        return done.stdout.strip()

    def last(commit: str, result: str) -> None:
        row = f"| mutations | {commit} | 2026-12-01 | {result} |\n"
        (tmp_path / "drills/LAST.md").write_text(row)

    assert touched(tmp_path) is None
    git("init")
    (tmp_path / "drills").mkdir()
    (tmp_path / "before").touch()
    git("add", ".")
    git("commit", "-m", "before")
    commit = git("rev-parse", "HEAD")
    last(commit, "passed 150, failed 1")
    (tmp_path / "after").touch()
    git("add", ".")
    git("commit", "-m", "after")
    (tmp_path / "before").write_text("not committed")
    last(commit, "failed 1, passed 149")
    assert touched(tmp_path) == frozenset({"after", "before", "drills/LAST.md"})
    git("commit", "-am", "later")
    assert touched(tmp_path) == frozenset({"before", "drills/LAST.md"}), "it did not pass"
    last("f" * 40, "passed 150")
    touched.cache_clear()
    assert touched(tmp_path) is None, "its commit is not here"
    last(commit, "passed 150")
    touched.cache_clear()
    assert touched(tmp_path) == frozenset({"after", "before", "drills/LAST.md"})
