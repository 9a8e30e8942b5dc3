"""The surroundings of a stack: its processes' lines, variables, the one-line error for a wrong path, and
uninstalling."""

import subprocess
import sys
from pathlib import Path

import pytest
from stack.commands.machine import said_by
from stack.embedded.layout import HOME_VARIABLE

pytestmark = pytest.mark.slow

LINES = [
    "2026-11-27T10:00:00.000Z ruta      │ started\n",
    "2026-11-27T10:00:00.100Z referrals │ first\n",
    "Traceback: goes on without a time\n",
    "2026-11-27T10:00:00.200Z referrals-2│ of a replica\n",
    "2026-11-27T10:00:00.300Z gateway   │ referrals │ is a word here\n",
]


@pytest.mark.parametrize(
    ("process", "expected"),
    [
        (None, [0, 1, 2, 3, 4]),
        ("referrals", [1, 2, 3]),
        ("referrals-2", [3]),
        ("gateway", [4]),
        ("nobody", []),
    ],
)
def test_lines_are_those_of_the_process_that_is_asked_for(
    process: str | None, expected: list[int]
) -> None:
    assert list(said_by(process, LINES)) == [LINES[number] for number in expected]


def ruta(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stack", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", HOME_VARIABLE: str(home)},
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a clone in which `./ruta` has run, with a data directory next to it."""
    (tmp_path / "uv.lock").touch()
    for name in (".venv/bin", ".ruta-env", "data/keys", "data/logs"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "data/logs/stack.log").write_text("".join(LINES), encoding="utf-8")
    return tmp_path


@pytest.mark.laborious
def test_the_version_is_told() -> None:
    assert ruta("--version", home=Path()).stdout.startswith("ruta ")


@pytest.mark.laborious
@pytest.mark.parametrize(
    "arguments",
    [
        ("up", "--data", "{file}", "--port", "0", "--quiet"),
        ("up", "--data", "{file}", "--port", "0", "--detach"),
        ("logs", "--data", "{file}"),
        ("status", "--data", "{file}"),
        ("env", "--data", "{folder}"),
        ("backup", "{file}/there", "--key-file", "{file}/key", "--data", "{folder}"),
        ("restore", "{file}", "--key-file", "{folder}", "--data", "{folder}/new"),
        ("audit", "verify", "--data", "{file}"),
    ],
    ids=" ".join,
)
def test_a_wrong_path_is_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    file, folder = tmp_path / "file", tmp_path / "folder"
    file.touch()
    folder.mkdir()
    done = ruta(*(each.format(file=file, folder=folder) for each in arguments), home=tmp_path)
    said = done.stderr.strip().splitlines()
    assert done.returncode == 1, done.stderr
    assert (len(said), said[-1][:6]) == (1, "ruta: "), done.stderr


@pytest.mark.laborious
def test_logs_show_the_last_lines_of_one(clone: Path) -> None:
    shown = ruta("logs", "referrals", "-n", "2", "--data", str(clone / "data"), home=clone)
    assert shown.stdout == "".join(LINES[2:4])
    nobody = ruta("logs", "nobody", "--data", str(clone / "data"), home=clone)
    assert (nobody.returncode, "nobody" in nobody.stderr) == (1, True)


@pytest.mark.laborious
def test_uninstalling_keeps_data_unless_it_is_named(clone: Path) -> None:
    data = clone / "data"
    wrong = ruta("uninstall", "--with-data", str(clone), "--data", str(data), home=clone)
    assert wrong.returncode == 1
    assert (clone / ".venv").is_dir(), "nothing was removed"
    kept = ruta("uninstall", "--data", str(data), home=clone)
    assert kept.returncode == 0, kept.stderr
    assert f"kept {data}" in kept.stdout
    assert sorted(path.name for path in clone.iterdir()) == ["data", "uv.lock"]
    gone = ruta("uninstall", "--with-data", str(data), "--data", str(data), home=clone)
    assert gone.returncode == 0, gone.stderr
    assert [path.name for path in clone.iterdir()] == ["uv.lock"]


@pytest.mark.laborious
def test_a_folder_that_is_no_stacks_is_never_removed(clone: Path) -> None:
    other = clone / "photos"
    other.mkdir()
    done = ruta("uninstall", "--with-data", str(other), "--data", str(other), home=clone)
    assert done.returncode == 1
    assert other.is_dir()
    assert (clone / ".venv").is_dir()
