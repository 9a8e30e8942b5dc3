"""Keeps the services still for the length of a backup, so that their databases fit together."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from stack.child import is_running
from stack.errors import StackError
from stack.layout import Layout, State
from stack.plan import SERVICES
from stack.ports import LOOPBACK

_STOP_SECONDS = 40
_READY_SECONDS = 90


@contextmanager
def quiet(layout: Layout, state: State) -> Iterator[None]:
    """Callers get 503 with Retry-After from the gateway meanwhile; nothing is lost."""
    names = [name for name in state.processes if name.rstrip("-0123456789") in SERVICES]
    for name in names:
        layout.hold_file(name).touch()
    try:
        _stop([state.processes[name] for name in names])
        yield
    finally:
        for name in names:
            layout.hold_file(name).unlink(missing_ok=True)
    _until_ready([state.ports[name] for name in names])


def _stop(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while any(is_running(pid) for pid in pids):
        if time.monotonic() > deadline:
            raise StackError("the services do not stop: no backup was taken")
        time.sleep(0.1)


def _until_ready(ports: list[int]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    for port in ports:
        while not _ready(port):
            if time.monotonic() > deadline:
                raise StackError(
                    "the backup is whole, but a service did not come back: ./ruta status"
                )
            time.sleep(0.2)


def _ready(port: int) -> bool:
    try:
        return (
            httpx.get(f"http://{LOOPBACK}:{port}/readyz", timeout=5, trust_env=False).status_code
            == 200
        )
    except httpx.TransportError:
        return False
