"""Only one stack per data directory, and none of an earlier one left over."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from stack.errors import StackError
from stack.layout import Layout, StackState
from stack.ports import is_taken

_NEEDED_BYTES = 300 * 2**20
_STOP_SECONDS = 10


@contextmanager
def exclusive(layout: Layout) -> Iterator[None]:
    """Holds the data directory for the block; StackError when another stack has it.

    The kernel releases the lock when its holder dies, so a killed stack never blocks the next.
    """
    layout.root.mkdir(mode=0o755, parents=True, exist_ok=True)
    descriptor = os.open(layout.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(already_runs(layout)) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)


def is_locked(layout: Layout) -> bool:
    """Whether a stack (also one that is just starting or stopping) holds the data directory."""
    if not layout.lock_file.exists():
        return False
    with layout.lock_file.open("r+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def holder(layout: Layout) -> int | None:
    """The process id of the stack that holds the data directory."""
    if not is_locked(layout):
        return None
    written = layout.lock_file.read_text().strip()
    return int(written) if written.isdigit() else None


def check_room(layout: Layout) -> None:
    free = shutil.disk_usage(layout.root).free
    if free < _NEEDED_BYTES:
        raise StackError(
            f"the disk is full: {free // 2**20} MB free at {layout.root}, "
            f"{_NEEDED_BYTES // 2**20} MB needed; free some, or choose another place with --data"
        )


def check_port(port: int, host: str) -> None:
    if is_taken(port, host):
        raise StackError(
            f"port {port} is taken{_by_whom(port)}: end that program, or choose another with --port"
        )


def end_leftovers(layout: Layout) -> list[str]:
    """Ends services that a killed supervisor left behind; returns their names.

    A process counts as ours only when its environment names our own data directory.
    """
    state = StackState.read(layout)
    if state is None:
        return []
    ended: list[str] = []
    for name, pid in state.processes.items():
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            if process.environ().get("RUTA_CLOCK_FILE") != str(layout.clock_file):
                continue
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except psutil.TimeoutExpired:
                process.kill()
            ended.append(name)
    layout.state_file.unlink(missing_ok=True)
    return ended


def already_runs(layout: Layout) -> str:
    state, pid = StackState.read(layout), holder(layout)
    where = f" at {state.url}" if state is not None and state.pid == pid else ""
    where += f" (process {pid})" if pid else ""
    return f"a stack already runs on {layout.root}{where}: ./ruta down stops it"


def _by_whom(port: int) -> str:
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.pid:
                name = psutil.Process(connection.pid).name()
                return f" by {name} (process {connection.pid})"
    return ""
