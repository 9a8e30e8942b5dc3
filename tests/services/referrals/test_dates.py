"""What ends for good by its date waits for a clock that can be believed."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common import clocks
from common.http import BackgroundTask
from fastapi import FastAPI
from referrals.ground.dates.service import DOUBTED, LEAP, Look, after
from referrals.worker import background
from structlog.testing import capture_logs

from tests.services.referrals.story import Story

NOW = datetime(2026, 11, 30, 18, tzinfo=UTC)
BELIEVED = Look(NOW, NOW - timedelta(days=30))
_LOOKED = "SELECT at FROM clock_looks"


@pytest.mark.parametrize(
    ("step", "believed"),
    [
        (timedelta(minutes=1), True),
        (timedelta(days=6, hours=23), True),  # switched off for a week of holidays
        (timedelta(days=7, seconds=1), False),
        (timedelta(days=365 * 11), False),
        (timedelta(seconds=-119), True),  # another worker's clock
        (timedelta(seconds=-121), False),
        (timedelta(days=-365 * 20), False),
    ],
)
def test_a_step_is_doubted_for_three_days(step: timedelta, believed: bool) -> None:
    look = after(BELIEVED, NOW + step)
    assert look.believed is believed
    if not believed:
        for _ in range(2):
            look = after(look, look.at + DOUBTED / 2)
        assert look.believed


def test_what_is_switched_off_each_weekend_is_not_doubted_for_ever() -> None:
    look = after(BELIEVED, NOW + LEAP + timedelta(days=1))
    for _ in range(4):
        look = after(look, look.at + timedelta(hours=63))
    assert look.believed


def test_a_clock_that_is_corrected_is_doubted_for_three_days_more_not_for_years() -> None:
    wrong = after(BELIEVED, NOW + timedelta(days=3650))
    corrected = after(wrong, NOW + timedelta(days=1))
    assert not corrected.believed
    assert corrected.believed_from == NOW + timedelta(days=1) + DOUBTED


@pytest.fixture
def retention(app: FastAPI) -> BackgroundTask:
    return next(task for task in background(app.state.context) if task.name == "retention")


async def closed_long_ago(story: Story) -> str:
    """A case whose retention has ended."""
    case = await story.case()
    await story.made("ngo-refugio", f"/cases/{case['id']}/close", {"reason": "needs_met"})
    ended = "UPDATE cases SET retain_until = current_date - 2 WHERE id = :id RETURNING 1"
    await story.rows(ended, id=case["id"])
    return str(case["id"])


async def a_round(task: BackgroundTask) -> None:
    """What the worker does once, and then waits a minute."""
    stop = asyncio.Event()
    running = asyncio.ensure_future(task.run(stop))
    await asyncio.sleep(0)
    stop.set()
    await running


async def status(story: Story, case_id: str) -> Any:
    ((found,),) = await story.rows("SELECT status FROM cases WHERE id = :id", id=case_id)
    return found


@pytest.mark.parametrize("step", [timedelta(days=30), timedelta(hours=-1)])
async def test_a_clock_that_leapt_or_was_set_back_erases_nobody_for_three_days(
    story: Story, retention: BackgroundTask, step: timedelta
) -> None:
    case_id = await closed_long_ago(story)
    await story.rows(
        "UPDATE clock_looks SET at = now() - CAST(:step AS interval) RETURNING 1", step=step
    )
    with capture_logs() as said:
        await a_round(retention)
        await a_round(retention)
    assert await status(story, case_id) == "closed"
    assert [each["event"] for each in said] == ["clock_doubted"]
    assert said[0]["remedy"] == clocks.DOUBTED
    ahead = "UPDATE clock_looks SET believed_from = believed_from - interval '3 days' RETURNING 1"
    await story.rows(ahead)
    await a_round(retention)
    assert await status(story, case_id) == "erased"


async def test_a_worker_whose_clock_is_not_the_database_s_erases_nobody(
    story: Story, retention: BackgroundTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = await closed_long_ago(story)
    really, before = time.time, await story.rows(_LOOKED)
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: really() + 3600)
        await a_round(retention)
    assert await status(story, case_id) == "closed"
    assert await story.rows(_LOOKED) == before, "the other workers' clocks are not doubted for it"
    await a_round(retention)
    assert await status(story, case_id) == "erased"
