"""A copy from the fork server behaves like any program, with its own arguments, output and exit status."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from stack.embedded.child import is_running
from stack.embedded.fork_server import ForkServer
from stack.embedded.plan import Process

from tests.stack.test_child import until
from tests.support.patience import PATIENCE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.laborious,
    pytest.mark.skipif(sys.platform != "linux", reason="programs begin one by one there"),
]
_TELLS = """
import atexit, json, os, sys
atexit.register(lambda: print("the end"))
print(json.dumps({
    "session": os.getsid(0) == os.getpid(),
    "alone": len(os.listdir("/proc/self/task")) == 1,
    "arguments": sys.argv[1:],
    "environment": sorted(name for name in os.environ if name.startswith("RUTA")),
    "open": len(os.listdir("/proc/self/fd")),
    "name": __name__,
    "tools": sorted({name.split(".")[0] for name, had in sys.modules.items() if had} & {"pygments", "rich"}),
}))
raise SystemExit(3)
"""
_WAITS = "import signal\nprint('up', flush=True)\nsignal.pause()\n"


@pytest.fixture
async def fork_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ForkServer]:
    (tmp_path / "tells.py").write_text(_TELLS)
    (tmp_path / "waits.py").write_text(_WAITS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    begins = ForkServer({"PYTHONPATH": str(tmp_path), "RUTA_CLOCK_FILE": "seen"})
    yield begins
    await begins.stop()


def _process(*command: str, **environment: str) -> Process:
    kept = {"PYTHONPATH": os.environ["PYTHONPATH"], "PYTHONUNBUFFERED": "1"}
    return Process("thing", (sys.executable, "-m", *command), kept | environment)


async def test_a_copy_is_the_program_that_it_was_asked_to_be(fork_server: ForkServer) -> None:
    copy = await fork_server.begin(_process("tells", "api", RUTA_SECRET="not seen from outside"))
    said, last, rest = (await copy.stdout.read()).decode().split("\n")
    assert (last, rest) == ("the end", "")
    assert await copy.wait() == 3
    assert json.loads(said) == {
        "session": True,
        "alone": True,
        "arguments": ["api"],
        "environment": ["RUTA_SECRET"],
        # Every program has three open files; the fourth is the folder that counts them.
        "open": 4,
        "name": "__main__",
        # Containers run without copies. Elsewhere a copy works as the same service, but is lighter.
        "tools": [],
    }


async def test_one_that_was_begun_before_makes_the_copies(fork_server: ForkServer) -> None:
    before = _running_children()
    await fork_server.warm_up()
    await fork_server.warm_up()
    (begun,) = _running_children() - before
    copy = await fork_server.begin(_process("waits"))
    assert psutil.Process(copy.pid).ppid() == begun


async def test_what_a_copy_knows_is_not_in_proc(fork_server: ForkServer) -> None:
    copy = await fork_server.begin(_process("waits", RUTA_SECRET="hunter2"))
    assert await copy.stdout.readline() == b"up\n"
    assert psutil.Process(copy.pid).environ()["RUTA_CLOCK_FILE"] == "seen"
    assert "RUTA_SECRET" not in psutil.Process(copy.pid).environ()


async def test_a_signal_ends_a_copy_and_is_told(fork_server: ForkServer) -> None:
    copy = await fork_server.begin(_process("waits"))
    assert await copy.stdout.readline() == b"up\n"
    assert copy.returncode is None
    copy.kill()
    assert await copy.wait() == copy.returncode == -signal.SIGKILL


async def test_copies_do_not_outlive_the_one_that_would_tell_their_end(
    fork_server: ForkServer,
) -> None:
    """Copies end with their fork server. Otherwise their successors, from a new fork server, would find the ports in
    use."""
    copy = await fork_server.begin(_process("waits"))
    assert await copy.stdout.readline() == b"up\n"
    os.kill(psutil.Process(copy.pid).ppid(), signal.SIGKILL)
    assert await asyncio.wait_for(copy.wait(), PATIENCE) == -signal.SIGKILL
    assert not is_running(copy.pid)
    successor = await fork_server.begin(_process("tells"))
    assert await successor.wait() == 3


async def test_one_that_was_killed_a_moment_ago_has_a_successor(fork_server: ForkServer) -> None:
    copy = await fork_server.begin(_process("tells"))
    os.kill(psutil.Process(copy.pid).ppid(), signal.SIGKILL)
    assert await (await fork_server.begin(_process("tells"))).wait() == 3


@pytest.mark.parametrize("after", ["nothing", "another"])
async def test_a_start_that_is_given_up_leaves_nothing(fork_server: ForkServer, after: str) -> None:
    """The rule holds whether the start was cancelled before the fork server started or before it reported the copy."""
    if after == "another":
        await (await fork_server.begin(_process("tells"))).wait()
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    starting = asyncio.create_task(fork_server.begin(_process("waits")))
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await until(lambda: _running_children() <= before)


def _running_children() -> set[int]:
    return {one.pid for one in psutil.Process().children(recursive=True) if is_running(one.pid)}


def test_other_paths_are_a_program_of_its_own(fork_server: ForkServer) -> None:
    assert fork_server.can_begin(_process("tells"))
    assert not fork_server.can_begin(_process("tells", PYTHONPATH="/a/next/release"))
    assert not fork_server.can_begin(Process("thing", ("nats-server",), {}))
