"""What is asked once for many is true for each of them."""

import asyncio

import pytest
from services_directory.reading.asked_together import AskedTogether


class Slow:
    """A question that takes until it is let go; it answers what was true when it began."""

    def __init__(self) -> None:
        self.truth = 0
        self.began: list[asyncio.Event] = []
        self.error: Exception | None = None

    async def ask(self) -> int:
        told, go = self.truth, asyncio.Event()
        self.began.append(go)
        await go.wait()
        if self.error is not None:
            raise self.error
        return told


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def let_go(slow: Slow, at: int) -> None:
    await settle()
    assert len(slow.began) > at, "nobody began to ask for those who came meanwhile"
    slow.began[at].set()
    await settle()


async def test_nobody_is_told_what_was_true_before_they_asked() -> None:
    slow = Slow()
    together = AskedTogether(slow.ask)
    early = asyncio.create_task(together.answer())
    await settle()
    slow.truth = 1
    late = [asyncio.create_task(together.answer()) for _ in range(3)]
    await let_go(slow, 0)
    slow.truth = 2
    later = asyncio.create_task(together.answer())
    await let_go(slow, 1)
    await let_go(slow, 2)
    assert [await early, [await each for each in late], await later] == [0, [1, 1, 1], 2]
    assert len(slow.began) == 3
    alone = asyncio.create_task(together.answer())
    await let_go(slow, 3)
    assert await alone == 2


async def test_who_gives_up_leaves_the_others_their_answer() -> None:
    slow = Slow()
    together = AskedTogether(slow.ask)
    first, second, third = (asyncio.create_task(together.answer()) for _ in range(3))
    await settle()
    first.cancel()
    second.cancel()
    await let_go(slow, 1)
    assert await third == 0
    assert first.cancelled()
    assert second.cancelled()


async def test_what_fails_fails_for_those_who_asked_it_and_nobody_after_them() -> None:
    slow = Slow()
    together = AskedTogether(slow.ask)
    first, second = (asyncio.create_task(together.answer()) for _ in range(2))
    await settle()
    slow.error = ConnectionError()
    await let_go(slow, 0)
    await let_go(slow, 1)
    for each in (first, second):
        with pytest.raises(ConnectionError):
            await each
    slow.error = None
    again = asyncio.create_task(together.answer())
    await let_go(slow, 2)
    assert await again == 0
