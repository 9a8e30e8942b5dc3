"""Allows only one stack per data directory, and ends leftover processes of an earlier stack."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from stack.embedded.layout import Layout, StackState
from stack.embedded.ports import is_taken
from stack.errors import StackError
from stack.texts import said

_NEEDED_BYTES = 300 * 2**20
_STOP_SECONDS = 10


@contextmanager
def exclusive(layout: Layout) -> Iterator[None]:
    """Hold the data directory during the block. Raise StackError if another stack holds it. The kernel releases the
    lock when its holder dies, so a killed stack never blocks the next one."""
    layout.root.mkdir(mode=0o755, parents=True, exist_ok=True)
    descriptor = os.open(layout.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError.passed_on(already_runs(layout)) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)


def is_locked(layout: Layout) -> bool:
    """Return whether a stack holds the data directory, even while it starts or stops."""
    if not layout.lock_file.exists():
        return False
    with layout.lock_file.open("r+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def holder(layout: Layout) -> int | None:
    """Return the process id of the stack that holds the data directory."""
    if not is_locked(layout):
        return None
    written = layout.lock_file.read_text().strip()
    return int(written) if written.isdigit() else None


def check_room(layout: Layout) -> None:
    free = shutil.disk_usage(layout.root).free
    if free < _NEEDED_BYTES:
        raise StackError(
            "the disk is full: {root} has {free} MB free, but {needed} MB are needed. Free some space, or choose another place with --data",
            free=free // 2**20,
            root=layout.root,
            needed=_NEEDED_BYTES // 2**20,
        )


def check_port(port: int, host: str) -> None:
    if is_taken(port, host):
        if (whose := _by_whom(port)) is None:
            raise StackError(
                "port {port} is in use: end the program that uses it, or choose another port with --port",
                port=port,
            )
        raise StackError(
            "port {port} is in use by {name} (process {pid}): end that program, or choose another port with --port",
            port=port,
            name=whose.name(),
            pid=whose.pid,
        )


def end_leftovers(layout: Layout) -> list[str]:
    """End services that a killed supervisor left behind, and return their names. A process is ours only if its
    environment contains our data directory."""
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
    if pid is None:
        return said(
            "a stack is already running on {root}; stop it with ./ruta down", root=layout.root
        )
    if state is None or state.pid != pid:
        return said(
            "a stack is already running on {root} (process {pid}); stop it with ./ruta down",
            root=layout.root,
            pid=pid,
        )
    return said(
        "a stack is already running on {root} at {url} (process {pid}); stop it with ./ruta down",
        root=layout.root,
        url=state.url,
        pid=pid,
    )


def _by_whom(port: int) -> psutil.Process | None:
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.pid:
                return psutil.Process(connection.pid)
    return None
