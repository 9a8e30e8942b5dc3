"""A commit's subject fits on one line of a list."""

import subprocess
from pathlib import Path

from stack.develop.subjects import MOST, too_long


def commit(folder: Path, subject: str) -> None:
    by = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(
        ["git", *by, "commit", "-q", "--allow-empty", "-m", subject], cwd=folder, check=True
    )


def test_a_subject_that_does_not_fit_is_named(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    commit(tmp_path, "a" * MOST)
    assert too_long(str(tmp_path)) == []
    commit(tmp_path, "b" * (MOST + 1))
    assert too_long(str(tmp_path)) == ["b" * (MOST + 1)]


def test_without_a_history_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert too_long(str(tmp_path)) == []
