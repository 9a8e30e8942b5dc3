"""Finds files that changed since the mutation drill last passed completely, or in the last commit.

`./ruta test` runs a mutation if its mechanism or its test changed; `./ruta drills mutations` runs all mutations.
"""

import re
import subprocess
from collections.abc import Collection
from functools import cache
from pathlib import Path

from tests.support.reference import ROOT

MARK = "about"


def concerns(of: Collection[str], touched: Collection[str] | None) -> bool:
    """Return whether a drill about these files and folders must run. If `touched` is None, the changes are unknown, so
    the drill must run."""
    return touched is None or any(_within(file, place) for file in touched for place in of)


def _within(file: str, place: str) -> bool:
    return file == place or file.startswith(f"{place.rstrip('/')}/")


@cache
def touched(root: Path = ROOT) -> frozenset[str] | None:
    """Return the files that commits and the work tree have changed since all mutations passed. If no such run is
    recorded, return those of the last commit. Return None without a git history."""
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
