"""When a standby may answer: what it must have replayed, and which question says so."""

import asyncio

import pytest
from common import positions
from common.positions import NotThereError, Position, of_primary, of_standby
from common.standby import SharedQuestion, reached


@pytest.mark.parametrize(
    ("standing", "wanted", "knows"),
    [
        (Position(1, 100), Position(1, 100), True),
        (Position(1, 101), Position(1, 100), True),
        (Position(1, 99), Position(1, 100), False),
        # Promoted meanwhile: it has what the old primary acknowledged, and more.
        (Position(2, 120), Position(1, 100), True),
        # Left behind on the old one: further in bytes, without a word of the new primary's.
        (Position(1, 500), Position(2, 100), False),
    ],
)
def test_a_standby_knows_what_it_has_replayed_on_this_timeline(
    standing: Position, wanted: Position, knows: bool
) -> None:
    assert standing.includes(wanted) is knows


def test_positions_are_read_as_postgresql_writes_them() -> None:
    assert of_primary(("0000001A", 5_000)) == Position(26, 5_000)
    assert of_standby((True, 5_000, 26)) == Position(26, 5_000)


def test_a_server_that_follows_nobody_answers_nothing() -> None:
    with pytest.raises(NotThereError, match=positions.NO_STANDBY):
        of_standby((False, 5_000, 26))


async def test_a_reading_never_takes_the_answer_to_an_earlier_question() -> None:
    asked = 0
    sent, go = asyncio.Event(), asyncio.Event()

    async def ask() -> Position:
        nonlocal asked
        number, asked = asked, asked + 1
        if number == 0:
            sent.set()
            await go.wait()
        return Position(1, number)

    question = SharedQuestion(ask)
    first = asyncio.create_task(question.answer())
    await sent.wait()
    # The first is on its way: what was committed since it was sent, its answer does not know.
    later = [asyncio.create_task(question.answer()) for _ in range(20)]
    await asyncio.sleep(0.01)
    assert asked == 1
    go.set()
    assert (await first).at == 0
    assert {(await each).at for each in later} == {1}
    assert asked == 2


async def test_a_question_that_failed_spoils_no_later_one() -> None:
    answers = iter([OSError("gone"), None])

    async def ask() -> Position:
        error = next(answers)
        if error is not None:
            raise error
        return Position(1, 7)

    question = SharedQuestion(ask)
    with pytest.raises(OSError, match="gone"):
        await question.answer()
    assert await question.answer() == Position(1, 7)


async def test_one_that_gives_up_waiting_leaves_the_answer_to_the_others() -> None:
    go = asyncio.Event()

    async def ask() -> Position:
        await go.wait()
        return Position(1, 7)

    question = SharedQuestion(ask)
    impatient, patient = (asyncio.create_task(question.answer()) for _ in range(2))
    await asyncio.sleep(0.01)
    impatient.cancel()
    await asyncio.sleep(0)
    go.set()
    assert await patient == Position(1, 7)


async def test_a_standby_that_arrives_soon_is_waited_for() -> None:
    places = iter([90, 95, 100])

    async def ask() -> tuple[bool, int, int]:
        return True, next(places), 1

    assert await reached(ask, Position(1, 100)) == Position(1, 100)


async def test_a_standby_that_does_not_arrive_is_not_waited_for_long() -> None:
    async def ask() -> tuple[bool, int, int]:
        return True, 90, 1

    with pytest.raises(NotThereError, match=positions.BEHIND):
        await reached(ask, Position(1, 100))


async def test_a_standby_of_an_older_timeline_is_not_waited_for() -> None:
    questions = 0

    async def ask() -> tuple[bool, int, int]:
        nonlocal questions
        questions += 1
        return True, 500, 1

    with pytest.raises(NotThereError, match=positions.OTHER_TIMELINE):
        await reached(ask, Position(2, 100))
    assert questions == 1
