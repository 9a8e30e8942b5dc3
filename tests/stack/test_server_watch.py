"""The watch restarts a server that has stopped, even if the restart fails at first."""

import asyncio
from pathlib import Path

import psutil
import pytest
from stack.embedded.nats import NatsServer
from stack.embedded.postgres import PostgresServer
from stack.embedded.server_watch import ServerWatch
from stack.embedded.terminal import Console

from tests.support.patience import PATIENCE


@pytest.mark.parametrize("kind", ["nats", "postgres"])
async def test_a_server_that_a_signal_stopped_is_replaced(tmp_path: Path, kind: str) -> None:
    server = (
        NatsServer(tmp_path / "nats", {"operator": "x" * 20})
        if kind == "nats"
        else PostgresServer(tmp_path / "postgres", durable=False)
    )
    console = Console(tmp_path / "stack.log", quiet=True)
    pids: list[int] = []
    watch = ServerWatch(kind, server, console, lambda _, pid: pids.append(pid), tmp_path / "hold")
    watch.stopped_looks = 1
    await watch.start()
    keeping = asyncio.create_task(watch.keep_running())
    try:
        for process in (*psutil.Process(pids[0]).children(), psutil.Process(pids[0])):
            process.suspend()
        for _ in range(300):
            if len(pids) > 1:
                break
            await asyncio.sleep(0.1)
        assert len(pids) > 1
        assert not psutil.pid_exists(pids[0])
    finally:
        await watch.stop()
        keeping.cancel()
        console.close()


async def test_a_start_that_cannot_write_its_files_is_tried_again(tmp_path: Path) -> None:
    server = NatsServer(tmp_path / "nats", {"operator": "x" * 20})
    console = Console(tmp_path / "stack.log", quiet=True)
    started = asyncio.Event()
    watch = ServerWatch("nats", server, console, lambda *_: started.set(), tmp_path / "hold")
    await watch.start()
    keeping = asyncio.create_task(watch.keep_running())
    try:
        in_the_way = server.config_file.with_name("nats.conf.new")
        in_the_way.mkdir()  # As on a full disk, the server cannot write the new configuration.
        started.clear()
        assert server.process is not None
        server.process.kill()
        async with asyncio.timeout(PATIENCE):
            while "nats did not start" not in (tmp_path / "stack.log").read_text():  # noqa: ASYNC110 - a file
                await asyncio.sleep(0.1)
            in_the_way.rmdir()
            await started.wait()
        assert not keeping.done()
    finally:
        await watch.stop()
        keeping.cancel()
        console.close()
