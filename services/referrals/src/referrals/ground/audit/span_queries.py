"""Counts and unusual reads in a period of the record, for an auditor's statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.audit.models import AuditEntry

MANY_CASES = 30
"""Different cases that one reader opens on one day, from which an auditor asks why."""
NIGHT_BEGINS, NIGHT_ENDS = 22, 5
"""Hours of the home country."""
_MOST_PATTERNS = 200
PatternCode = Literal["many_cases", "at_night", "bulk"]


@dataclass(frozen=True)
class Done:
    """Entry counts for a period."""

    entries: int
    doers: int
    organisations: int
    chains: int
    by_action: Mapping[str, int]


@dataclass(frozen=True)
class Pattern:
    """One reader's reads that an auditor should ask about."""

    pattern: PatternCode
    doer: str
    organisation_id: UUID | None
    count: int
    cases: int
    first: datetime
    last: datetime


def _between(since: datetime, until: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(col(AuditEntry.at) >= since, col(AuditEntry.at) < until)


async def done_between(session: AsyncSession, since: datetime, until: datetime) -> Done:
    """Count the entries, people and clients, organisations and chains in a period."""
    within = _between(since, until)
    different = (AuditEntry.client, AuditEntry.organisation_id, AuditEntry.chain)
    counted: list[sa.ColumnElement[int]] = [sa.func.count()]
    counted += [sa.func.count(sa.distinct(col(column))) for column in different]
    whole = (await session.execute(sa.select(*counted).where(within))).one()
    rows = await session.execute(
        sa.select(col(AuditEntry.action), sa.func.count())
        .where(within)
        .group_by(col(AuditEntry.action))
        .order_by(sa.func.count().desc(), col(AuditEntry.action))
    )
    entries, doers, organisations, chains = tuple(whole)
    return Done(entries, doers, organisations, chains, {row[0]: row[1] for row in rows})


async def chains_between(
    session: AsyncSession, since: datetime, until: datetime, limit: int
) -> Sequence[UUID]:
    """Return the chains with entries in a period, ordered by their newest entry."""
    chains = (
        sa.select(col(AuditEntry.chain))
        .where(_between(since, until))
        .group_by(col(AuditEntry.chain))
        .order_by(sa.func.max(col(AuditEntry.at)).desc(), col(AuditEntry.chain))
    )
    return (await session.scalars(chains.limit(limit))).all()


async def unusual(
    session: AsyncSession, since: datetime, until: datetime, zone: str
) -> list[Pattern]:
    """Return the unusual reads in a period, by local day and hour, patterns with the most reads first. Reading the
    audit record is an auditor's work and does not count."""
    at_home = sa.func.timezone(zone, col(AuditEntry.at))
    hour = sa.extract("hour", at_home)
    action = col(AuditEntry.action)
    reading = sa.and_(action.like("%read"), sa.not_(action.like("audit.%")))
    by_day: tuple[Any, ...] = (sa.cast(at_home, sa.Date),)
    of_cases = sa.func.count(sa.distinct(col(AuditEntry.chain)))
    found: list[Pattern] = []
    for code, which, grouped, enough in (
        ("many_cases", reading, by_day, of_cases >= MANY_CASES),
        ("at_night", sa.and_(reading, sa.or_(hour >= NIGHT_BEGINS, hour < NIGHT_ENDS)), (), None),
        ("bulk", sa.and_(action.like("%exported"), sa.not_(action.like("audit.%"))), (), None),
    ):
        doer, organisation = col(AuditEntry.client), col(AuditEntry.organisation_id)
        count = sa.func.count()
        statement = (
            sa.select(
                doer,
                organisation,
                count,
                of_cases,
                sa.func.min(col(AuditEntry.at)),
                sa.func.max(col(AuditEntry.at)),
            )
            .where(_between(since, until), organisation.is_not(None), which)
            .group_by(doer, organisation, *grouped)
            .order_by(count.desc(), doer)
            .limit(_MOST_PATTERNS)
        )
        if enough is not None:
            statement = statement.having(enough)
        found += [Pattern(code, *row) for row in await session.execute(statement)]  # type: ignore[arg-type]
    return found
