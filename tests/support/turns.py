"""Drills that prove the same again as long as nothing of theirs changes: a run of everything plays those that something
touched lately, and of the others a third, each third on every third day. See docs/decisions/0191."""

import os
import subprocess
import zlib
from collections.abc import Collection
from datetime import date
from functools import cache
from pathlib import Path

from common import clock

from tests.support.reference import ROOT

MARK = "in_turn"
DAY = "RUTA_TEST_DAY"
"""In the environment: whose turn it is. Set once for all workers of a run, which must choose alike."""
COMMITS, TURNS = 25, 3


def due(drill: str, of: Collection[str], touched: Collection[str] | None, day: date) -> bool:
    """`of`: the files and folders that the drill is about; `touched`: files that changed lately, None where nobody
    knows."""
    if touched is None or any(_within(file, place) for file in touched for place in of):
        return True
    return zlib.crc32(drill.encode()) % TURNS == day.toordinal() % TURNS


def _within(file: str, place: str) -> bool:
    return file == place or file.startswith(f"{place.rstrip('/')}/")


def choose_day() -> None:
    os.environ.setdefault(DAY, str(clock.utc_day(clock.now())))


def due_today(drill: str, of: Collection[str]) -> bool:
    return due(drill, of, touched_lately(), date.fromisoformat(os.environ[DAY]))


@cache
def touched_lately(root: Path = ROOT) -> frozenset[str] | None:
    """By the last commits and by what is not committed yet; None without the history that says so."""
    asked = (
        ("log", f"-{COMMITS}", "--name-only", "--format="),
        ("diff", "--name-only", "HEAD"),
        ("rev-list", "--count", "HEAD"),
    )
    try:
        told = [
            subprocess.run(
                ["git", "-C", str(root), *words], capture_output=True, text=True, check=True
            ).stdout
            for words in asked
        ]
    except (OSError, subprocess.CalledProcessError):
        return None
    # A copy with less history than is asked for says nothing of what was before.
    return frozenset((told[0] + told[1]).split()) if int(told[2]) > COMMITS else None
