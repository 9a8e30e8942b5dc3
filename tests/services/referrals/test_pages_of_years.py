"""A page of what happened asks of each of its rows whether the caller finds its subject. Gathering all that
the caller finds, to show twenty, takes the longer the more years there are."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from common.auth import Principal
from referrals.audit.queries import Wanted
from referrals.audit.queries import page as entries_page
from referrals.feed.queries import page as feed_page
from referrals.trail.api import _own

from tests.services.referrals.story import Story
from tests.support.principals import principal


class Asked:
    """Stands where a session would, and keeps what it is asked."""

    def __init__(self) -> None:
        self.statement: Any = None
        self.info: dict[str, Any] = {}

    async def execute(self, statement: Any, values: dict[str, Any]) -> "Asked":
        self.statement = statement.params(values)
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
    story: Story, ask: Ask, caller: Principal, without: Sequence[str] = ()
) -> Sequence[str]:
    """How PostgreSQL answers what is asked; `without`: ways that it may not go."""
    asked = Asked()
    await ask(asked, caller)
    text = asked.statement.compile(
        dialect=story.database.engine.dialect, compile_kwargs={"literal_binds": True}
    )
    async with story.database.transaction(caller) as session:
        for way in without:
            await session.execute(sa.text(f"SET LOCAL enable_{way} = off"))
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


async def test_the_audit_of_an_organisation_is_walked_from_its_end(story: Story) -> None:
    caller = principal("ngo-salud")
    # Of so few rows any way is as good as another: none but an index's order is left.
    plan = await planned(story, audit, caller, without=("seqscan", "bitmapscan", "sort"))
    at = next(at for at, line in enumerate(plan) if "on audit_entries" in line)
    assert "Index Scan Backward using audit_entries_newest" in plan[at], plan
    assert plan[at + 1].strip().startswith("Index Cond: (organisation_id ="), plan
