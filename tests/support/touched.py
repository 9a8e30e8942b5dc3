"""Which files changed since the drill of the mutations last passed as a whole, or with the last commit.

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
    """By commits and by the work tree: since all mutations passed, or by the last commit if no such run is recorded.
    None without the history that says so."""
    page = root / "drills/LAST.md"
    recorded = re.search(
        r"^\| mutations \| ([0-9a-f]{7,40}) \| \S+ \| passed ",
        page.read_text(encoding="utf-8") if page.exists() else "",
        re.MULTILINE,
    )
    since = recorded[1] if recorded else "HEAD~1"
    asked = ("git", "-C", str(root), "diff", "--name-only", "--no-renames", since)
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return frozenset(done.stdout.split()) if done.returncode == 0 else None
