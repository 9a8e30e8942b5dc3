"""Work that repeats until its process stops."""

import asyncio

from common.process.loops import repeat_when_called

from tests.support.patience import PATIENCE


async def test_it_works_when_called_and_again_while_there_is_something() -> None:
    stop, called, done, left = asyncio.Event(), asyncio.Event(), asyncio.Event(), [2, 0, 1, 0]

    async def work() -> int:
        found = left.pop(0)
        if not left:
            done.set()
        if len(left) == 2:
            called.set()  # A call during the work triggers one more run.
        return found

    going = asyncio.create_task(repeat_when_called(work, called, 10 * PATIENCE, stop))
    async with asyncio.timeout(PATIENCE):
        await done.wait()
        stop.set()
        await going
    assert not left


async def test_uncalled_it_looks_all_the_same() -> None:
    stop, looked = asyncio.Event(), asyncio.Semaphore(0)

    async def work() -> None:
        looked.release()

    going = asyncio.create_task(repeat_when_called(work, asyncio.Event(), 0.001, stop))
    async with asyncio.timeout(PATIENCE):
        for _ in range(3):
            await looked.acquire()
        stop.set()
        await going
