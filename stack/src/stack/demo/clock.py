"""Moves the clock of a running embedded stack: its processes follow one file of seconds."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from stack.private_files import write_private


class StackClock:
    """The clock that every process of the stack reads; the real time of day goes on."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def set(self, moment: datetime) -> None:
        """Make it `moment` now; never later than it really is."""
        shift = min((moment - datetime.now(UTC)).total_seconds(), 0.0)
        write_private(self._file, f"{shift:.3f}")


@contextmanager
def moved(file: Path) -> Iterator[StackClock]:
    """A clock that may be moved in the block and stands right again after it."""
    try:
        yield StackClock(file)
    finally:
        write_private(file, "0")
