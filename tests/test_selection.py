"""A folder's fixture is created once per run, not once per worker. The longest groups start first, so that no worker is
left running alone at the end."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from stack.commands.quality import in_parallel

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
# Loading other plugins takes longer than these tests.
ONLY_THOSE = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
PLUGINS = ("-p", "xdist.plugin", "-p", "tests.support.selection")


def run(folder: Path, options: list[str], *, fails: bool = False, **environment: str) -> str:
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\nmarkers = ['slow']\n")
    # These tests may run on a worker, but the inner run must not treat itself as one.
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
