"""Plays the rows of one file of tests in one process, in which its fixtures are made once: each row is broken where it
stands, its test run, the row mended, and the test run again.

What this tells counts only if the test failed when the row was broken and held again when it was whole. Whatever else
happens (a fixture that broke, what an earlier run left behind, a module that would have to be imported anew, a process
that the test starts) is not told, and the row is played in a process of its own.
"""

import json
import re
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import pytest
from _pytest.runner import runtestprotocol

from tests.mutations.in_place import ElsewhereError, break_functions, mend_functions

_BY_ITSELF = re.compile(r"^(E|    \|) +(AssertionError|assert |Failed: )", re.MULTILINE)
"""Hypothesis shows several failing examples as a group, whose lines begin with a bar."""


_PATIENCE = 60
"""Seconds that a run of a test has here: one that waits for what was taken from it is played elsewhere."""


class Row(TypedDict):
    name: str
    file: str
    broken: str
    """The source."""
    noticed_by: str


def failed_by_itself(told: str) -> bool:
    """By an assertion of its own: it did not break down."""
    return _BY_ITSELF.search(told) is not None


@dataclass(frozen=True)
class _SameModule:
    """Says to pytest that a test of the same module is next, so that its fixtures stay."""

    item: pytest.Item

    def listchain(self) -> Sequence[object]:
        return self.item.listchain()[:-1]


class Together:
    """A plugin of pytest that runs the tests of the rows instead of what was collected, and writes {name: what the test
    said} of those that were noticed to `results`."""

    def __init__(self, rows: Sequence[Row], results: Path) -> None:
        self._rows = rows
        self._results = results

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        noticed: dict[str, str] = {}
        signal.signal(signal.SIGALRM, _out_of_patience)
        if session.items:
            _failure(session.items[0])  # its module's fixtures are made while nothing is broken
        for row in self._rows:
            items = [each for each in session.items if _is_of(each, row)]
            told = next(_noticed(row, items), None)
            if told is not None:
                noticed[row["name"]] = told
        session._setupstate.teardown_exact(None)
        self._results.write_text(json.dumps(noticed), encoding="utf-8")
        return True


def _is_of(item: pytest.Item, row: Row) -> bool:
    return item.nodeid == row["noticed_by"] or item.nodeid.startswith(f"{row['noticed_by']}[")


def _noticed(row: Row, items: Sequence[pytest.Item]) -> Iterator[str]:
    for item in items:
        try:
            whole = break_functions(row["file"], row["broken"])
        except (ElsewhereError, SyntaxError):
            return
        told = _failure(item)
        mend_functions(whole)
        if told is not None and failed_by_itself(told) and _failure(item) is None:
            yield f"FAILED {item.nodeid}"


def _failure(item: pytest.Item) -> str | None:
    """What the test says if it fails; None: it holds."""
    signal.alarm(_PATIENCE)
    reports = runtestprotocol(item, log=False, nextitem=_SameModule(item))  # type: ignore[arg-type]  # it is asked for its chain only
    signal.alarm(0)
    failed = [each for each in reports if not each.passed]
    return "\n".join(each.longreprtext for each in failed) if failed else None


def _out_of_patience(number: int, frame: object) -> None:
    raise TimeoutError(f"it did not end in {_PATIENCE} seconds")
