"""Runs a row of the table. pytest runs the named test in its own process, with a broken copy of one package first in
the path.

Processes that the test starts find the same copy through PYTHONPATH.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from drills.mutations.change import ROOT, broken
from drills.mutations.row import Row


@dataclass(frozen=True)
class Played:
    noticed: bool
    told: str
    """What the test said, or the end of its output if it did not notice."""


def play(row: Row) -> Played:
    """Run the row; the named test must fail by its own assertion, not by a crash."""
    file, text = broken(row.symbol, row.change)
    package = next(folder for folder in file.parents if folder.parent.name == "src")
    with tempfile.TemporaryDirectory(prefix="ruta-mutation-") as folder:
        copy = Path(folder) / package.name
        # Python would use a compiled file with the same time and size, so the broken copy contains none.
        shutil.copytree(package, copy, ignore=shutil.ignore_patterns(f"{file.stem}.*.pyc"))
        (copy / file.relative_to(package)).write_text(text, encoding="utf-8")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
                *(f"--basetemp={folder}/tests", row.noticed_by),
            ],
            cwd=ROOT,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    return judged(row, done.returncode, done.stdout)


def judged(row: Row, code: int, told: str) -> Played:
    failed = re.search(rf"^FAILED {re.escape(row.noticed_by)}.*", told, re.MULTILINE)
    # Hypothesis groups several failing examples, and their lines begin with a bar.
    by_itself = re.search(r"^(E|    \|) +(AssertionError|assert |Failed: )", told, re.MULTILINE)
    if code == 1 and failed and by_itself:
        return Played(noticed=True, told=failed[0])
    return Played(noticed=False, told="\n".join(told.splitlines()[-12:]))


def _environment(folder: str) -> dict[str, str]:
    """Return our environment without the variables of test workers. The copy of `stack` finds the project through
    RUTA_HOME."""
    ours = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    return {**ours, "PYTHONPATH": os.pathsep.join((folder, str(ROOT))), "RUTA_HOME": str(ROOT)}
