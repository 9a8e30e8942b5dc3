"""Faults of PostgreSQL and its connections: killed, cut at COMMIT, delayed, pooled and full."""

import asyncio
import os
import shutil
import signal
import time
from pathlib import Path

from drills.faults.field import Field, Setting, fault
from drills.faults.standby import Standby

_BLOCK = 1 << 20


@fault("kill-postgres", "PostgreSQL kill -9")
async def kill_postgres(field: Field) -> None:
    await field.some_load(20, 10)
    field.strike("postgres")


@fault("stop-postgres", "PostgreSQL SIGSTOP")
async def stop_postgres(field: Field) -> None:
    """Freeze the whole server for some seconds, during which no service may invent a response."""
    pids = _family(field.stack.state.processes["postgres"])
    for pid in pids:
        _signal(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(field.rng.uniform(2, 6))
    finally:
        for pid in pids:
            _signal(pid, signal.SIGCONT)


def _family(pid: int) -> list[int]:
    import psutil

    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]


def _signal(pid: int, how: signal.Signals) -> None:
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        return


@fault("cut-at-commit", "Connection cut during COMMIT", setting=Setting.PROXIED)
async def cut_at_commit(field: Field) -> None:
    field.proxy.done.clear()
    field.proxy.cut_after_commit = 4
    await field.some_load(60, 15)
    field.proxy.cut_before_commit = 4
    await field.some_load(60, 15)
    field.proxy.cut_after_commit = field.proxy.cut_before_commit = 0
    done = field.proxy.done
    field.require(done.count("after") > 0, "no connection was cut after its COMMIT")
    field.require(done.count("before") > 0, "no connection was cut before its COMMIT")
    field.notes.append(f"{done.count('after')} after, {done.count('before')} before COMMIT")


@fault("cut-connections", "TCP connections to PostgreSQL cut", setting=Setting.PROXIED)
async def cut_connections(field: Field) -> None:
    for _ in range(3):
        await field.some_load(30, 10)
        cut = field.proxy.cut()
        field.require(cut, "there was no connection to cut")
        field.notes.append(f"{cut} cut")


@fault("late-commit", "Slow transaction commits late", setting=Setting.PROXIED)
async def late_commit(field: Field) -> None:
    field.proxy.done.clear()
    field.proxy.late_commits = 3
    await field.some_load(80, 20)
    await asyncio.sleep(field.proxy.late_seconds)
    field.proxy.late_commits = 0
    field.require("late" in field.proxy.done, "no COMMIT was held back")


@fault("failover", "Machine of PostgreSQL lost", setting=Setting.PROXIED, every=10)
async def failover(field: Field) -> None:
    """Replace the first server under load with a second one that had fallen behind. Acknowledged changes were on both
    servers, so the record contains all of them. A first server that had not waited would have lost some
    (drills/faults/test_standby.py)."""
    standby = await asyncio.to_thread(Standby.of, field.stack)
    try:
        await standby.follow()
        followed = await field.some_load(60, 30)
        field.require(followed >= 60, "no load while the second server followed")
        await asyncio.to_thread(standby.falls_behind)
        await asyncio.sleep(field.rng.uniform(1, 3))
        await field.stack.hold_down("postgres")
        await asyncio.to_thread(standby.take_over)
        _lead(field, standby.server.port)
        began = time.monotonic()
        await field.within(60, "commands at the second server", lambda: _acknowledges(field))
        field.notes.append(f"the second answers after {time.monotonic() - began:.1f} s")
        alone = await field.some_load(60, 30)
        field.require(alone >= 60, "no load at the second server")
        await asyncio.to_thread(standby.give_back)
        field.notes.append(f"{followed} acknowledged by both, {alone} by the second alone")
    finally:
        await asyncio.to_thread(standby.server.stop, immediate=True)
        _lead(field, None)
        field.stack.release("postgres")


def _lead(field: Field, port: int | None) -> None:
    """Connect all services to another server, or back to the stack's own server."""
    for proxy in field.proxies:
        proxy.instead = port
        proxy.cut()


@fault("pgbouncer", "PgBouncer in transaction mode", setting=Setting.POOLED)
async def pgbouncer(field: Field) -> None:
    """Send the whole load through PgBouncer. If a tenant saw another's rows, the service would acknowledge forbidden
    commands, which the record shows as ghosts."""
    await field.some_load(150, 40)


@fault("disk-full", "Disk full")
async def disk_full(field: Field) -> None:
    """Fill the data directory's file system, then free it."""
    root = field.stack.layout.root
    if not _is_own_file_system(root):
        field.unmet.append("the data directory has no file system of its own: not exercised")
        return
    filler = root / "filler"
    before = dict(field.load.sender.statuses)
    await asyncio.to_thread(_fill, filler)
    try:
        await asyncio.sleep(field.rng.uniform(4, 7))
    finally:
        filler.unlink()
    refused = field.load.sender.statuses["503"] - before.get("503", 0)
    field.notes.append(f"{refused} answers 503")
    field.require(refused, "nothing was refused while the disk was full: not exercised")
    await field.within(60, "writes are taken again", lambda: _acknowledges(field))


async def _acknowledges(field: Field) -> bool:
    return await field.some_load(1, 1) > 0


def _is_own_file_system(root: Path) -> bool:
    return root.stat().st_dev != root.parent.stat().st_dev


def _fill(file: Path) -> None:
    """Write until no space is left; PostgreSQL keeps what it has already allocated."""
    block = b"\0" * _BLOCK
    with file.open("wb", buffering=0) as out:
        for size in (_BLOCK, 4096):
            try:
                while shutil.disk_usage(file.parent).free > 0:
                    out.write(block[:size])
            except OSError:
                continue
