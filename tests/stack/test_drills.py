"""drills/LAST.md records a drill's result with its commit and keeps the other rows."""

import subprocess
from pathlib import Path

import pytest
from stack.commands import drills, quality
from stack.errors import StackError
from typer.testing import CliRunner

from tests.support.reference import ROOT

JUNIT = '<testsuites><testsuite tests="9" failures="{0}" errors="{1}" skipped="2"/></testsuites>'


def test_drills_are_folders_and_marked_tests() -> None:
    known = drills._known(ROOT)
    assert {"faults", "restarts", "conformance", "pages", "mutations"} <= known.keys()
    assert "data" not in known


def test_an_unknown_drill_is_refused_with_the_names_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RUTA_HOME", str(ROOT))
    with pytest.raises(StackError, match=r"no drill fults; .*faults"):
        drills.drills(["fults"])


@pytest.mark.parametrize(
    ("place", "command"),
    [("drills/mutations/", "./ruta drills mutations"), ("drills", "./ruta drills NAME")],
)
def test_a_folder_of_drills_is_no_test(
    monkeypatch: pytest.MonkeyPatch, place: str, command: str
) -> None:
    """A folder of drills does not count as a test. Otherwise pytest would run only the mutations of changed files and
    report that all of them passed."""
    monkeypatch.setenv("RUTA_HOME", str(ROOT))
    done = CliRunner().invoke(quality.app, ["test", place])
    assert isinstance(done.exception, StackError)
    assert f"run them with {command}" in str(done.exception)


@pytest.mark.parametrize(
    ("failures", "errors", "result"),
    [(0, 0, "passed 7, skipped 2"), (1, 2, "failed 3, passed 4, skipped 2")],
)
def test_failures_and_errors_are_counted(
    tmp_path: Path, failures: int, errors: int, result: str
) -> None:
    (tmp_path / "results.xml").write_text(JUNIT.format(failures, errors))
    assert drills._counted(tmp_path / "results.xml") == result


def test_a_drill_that_never_began_failed(tmp_path: Path) -> None:
    assert drills._counted(tmp_path / "results.xml") == "failed to start"


def test_a_new_result_replaces_the_row_of_its_drill_only(tmp_path: Path) -> None:
    page = tmp_path / "LAST.md"
    first, second = "0123456789ab", "ba9876543210+"
    for name, commit in (("pages", first), ("faults", first), ("pages", second)):
        drills._keep(page, [name, commit, "2026-12-01", "passed 7", "1.5", "x86_64"])
    rows = page.read_text().split("|---|\n")[1].splitlines()
    assert [row.split(" | ")[:2] for row in rows] == [["| faults", first], ["| pages", second]]


def test_the_page_of_results_is_no_uncommitted_change(tmp_path: Path) -> None:
    def git(*command: str) -> None:
        author = ("-c", "user.name=test", "-c", "user.email=test@example.org")
        subprocess.run(["git", "-C", str(tmp_path), *author, *command], check=True)

    git("init", "-q")
    page = tmp_path / "drills/LAST.md"
    page.parent.mkdir()
    page.write_text("before")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    page.write_text("after another drill")
    assert not drills._commit(tmp_path).endswith("+")
    (tmp_path / "code.py").write_text("")
    assert drills._commit(tmp_path).endswith("+")
