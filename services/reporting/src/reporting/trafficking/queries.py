"""What the closing of a trafficking programme reads."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.trafficking.counting import Identification
from reporting.trafficking.models import identification_facts


async def identifications_by_person(
    session: AsyncSession, start: date, end: date
) -> AsyncIterator[list[Identification]]:
    """The countable facts of a period, one list per person."""
    columns = [identification_facts.c[name] for name in Identification.__dataclass_fields__]
    statement = (
        sa.select(*columns).where(*_counted(start, end)).order_by(identification_facts.c.person)
    )
    group: list[Identification] = []
    async for row in await session.stream(statement):
        values: list[Any] = [tuple(value) if isinstance(value, list) else value for value in row]
        fact = Identification(*values)
        if group and group[-1].person != fact.person:
            yield group
            group = []
        group.append(fact)
    if group:
        yield group


async def contributors(session: AsyncSession, start: date, end: date) -> list[UUID]:
    """The organisations whose screenings and assistance a period counts (R8)."""
    organisation = identification_facts.c.organisation
    rows = await session.scalars(
        sa.select(organisation).distinct().where(*_counted(start, end)).order_by(organisation)
    )
    return list(rows)


def _counted(start: date, end: date) -> tuple[sa.ColumnElement[bool], ...]:
    facts = identification_facts.c
    return facts.counted_on.between(start, end), facts.countable, facts.person.is_not(None)
