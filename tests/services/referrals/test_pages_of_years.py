"""A page of events checks for each of its rows whether the caller finds the subject. Collecting every subject that the
caller finds, only to show twenty rows, would take longer every year."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from common import clock
from common.auth import Principal
from referrals.ground.audit.queries import Wanted
from referrals.ground.audit.queries import page as entries_page
from referrals.ground.audit.span_queries import chains_between
from referrals.telling.feed.queries import page as feed_page
from referrals.telling.trail.api import _own

from tests.services.referrals.story import Story
from tests.support.principals import principal


class Asked:
    """A fake session that stores the statements it gets."""

    def __init__(self) -> None:
        self.statement: Any = None
        self.info: dict[str, Any] = {}

    async def execute(self, statement: Any, values: dict[str, Any] | None = None) -> "Asked":
        self.statement = statement.params(values or {})
        return self

    scalars = execute

    def all(self) -> list[Any]:
        return []


async def audit(asked: Any, caller: Principal) -> None:
    own = _own(caller, Wanted())
    await entries_page(asked, only=own, wanted=Wanted(), before=None, limit=20)


async def feed(asked: Any, caller: Principal) -> None:
    await feed_page(asked, caller, "0", caller.organisation, 20)


Ask = Callable[[Any, Principal], Awaitable[None]]


async def planned(
    story: Story, ask: Ask, caller: Principal, before: Sequence[str] = ()
) -> Sequence[str]:
    """Return PostgreSQL's plan of the statement, after running the given statements."""
    asked = Asked()
    await ask(asked, caller)
    text = asked.statement.compile(
        dialect=story.database.engine.dialect, compile_kwargs={"literal_binds": True}
    )
    async with story.database.transaction(caller) as session:
        for statement in before:
            await session.execute(sa.text(statement))
        found = await session.scalars(sa.text(f"EXPLAIN {text}".replace(":", r"\:")))
        return found.all()


@pytest.mark.parametrize(
    ("ask", "subject"), [(audit, "audit_entries.target_id"), (feed, "notices.subject_id")]
)
async def test_nothing_is_gathered_for_a_page(story: Story, ask: Ask, subject: str) -> None:
    caller = principal("ngo-salud")
    plan = await planned(story, ask, caller)
    asked_for_each = [line for line in plan if f"ANY (ARRAY[{subject}])" in line]
    assert asked_for_each, plan
    assert not [line for line in plan if f"({subject.split('.')[1]} = (hashed" in line], plan


def many_entries(caller: Principal, rows: int = 4000) -> Sequence[str]:
    """Fill a temporary table that hides the real one, because with few rows, or before ANALYZE, any plan is equally
    good. The table has an entry for each minute until now; every fortieth belongs to the caller's organisation."""
    filled = f"""
        INSERT INTO pg_temp.audit_entries (chain, sequence, id, at, organisation_id, client, action,
                                           target_type, target_id, detail, previous, hash)
        SELECT gen_random_uuid(), n, gen_random_uuid(), now() - make_interval(mins => {rows} - n),
               CASE WHEN n % 40 = 0 THEN CAST('{caller.organisation}' AS uuid) ELSE gen_random_uuid() END,
               'a client', 'case.read', 'case', gen_random_uuid(), '{{}}', '', ''
        FROM generate_series(1, {rows}) AS n
    """
    like = "CREATE TEMP TABLE audit_entries (LIKE public.audit_entries INCLUDING INDEXES) ON COMMIT DROP"
    return like, filled, "ANALYZE pg_temp.audit_entries"


async def test_the_audit_of_an_organisation_is_walked_from_its_end(story: Story) -> None:
    caller = principal("ngo-salud")
    plan = await planned(story, audit, caller, before=many_entries(caller))
    at = next(at for at, line in enumerate(plan) if "on audit_entries" in line)
    assert "Index Scan Backward using audit_entries_organisation_id_id" in plan[at], plan
    assert plan[at + 1].strip().startswith("Index Cond: (organisation_id ="), plan


async def test_a_statement_reads_the_part_of_the_record_in_its_span(story: Story) -> None:
    now = clock.now()

    async def chains(asked: Any, _caller: Principal) -> None:
        await chains_between(asked, now - timedelta(days=11), now - timedelta(days=10), 20)

    caller = principal("auditor")
    plan = await planned(story, chains, caller, before=many_entries(caller, 60_000))
    assert [line for line in plan if "Bitmap Index Scan on audit_entries_at_idx" in line], plan
