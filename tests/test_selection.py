"""What is made once for a folder is made once in a run, not once for each worker; and the longest
begin first, so that no worker is alone at the end."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from stack.commands.quality import MOST_UNSTEADY, alone, in_memory, in_parallel

from tests.support.reference import ROOT

pytestmark = [pytest.mark.laborious, pytest.mark.slow]

SHARED = """
import os, pathlib, pytest
@pytest.fixture(scope="package")
def dear():
    with pathlib.Path(os.environ["MADE"]).open("a") as made:
        made.write("once\\n")
"""
USING = """
import pytest
@pytest.mark.parametrize("n", range(20))
def test_it(dear, n): pass
"""
ALONE = """
import os, pathlib
def test_it():
    with pathlib.Path(os.environ["BEGAN"]).open("a") as began:
        began.write(__name__.rpartition(".")[2] + "\\n")
"""
# What else is installed takes longer to begin than these tests to run.
ONLY_THOSE = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
PLUGINS = ("-p", "xdist.plugin", "-p", "tests.support.selection")
UNSTEADY = """
import pathlib, pytest
@pytest.mark.parametrize("case", ["one [of] two"])
def test_unsteady(case):
    seen = pathlib.Path(__file__).with_suffix(".seen")
    before = seen.exists()
    seen.touch()
    assert before
"""
WRONG = """
def test_it(): assert False
"""


def run(folder: Path, options: list[str], *, fails: bool = False, **environment: str) -> str:
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\nmarkers = ['slow']\n")
    # Where these tests themselves run on a worker, the inner run must not take itself for one.
    outside = {name: each for name, each in os.environ.items() if "PYTEST" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *PLUGINS, *options],
        cwd=folder,
        env={**outside, "PYTHONPATH": str(ROOT), ONLY_THOSE: "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == fails, done.stdout + done.stderr
    return done.stdout


def test_what_took_longest_in_the_last_run_begins_first(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"test_{name}.py").write_text(ALONE)
    taken = tmp_path / ".pytest_cache/v/ruta/seconds"
    taken.parent.mkdir(parents=True)
    taken.write_text(json.dumps({"test_b.py": 5, "test_c.py": 30, "test_gone.py": 90}))
    began = tmp_path / "began"
    run(tmp_path, ["-n", "1", *in_parallel()[2:]], BEGAN=str(began))
    assert began.read_text().split() == ["test_c", "test_b", "test_a"]
    assert set(json.loads(taken.read_text())) == {"test_a.py", "test_b.py", "test_c.py"}


def test_a_folder_that_shares_a_fixture_stays_on_one_worker(tmp_path: Path) -> None:
    files = {
        "sharing/conftest.py": SHARED,
        "sharing/test_one.py": USING,
        "sharing/test_two.py": USING,
        "sharing/within/test_three.py": USING,
        "test_alone.py": ALONE,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    made, began = tmp_path / "made", tmp_path / "began"
    told = run(tmp_path, in_parallel(), MADE=str(made), BEGAN=str(began))
    assert "61 passed" in told
    assert made.read_text() == "once\n"
    assert began.exists()


def test_what_holds_alone_is_named_and_what_fails_there_too_fails(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p tests.support.selection")
    monkeypatch.setenv(ONLY_THOSE, "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for worker in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_TESTRUNUID"):
        monkeypatch.delenv(worker, raising=False)
    (tmp_path / "test_steady.py").write_text("def test_it(): pass")
    (tmp_path / "test_unsteady.py").write_text(UNSTEADY)
    assert alone(tmp_path, 1) == 1, "it ended before any test did"
    run(tmp_path, in_parallel(), fails=True)
    assert alone(tmp_path, 0) == 0
    assert [alone(tmp_path, code) for code in (2, 3, -9)] == [2, 3, -9], (
        "it did not come to its end"
    )
    assert alone(tmp_path, 1) == 0
    told = capfd.readouterr().out
    assert "unsteady test_unsteady.py::test_unsteady[one [of] two]" in told
    assert "steady.py::test_it" not in told
    (tmp_path / "test_unsteady.seen").unlink()
    (tmp_path / "test_wrong.py").write_text(WRONG)
    run(tmp_path, in_parallel(), fails=True)
    assert alone(tmp_path, 1) == 1
    assert "unsteady test" not in capfd.readouterr().out


def test_of_many_failures_none_is_tried_again(tmp_path: Path) -> None:
    for number in range(MOST_UNSTEADY + 1):
        (tmp_path / f"test_{number}.py").write_text(UNSTEADY)
    run(tmp_path, in_parallel(), fails=True)
    assert alone(tmp_path, 1) == 1
    assert len(list(tmp_path.glob("*.seen"))) == MOST_UNSTEADY + 1


def test_a_whole_run_lies_in_memory_where_there_is_room_and_what_was_left_there_goes(
    tmp_path: Path,
) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left, running = tmp_path / f"ruta-tests-{ended.pid}", tmp_path / f"ruta-tests-{os.getppid()}"
    for each in (left, running):
        (each / "postgres").mkdir(parents=True)
    assert in_memory(tmp_path, room=0) == tmp_path / f"ruta-tests-{os.getpid()}"
    assert running.exists()
    assert not left.exists()
    assert in_memory(tmp_path, room=1 << 60) is None
    assert in_memory(tmp_path / "none", room=0) is None


def test_a_whole_run_does_not_lie_where_no_program_may_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted = SimpleNamespace(f_flag=os.ST_NOEXEC)
    monkeypatch.setattr(os, "statvfs", lambda _path: mounted)
    assert in_memory(tmp_path, room=0) is None
