"""A page of a queue, newest first or by deadline, equals a plain sort and is read from its index."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from common.words.referral_states import OPEN, ReferralState
from referrals.referral.referrals.due import LIMITS, due, is_overdue
from referrals.referral.referrals.list_queries import Wanted
from referrals.referral.referrals.queue_queries import (
    IN_INDEX_ORDER,
    After,
    Queue,
    dated_rows,
    newest_of_states,
    overdue_rows,
    undated_rows,
)

from tests.services.referrals.story import SALUD, Story
from tests.services.referrals.test_queue_counts import (
    CALLERS,
    NOW,
    OPEN_TO_ALL,
    WITH_A_TEAM,
    explained,
    filled,
    listed,
)

_LAST = datetime.max.replace(tzinfo=UTC)
ROWS = 400
_DATED = ["LEAST(", "CASE WHEN (state = 'on_hold'"]
_UNDATED = ["LEAST("]


def some(chance: Random) -> Iterator[dict[str, Any]]:
    """Yield referrals with limits that often coincide, both at one instant and at the start of a day."""
    midnight = NOW.replace(hour=0)
    moments = [
        None,
        *(at + timedelta(days=days) for days in range(-2, 3) for at in (midnight, NOW)),
    ]
    for number in range(ROWS):
        limits: dict[str, Any] = {name: chance.choice(moments) for name in LIMITS}
        limits["review_on"] = limits["review_on"] and limits["review_on"].date()
        open_or_any = sorted(OPEN) if chance.random() < 0.8 else list(ReferralState)
        yield {
            "id": UUID(int=number),
            "case_id": UUID(int=number),
            "from_organisation": UUID(int=7),
            "to_organisation": SALUD,
            "service_id": chance.choice([OPEN_TO_ALL, WITH_A_TEAM]),
            "category": "HLT",
            "urgency": chance.choice(["emergency", "urgent", "routine"]),
            "state": chance.choice(open_or_any).value,
            "sent_at": NOW if chance.random() < 0.95 else None,
            "changed_at": NOW,
            **limits,
        }


def narrowed(rows: list[dict[str, Any]], caller: str, wanted: Wanted) -> list[UUID]:
    shown = [
        SimpleNamespace(**row)
        for row in rows
        if listed(row, caller)
        and (not wanted.states or row["state"] in wanted.states)
        and wanted.service_id in (None, row["service_id"])
        and (not wanted.urgencies or row["urgency"] in wanted.urgencies)
    ]
    if wanted.overdue_at is not None:
        shown = [row for row in shown if is_overdue(row, wanted.overdue_at)]
    if wanted.closed_since is not None:
        shown = [row for row in shown if row.state not in set(OPEN)]
    if not wanted.by_deadline:
        return sorted((row.id for row in shown), reverse=True)
    return [row.id for row in sorted(shown, key=lambda row: (due(row) or _LAST, row.id))]


def asked(chance: Random) -> Iterator[Wanted]:
    yield Wanted(by_deadline=True, limit=7)
    yield Wanted(by_deadline=True, states=["acknowledged", "sent", "waitlisted"], limit=5)
    yield Wanted(by_deadline=True, overdue_at=NOW, limit=3)
    yield Wanted(by_deadline=True, closed_since=NOW - timedelta(days=1), limit=4)
    yield Wanted(limit=6)
    yield Wanted(service_id=WITH_A_TEAM, limit=3)
    yield Wanted(states=["sent", "sent"], limit=3)
    yield Wanted(closed_since=NOW - timedelta(days=1), limit=4)
    yield Wanted(states=["sent", "completed"], closed_since=NOW - timedelta(days=1), limit=2)
    yield Wanted(states=["sent"], closed_since=NOW - timedelta(days=1), limit=2)
    yield Wanted(overdue_at=NOW, limit=3)
    yield Wanted(overdue_at=NOW, closed_since=NOW - timedelta(days=1), limit=4)
    for by_deadline in (True, False) * 6:
        states = chance.sample(list(ReferralState), chance.randint(1, 6))
        yield Wanted(
            by_deadline=by_deadline,
            states=[state.value for state in states],
            urgencies=chance.choice([[], ["urgent"], ["urgent", "routine"]]),
            overdue_at=chance.choice([None, None, NOW]),
            limit=chance.randint(1, 9),
        )


async def read_by(story: Story, index: str, page: sa.Select[Any]) -> tuple[list[str], list[str]]:
    """Return the index conditions and the whole plan."""
    async with story.database.transaction() as session:
        kept = f"('{index}', 'referrals_queue')"
        made = await session.scalars(
            sa.text(f"SELECT indexdef FROM pg_indexes WHERE indexname IN {kept}")
        )
        rule = await session.scalar(
            sa.text("SELECT qual FROM pg_policies WHERE tablename = 'referrals'")
        )
        await filled(session, list(some(Random(0))))  # noqa: S311 - the same rows each time
        for statement in (
            *(each.replace(" ON public.", " ON pg_temp.") for each in made),
            "ALTER TABLE pg_temp.referrals ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY visible ON pg_temp.referrals USING ({rule})",
            "ANALYZE pg_temp.referrals",
        ):
            await session.execute(sa.text(statement))
        await session.execute(IN_INDEX_ORDER)
        plan = await explained(session, page)
        await session.rollback()
    return [plan[at + 1] for at, line in enumerate(plan) if f"{index} on" in line], plan


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("after", [None, After(NOW, UUID(int=0)), After(None, UUID(int=0))])
async def test_a_page_by_deadline_is_read_from_the_index_that_is_kept_for_it(
    story: Story, caller: str, after: After | None
) -> None:
    """PostgreSQL reads the page in the index's order from the page's beginning, and row security does not prevent
    that."""
    queue = Queue(states=OPEN)
    if after is None or after.due is not None:
        page, limits = dated_rows(CALLERS[caller], queue, after, 5), _DATED
    else:
        page, limits = undated_rows(CALLERS[caller], queue, after, 5), _UNDATED
    read, plan = await read_by(story, "referrals_due", page)
    assert len(read) == len(limits), plan
    for conditions, limit in zip(read, limits, strict=True):
        assert conditions.startswith("Index Cond:")
        assert "state = " in conditions
        assert limit in conditions
        assert (">" in conditions) is (after is not None), conditions
    assert sum("Sort Key" in line for line in plan) <= 1, plan


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("behind_one", [False, True])
async def test_what_is_overdue_is_told_by_the_index_in_the_order_of_its_pages(
    story: Story, caller: str, behind_one: bool
) -> None:
    """PostgreSQL reads no referral that is not late, whatever row security requires. It sorts only the rows of one
    page."""
    before_id = UUID(int=200) if behind_one else None
    page = overdue_rows(CALLERS[caller], Queue(late_at=NOW), before_id, 5)
    read, plan = await read_by(story, "referrals_late_newest", page)
    assert len(read) == 2, plan
    for conditions, limit in zip(read, _DATED, strict=True):
        assert conditions.startswith("Index Cond:")
        assert "state = " in conditions
        assert limit in conditions
        assert ("(id < " in conditions) is behind_one, conditions
    assert sum("Sort Key" in line for line in plan) <= 1, plan


@pytest.mark.parametrize("caller", CALLERS)
async def test_of_several_states_each_is_read_in_the_order_of_its_pages(
    story: Story, caller: str
) -> None:
    page = newest_of_states(CALLERS[caller], Queue(), ["sent", "completed"], UUID(int=200), 5)
    read, plan = await read_by(story, "referrals_queue", page)
    (conditions,) = read
    assert "state = " in conditions
    assert "(id < " in conditions
    assert sum("Sort Key" in line for line in plan) <= 1, plan
