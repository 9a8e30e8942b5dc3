"""The one clock. Rules take `now` as an argument; only edges ask this module.

Tests shift it inside a process with `shifted`; the embedded stack shifts real processes with a
file of seconds (`RUTA_CLOCK_FILE`), so that a three-day timer can be seen to fire in a test.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path


class _Offset:
    def __init__(self) -> None:
        self.shift = timedelta(0)
        self.file: Path | None = None

    def current(self) -> timedelta:
        if self.file is None:
            return self.shift
        try:
            return self.shift + timedelta(seconds=float(_read(self.file) or 0))
        except (FileNotFoundError, ValueError):  # not written yet, or half written
            return self.shift


def _read(file: Path) -> bytes:
    """Read with each look at the clock, so by the plainest calls: a third of what `read_text` takes."""
    opened = os.open(file, os.O_RDONLY)
    try:
        return os.read(opened, 64)
    finally:
        os.close(opened)


_offset = _Offset()


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC) + _offset.current()


def follow(file: Path | None) -> None:
    """Add the number of seconds in `file` to every reading; `None` stops that."""
    _offset.file = file


@contextmanager
def shifted(by: timedelta) -> Iterator[None]:
    """Move this process's clock by `by` for the length of the block."""
    _offset.shift += by
    try:
        yield
    finally:
        _offset.shift -= by
