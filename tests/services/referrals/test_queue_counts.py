"""A queue's count equals the length of its list, up to a limit, and comes from an index."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from common.words.referral_states import OPEN, ReferralState
from referrals.referral.referrals.counting_queries import COUNTED_TO, _counting, queue_counts
from referrals.referral.referrals.due import LIMITS, is_overdue
from referrals.referral.referrals.models import Referral
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from tests.services.referrals.story import SALUD, Story
from tests.support.principals import organisation, principal

NOW = datetime(2026, 3, 11, 1, tzinfo=UTC)  # In Caracas, the evening of the 10th.
OPEN_TO_ALL, WITH_A_TEAM = UUID(int=1), UUID(int=2)
CALLERS = {
    "supervisor": principal("ngo-salud", sub="eva", roles=["supervisor"]),
    "in the team": principal("ngo-salud", sub="ana"),
    "in no team": principal("ngo-salud", sub="luis"),
}


def some(chance: Random) -> Iterator[dict[str, Any]]:
    """Yield referrals: far more than the limit in one state, fewer in the others."""
    crowded = chance.choice(sorted(OPEN - {ReferralState.DRAFT}))
    moments = [None, *(NOW + timedelta(days=days, hours=days) for days in (-2, -1, 0, 1))]
    for number in range(900):
        state = crowded if chance.random() < 0.5 else chance.choice(list(ReferralState))
        limits: dict[str, Any] = {name: chance.choice(moments) for name in LIMITS}
        limits["review_on"] = limits["review_on"] and limits["review_on"].date()
        yield {
            "id": UUID(int=number),
            "state": state.value,
            "to_organisation": SALUD if chance.random() < 0.9 else organisation(3),
            "service_id": chance.choice([OPEN_TO_ALL, WITH_A_TEAM]),
            "sent_at": NOW if chance.random() < 0.95 else None,
            **limits,
        }


def listed(row: dict[str, Any], caller: str) -> bool:
    theirs = caller != "in no team" or row["service_id"] == OPEN_TO_ALL
    return row["to_organisation"] == SALUD and row["sent_at"] is not None and theirs


async def filled(session: Any, rows: list[dict[str, Any]]) -> None:
    await session.execute(sa.text("SELECT set_config('ruta.as_service', 'on', true)"))
    await session.execute(
        sa.text("INSERT INTO service_team VALUES (:service, :own, 'ana')"),
        {"service": WITH_A_TEAM, "own": SALUD},
    )
    # A temporary table hides the real one; the test fills only the columns that it needs.
    await session.execute(
        sa.text("CREATE TEMP TABLE referrals ON COMMIT DROP AS SELECT * FROM referrals LIMIT 0")
    )
    await session.execute(sa.insert(Referral.__table__), rows)  # type: ignore[attr-defined]  # SQLModel has it


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_counted_is_what_plain_counting_finds_up_to_the_end(
    story: Story, seed: int
) -> None:
    rows = list(some(Random(seed)))  # noqa: S311 - the same rows each time
    async with story.database.transaction() as session:
        await filled(session, rows)
        counted = {name: await queue_counts(session, each, NOW) for name, each in CALLERS.items()}
        await session.rollback()
    for caller in CALLERS:
        shown = [SimpleNamespace(**row) for row in rows if listed(row, caller)]
        by_state = Counter(each.state for each in shown if each.state in set(OPEN))
        late = sum(is_overdue(each, NOW) for each in shown)
        assert max(by_state.values()) > COUNTED_TO or caller == "in no team"
        assert counted[caller] == (
            {state: min(number, COUNTED_TO) for state, number in by_state.items()},
            min(late, COUNTED_TO),
        )


KEPT = ("referrals_open", "referrals_due")


async def explained(session: AsyncSession, statement: sa.Executable) -> list[str]:
    """Return PostgreSQL's plan, one item per line."""
    compiled: Any = statement.compile(dialect=asyncpg.dialect())  # type: ignore[attr-defined, no-untyped-call]
    given = [compiled.params[name] for name in compiled.positiontup or ()]
    driver: Any = (await (await session.connection()).get_raw_connection()).driver_connection
    return [row[0].strip() for row in await driver.fetch(f"EXPLAIN {compiled}", *given)]


@pytest.mark.parametrize("caller", CALLERS)
async def test_counting_asks_the_two_indexes_that_are_kept_for_it(
    story: Story, caller: str
) -> None:
    """The indexes name states and limits exactly as the statement does. If you change only one, PostgreSQL uses neither
    index.

    The index also covers row security's conditions.
    """
    async with story.database.transaction() as session:
        # Before a vacuum both indexes cost the same for one state, and PostgreSQL then uses the newest.
        found = await session.scalars(
            sa.text(
                "SELECT indexdef FROM pg_indexes WHERE indexname = ANY (:kept) ORDER BY indexname"
            ),
            {"kept": list(KEPT)},
        )
        made = found.all()
        assert len(made) == len(KEPT), made
        rule = await session.scalar(
            sa.text("SELECT qual FROM pg_policies WHERE tablename = 'referrals'")
        )
        await session.execute(
            sa.text("CREATE TEMP TABLE referrals ON COMMIT DROP AS SELECT * FROM referrals LIMIT 0")
        )
        await session.execute(sa.insert(Referral.__table__), list(some(Random(0))))  # type: ignore[attr-defined]  # noqa: S311
        # With so few rows any plan is equally good, so the test keeps only these two indexes.
        for statement in (
            *(each.replace(" ON public.", " ON pg_temp.") for each in made),
            "ALTER TABLE pg_temp.referrals ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY visible ON pg_temp.referrals USING ({rule})",
            "ANALYZE pg_temp.referrals",
            "SET LOCAL enable_seqscan = off",
            "SET LOCAL enable_bitmapscan = off",
        ):
            await session.execute(sa.text(statement))
        plan = await explained(session, _counting(CALLERS[caller], NOW))
        await session.rollback()
    searched = [
        (after, plan[at + 1])
        for at, line in enumerate(plan)
        for after in KEPT
        if f"using {after} on" in line
    ]
    assert any("Index Only Scan using referrals_open" in line for line in plan), plan
    assert all("state = " in asked for after, asked in searched if after == "referrals_open")
    late = [asked for after, asked in searched if after == "referrals_due"]
    assert len(late) == 2, plan
    assert all(asked.startswith("Index Cond:") and "LEAST(" in asked for asked in late)
    assert any("review_on" in asked for asked in late)
