"""Plays one mutation: a copy of the source of one package, broken, in front of the real one."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.mutations.table import Mutation

ROOT = Path(__file__).parents[2]


class Unplayable(Exception):
    """The row does not fit the tree any more; the message says why."""


@dataclass(frozen=True)
class Played:
    mutation: Mutation
    noticed: bool
    told: str
    """What the test said, or the end of its output if it did not notice."""


def broken_source(mutation: Mutation) -> str:
    """The file with what is broken in it; Unplayable if the text is not there exactly once."""
    source = (ROOT / mutation.file).read_text(encoding="utf-8")
    found = source.count(mutation.text)
    if found != 1:
        raise Unplayable(
            f"{mutation.name}: its text stands {found} times in {mutation.file}: mend the table"
        )
    return source.replace(mutation.text, mutation.broken)


def play(mutation: Mutation) -> Played:
    """The named test must fail by an assertion of its own, not break down."""
    content = broken_source(mutation)
    source = ROOT / mutation.file
    package = next(folder for folder in source.parents if folder.parent.name == "src")
    with tempfile.TemporaryDirectory(prefix="ruta-mutation-") as folder:
        copy = Path(folder) / package.name
        # With what Python compiled, which counts as long as its source is of the same time and size:
        # of the broken file there is none, so that no coincidence passes the real one off.
        shutil.copytree(package, copy, ignore=shutil.ignore_patterns(f"{source.stem}.*.pyc"))
        (copy / source.relative_to(package)).write_text(content, encoding="utf-8")
        ran = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
                f"--basetemp={folder}/tests",
                mutation.noticed_by,
            ],
            cwd=ROOT,
            env={**_without_pytests(), "PYTHONPATH": os.pathsep.join((folder, str(ROOT)))},
            capture_output=True,
            text=True,
            check=False,
        )
    failed = re.search(rf"^FAILED {re.escape(mutation.noticed_by)}.*", ran.stdout, re.MULTILINE)
    # Hypothesis shows several failing examples as a group, whose lines begin with a bar.
    by_itself = re.search(
        r"^(E|    \|) +(AssertionError|assert |Failed: )", ran.stdout, re.MULTILINE
    )
    if ran.returncode == 1 and failed and by_itself:
        return Played(mutation, noticed=True, told=failed[0])
    return Played(mutation, noticed=False, told="\n".join(ran.stdout.splitlines()[-12:]))


def _without_pytests() -> dict[str, str]:
    """Ours, but for what a run of the tests tells its own workers."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
