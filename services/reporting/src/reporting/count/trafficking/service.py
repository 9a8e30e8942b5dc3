"""Records screenings and assistance as facts. Never commits."""

from collections.abc import Collection, Sequence
from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.trafficking.event_facts import Fact, without_person
from reporting.count.trafficking.models import identification_facts


async def record_identifications(
    session: AsyncSession, facts: Sequence[tuple[Fact, date]], gone: Collection[bytes]
) -> None:
    """Write facts with the day on which they count; `gone` contains pseudonyms of erased people."""
    rows = [
        {**(without_person(fact) if fact["person"] in gone else fact), "counted_on": counted_on}
        for fact, counted_on in facts
    ]
    if rows:
        await session.execute(insert(identification_facts).on_conflict_do_nothing(), rows)


async def forget_identified(session: AsyncSession, persons: Sequence[bytes]) -> None:
    """Remove the people from all facts about them."""
    gone = sa.literal(list(persons), sa.ARRAY(sa.LargeBinary))
    await session.execute(
        identification_facts.update()
        .where(identification_facts.c.person == sa.any_(gone))
        .values(
            person=None,
            countable=False,
            sex=None,
            age_band=None,
            exploitation_types=[],
            origin=None,
            transit=[],
            destination=None,
        )
    )
