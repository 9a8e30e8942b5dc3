"""Queries for closing a trafficking programme."""

from collections.abc import AsyncIterator, Collection
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.facts.queries import STREAMED_AT_ONCE
from reporting.count.trafficking.cells import ASSISTANCE, Identification
from reporting.count.trafficking.models import identification_facts


async def identifications_by_person(
    session: AsyncSession, start: date, end: date
) -> AsyncIterator[list[Identification]]:
    """Yield a period's countable facts, one list per person. Omit a fact if a later one was already counted before the
    period."""
    # A screening may join a case after it began, so its newest fact identifies the person. Erased people are also removed
    # from older facts.
    facts = identification_facts.c
    person = sa.func.first_value(facts.person).over(
        partition_by=(facts.id,), order_by=facts.version.desc()
    )
    placed = (
        sa.select(identification_facts, person.label("unit"))
        .where(~_replaced(), ~_counted_later(start))
        .subquery()
    )
    columns = [
        placed.c["unit" if name == "person" else name]
        for name in Identification.__dataclass_fields__
    ]
    statement = (
        sa.select(*columns)
        .where(
            placed.c.counted_on.between(start, end), placed.c.countable, placed.c.unit.is_not(None)
        )
        .order_by(placed.c.unit)
    )
    group: list[Identification] = []
    async for rows in (await session.stream(statement)).partitions(STREAMED_AT_ONCE):
        for row in rows:
            values: list[Any] = [tuple(v) if isinstance(v, list) else v for v in row]
            fact = Identification(*values)
            if group and group[-1].person != fact.person:
                yield group
                group = []
            group.append(fact)
    if group:
        yield group


async def contributors(
    session: AsyncSession, start: date, end: date, kinds: Collection[str]
) -> list[UUID]:
    """Return the organisations whose facts of these kinds count in a period (R8)."""
    organisation, kind = identification_facts.c.organisation, identification_facts.c.kind
    rows = await session.scalars(
        sa.select(organisation)
        .distinct()
        .where(*_counted(start, end), kind.in_(kinds))
        .order_by(organisation)
    )
    return list(rows)


def _counted(start: date, end: date) -> tuple[sa.ColumnElement[bool], ...]:
    facts = identification_facts.c
    return (
        facts.counted_on.between(start, end),
        facts.countable,
        facts.person.is_not(None),
        ~_replaced(),
    )


def _counted_later(start: date) -> sa.Exists:
    facts, later = identification_facts.c, identification_facts.alias("counted").c
    return sa.exists().where(
        later.id == facts.id,
        later.version > facts.version,
        later.counted_on < start,
        later.countable,
        later.person.is_not(None),
    )


def _replaced() -> sa.ColumnElement[bool]:
    """Return the condition that a later version marks the assistance as entered in error."""
    facts, later = identification_facts.c, identification_facts.alias("later").c
    return sa.exists().where(
        facts.kind == ASSISTANCE,
        later.kind == facts.kind,
        later.id == facts.id,
        later.version > facts.version,
    )
