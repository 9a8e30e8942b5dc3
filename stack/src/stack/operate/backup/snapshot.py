"""A copy of all databases at one moment, while every service keeps running.

PostgreSQL's base backup is one point in the write-ahead log for the whole server. Therefore, the data that one service
has read from another is never newer than the other service's events. The dumps come from a second server on that copy,
so nobody waits for them.
"""

import contextlib
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import psutil

from stack.embedded.layout import Layout
from stack.embedded.postgres import PostgresServer
from stack.errors import StackError
from stack.operate.backup.contents import run_program

_END_SECONDS = 10
_INTERRUPTIONS = (signal.SIGHUP, signal.SIGTERM)


@contextmanager
def consistent_copy(
    layout: Layout, server: PostgresServer, keep: Callable[[Path], object] | None = None
) -> Iterator[PostgresServer]:
    """Yield a running server on a copy of `server`, and always remove the copy after the block. `keep` receives the
    copied cluster before a server runs on it."""
    remove_leftover(layout)
    _check_room(layout, server)
    folder = layout.backup_copy
    with _ended_in_order():
        try:
            copy = PostgresServer(folder, durable=False)
            folder.mkdir(mode=0o755)
            shutil.copy2(server.passwords_file, copy.passwords_file)
            run_program(
                server,
                "pg_basebackup",
                *("--pgdata", str(copy.cluster), "--wal-method=stream", "--checkpoint=fast"),
            )
            if keep is not None:
                keep(copy.cluster)
            copy.take_over()
            copy.start()
            yield copy
        finally:
            remove_leftover(layout)


def remove_leftover(layout: Layout) -> None:
    """Remove the copy that a killed backup left behind, and end programs that still run on it."""
    copy = PostgresServer(layout.backup_copy)
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "pg_basebackup" and str(copy.cluster) in (
            process.info["cmdline"] or ()  # a terminating process does not reveal its command line
        ):
            with contextlib.suppress(psutil.Error):
                process.kill()
                process.wait(_END_SECONDS)
    copy.stop_stale()
    shutil.rmtree(layout.backup_copy, ignore_errors=True)


def _check_room(layout: Layout, server: PostgresServer) -> None:
    used = int(server.psql("SELECT sum(pg_database_size(oid)) FROM pg_database"))
    free = shutil.disk_usage(layout.root).free
    if free < used * 1.2:
        raise StackError(
            "a backup first copies the databases ({used:.0f} MB), but only {free:.0f} MB are free at {root}: free some space; nothing was changed",
            used=used / 2**20,
            free=free / 2**20,
            root=layout.root,
        )


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Let a broken connection (SIGHUP) or SIGTERM end the command, including its clean-up."""

    def end(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    former = {number: signal.signal(number, end) for number in _INTERRUPTIONS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def same_keys(one: Path, other: Path) -> bool:
    """Return whether two copies of the key files are equal. Ignore anchors and lists, which keep growing."""
    contents = [
        {
            path.relative_to(folder): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file() and "anchors" not in path.parts and path.suffix != ".jsonl"
        }
        for folder in (one, other)
    ]
    return contents[0] == contents[1]
