"""Which files changed since the drill of the mutations last passed as a whole.

`./ruta test` plays a mutation whose mechanism or test is among them; `./ruta drills mutations` plays all.
"""

import re
import subprocess
from collections.abc import Collection
from functools import cache
from pathlib import Path

from tests.support.reference import ROOT

MARK = "about"


def concerns(of: Collection[str], touched: Collection[str] | None) -> bool:
    """Whether a drill about the files and folders `of` has to run. `touched` None: nobody knows, so it does."""
    return touched is None or any(_within(file, place) for file in touched for place in of)


def _within(file: str, place: str) -> bool:
    return file == place or file.startswith(f"{place.rstrip('/')}/")


@cache
def touched(root: Path = ROOT) -> frozenset[str] | None:
    """By commits and by the work tree. None without the commit that drills/LAST.md names, or its history."""
    try:
        last = re.search(
            r"^\| mutations \| ([0-9a-f]{7,40}) \| \S+ \| passed ",
            (root / "drills/LAST.md").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    except OSError:
        return None
    if last is None:
        return None
    asked = ("git", "-C", str(root), "diff", "--name-only", "--no-renames", last[1])
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return frozenset(done.stdout.split()) if done.returncode == 0 else None
