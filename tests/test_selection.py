"""What is made once for a folder is made once in a run, not once for each worker."""

import os
import subprocess
import sys
from pathlib import Path

from stack.commands.quality import in_parallel

from tests.support.reference import ROOT

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
    with pathlib.Path(os.environ["WORKERS"]).open("a") as workers:
        workers.write(os.environ["PYTEST_XDIST_WORKER"] + "\\n")
"""


def test_a_folder_that_shares_a_fixture_stays_on_one_worker(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": "[tool.pytest.ini_options]\nmarkers = ['slow']\n",
        "sharing/conftest.py": SHARED,
        "sharing/test_one.py": USING,
        "sharing/test_two.py": USING,
        "sharing/test_three.py": USING,
        "test_alone.py": ALONE,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    made, workers = tmp_path / "made", tmp_path / "workers"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.support.selection", *in_parallel()],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "MADE": str(made),
            "WORKERS": str(workers),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "61 passed" in done.stdout
    assert made.read_text() == "once\n"
    assert workers.exists()
