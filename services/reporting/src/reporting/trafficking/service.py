"""Records screenings and assistance as facts. Never commits."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.facts.bulk import BulkInsert
from reporting.trafficking.models import identification_facts
from reporting.trafficking.reading import Fact, without_person

_COLUMNS = [column.name for column in identification_facts.columns]
_FACTS = BulkInsert(identification_facts, _COLUMNS)


async def record_identifications(
    session: AsyncSession, facts: Sequence[tuple[Fact, date]], gone: Collection[bytes]
) -> None:
    """Write facts with the day they count on; `gone` are pseudonyms of erased persons."""
    rows: list[tuple[Any, ...]] = []
    for fact, counted_on in facts:
        kept = without_person(fact) if fact["person"] in gone else fact
        rows.append(tuple({**kept, "counted_on": counted_on}[name] for name in _COLUMNS))
    await _FACTS.write(session, rows)


async def forget_identified(session: AsyncSession, persons: Sequence[bytes]) -> None:
    """Take the persons out of every fact about them."""
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
