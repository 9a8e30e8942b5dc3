"""Permanent effects of a date wait for a trustworthy clock."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest
from common import clock, clocks
from common.http import BackgroundTask
from fastapi import FastAPI
from referrals.worker import background
from structlog.testing import capture_logs

from tests.services.referrals.story import Story

_LOOKED = "SELECT at FROM clock_looks"


@pytest.fixture
def retention(app: FastAPI) -> BackgroundTask:
    return next(task for task in background(app.state.context) if task.name == "retention")


async def closed_long_ago(story: Story) -> str:
    """Return a case whose retention has ended."""
    case = await story.case()
    await story.made("ngo-refugio", f"/cases/{case['id']}/close", {"reason": "needs_met"})
    ended = "UPDATE cases SET retain_until = current_date - 2 WHERE id = :id RETURNING 1"
    await story.rows(ended, id=case["id"])
    return str(case["id"])


async def a_round(task: BackgroundTask) -> None:
    """Run the worker's round, which production runs once a minute."""
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


async def test_a_clock_in_doubt_reminds_and_ends_no_referral(app: FastAPI, story: Story) -> None:
    timers = next(task for task in background(app.state.context) if task.name == "timers")
    service_id = await story.service(categories=("GP-DOC",))
    referral = await story.sent(
        service_id=service_id, category="GP-DOC", consent={"purpose": "GP-DOC"}
    )

    async def steps() -> list[str]:
        for _ in range(4):
            await a_round(timers)
        rows = await story.rows("SELECT step FROM escalations ORDER BY fired_at")
        return [row.step for row in rows]

    leap = "UPDATE clock_looks SET at = now() - interval '30 days' RETURNING 1"
    with clock.shifted(timedelta(days=60)):
        await story.rows(leap)
        assert await steps() == ["reminder", "supervisor", "alternative"]
        read = "SELECT state FROM referrals WHERE id = :id"
        assert [tuple(row) for row in await story.rows(read, id=referral["id"])] == [("sent",)]
        await story.rows("UPDATE clock_looks SET believed_from = at RETURNING 1")
        assert (await steps())[-1] == "expiry"


async def test_a_service_that_a_clock_ahead_made_stale_may_be_chosen_again_and_its_flags_go(
    app: FastAPI, story: Story
) -> None:
    """The directory's copy stores the date, not its effect."""
    stale = next(task for task in background(app.state.context) if task.name == "stale")
    service_id = await story.service(valid_until=clock.now() + timedelta(days=2))
    referral = await story.sent(service_id=service_id)

    async def flag() -> Any:
        await a_round(stale)
        return (await story.get("ngo-refugio", f"/referrals/{referral['id']}")).json()[
            "service_flag"
        ]

    leap = "UPDATE clock_looks SET at = now() - interval '30 days' RETURNING 1"
    with clock.shifted(timedelta(days=3)):
        await story.rows(leap)
        assert await flag() is None, "the clock is not believed"
        await story.rows("UPDATE clock_looks SET believed_from = at RETURNING 1")
        assert await flag() == "not_referable"
    await story.rows(leap)
    assert await flag() is None
    await story.consent((await story.case())["id"], service_id)


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
