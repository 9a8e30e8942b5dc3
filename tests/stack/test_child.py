"""A program of the stack restarts after a crash, stops on request, and is killed if it ignores the request."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from stack.embedded.child import Child
from stack.embedded.plan import Process
from stack.embedded.ports import free_port, status_of
from stack.embedded.terminal import Console
from stack.errors import StackError

from tests.support.patience import PATIENCE

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); time.sleep(60)"


class Starts:
    """Records the process id of every start."""

    def __init__(self) -> None:
        self.pids: list[int] = []

    def __call__(self, _name: str, pid: int) -> None:
        self.pids.append(pid)


Make = Callable[[str, Callable[[str, int], None]], Child]


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Make]:
    console = Console(tmp_path / "log", quiet=True)

    def make(code: str, starts: Callable[[str, int], None]) -> Child:
        process = Process("thing", (sys.executable, "-u", "-c", code), dict(os.environ))
        return Child(process, console, starts, tmp_path / "hold-thing")

    yield make
    console.close()


async def until(holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


async def test_a_killed_program_is_started_again(tmp_path: Path, child: Make) -> None:
    starts = Starts()
    thing = child("import time; time.sleep(60)", starts)
    task = asyncio.create_task(thing.keep_running())
    await until(lambda: len(starts.pids) == 1)
    os.kill(starts.pids[0], signal.SIGKILL)
    await until(lambda: len(starts.pids) == 2)
    await thing.stop(5)
    await task
    assert thing.restarts == 1
    assert "thing stopped (SIGKILL)" in (tmp_path / "log").read_text()


async def test_a_program_that_keeps_crashing_is_started_ever_more_rarely(
    tmp_path: Path, child: Make
) -> None:
    starts = Starts()
    thing = child("raise SystemExit(3)", starts)
    task = asyncio.create_task(thing.keep_running())
    await asyncio.sleep(2)
    await thing.stop(5)
    await task
    assert 2 <= len(starts.pids) <= 5


async def test_a_held_program_stays_down_until_it_is_released(tmp_path: Path, child: Make) -> None:
    starts = Starts()
    hold = tmp_path / "hold-thing"
    thing = child("import time; time.sleep(60)", starts)
    task = asyncio.create_task(thing.keep_running())
    await until(lambda: len(starts.pids) == 1)
    hold.touch()
    os.kill(starts.pids[0], signal.SIGKILL)
    await asyncio.sleep(1)
    assert len(starts.pids) == 1
    hold.unlink()
    await until(lambda: len(starts.pids) == 2)
    await thing.stop(5)
    await task


async def test_a_deaf_program_is_killed(tmp_path: Path, child: Make) -> None:
    starts = Starts()
    thing = child(DEAF, starts)
    task = asyncio.create_task(thing.keep_running())
    await until(lambda: "up" in (tmp_path / "log").read_text())
    await thing.stop(0.5)
    await task
    assert not thing.alive


async def test_a_program_that_no_longer_answers_is_started_again(child: Make) -> None:
    starts, port = Starts(), free_port()
    serve = f"from http.server import *; HTTPServer(('127.0.0.1', {port}), SimpleHTTPRequestHandler).serve_forever()"
    thing = child(serve, starts)
    keeping = asyncio.create_task(thing.keep_running())
    answers = partial(status_of, port, "/", 0.2)
    watching = asyncio.create_task(thing.end_if_silent(answers, 0.1, 3, 100))
    await until(lambda: answers() is not None)
    await asyncio.sleep(0.5)  # the watch sees that it responds
    os.kill(starts.pids[0], signal.SIGSTOP)
    await until(lambda: len(starts.pids) == 2)
    await until(lambda: answers() is not None)
    assert len(starts.pids) == 2, "while it starts it is left alone"
    await thing.stop(5)
    await asyncio.gather(keeping, watching)


async def test_a_program_that_never_answers_is_started_again_too(child: Make) -> None:
    """The program froze before the first health check, and once more while it started again."""
    starts = Starts()
    thing = child("import time; time.sleep(600)", starts)
    keeping = asyncio.create_task(thing.keep_running())
    await until(lambda: len(starts.pids) == 1)
    watching = asyncio.create_task(thing.end_if_silent(lambda: None, 0.05, 3, 6))
    await until(lambda: len(starts.pids) == 3)
    await thing.stop(5)
    await asyncio.gather(keeping, watching)


async def test_a_stopped_program_wakes_to_be_ended(tmp_path: Path, child: Make) -> None:
    starts = Starts()
    thing = child("import time; time.sleep(60)", starts)
    task = asyncio.create_task(thing.keep_running())
    await until(lambda: len(starts.pids) == 1)
    os.kill(starts.pids[0], signal.SIGSTOP)
    await thing.stop(PATIENCE)
    await task
    assert "was killed" not in (tmp_path / "log").read_text()


async def test_a_failed_step_says_why_in_one_line(tmp_path: Path, child: Make) -> None:
    thing = child("print('first'); raise SystemExit('no such table')", Starts())
    with pytest.raises(StackError, match=r"thing failed \(exit 1\): no such table"):
        await thing.run_once()


async def test_long_lines_and_the_last_line_without_an_end_are_kept(
    tmp_path: Path, child: Make
) -> None:
    thing = child("print('x' * 200_000); print('last', end='')", Starts())
    await thing.run_once()
    log = (tmp_path / "log").read_text()
    assert "x" * 200_000 in log
    assert "thing     │ last" in log
