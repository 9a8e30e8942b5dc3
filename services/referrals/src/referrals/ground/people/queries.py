"""Queries for who may be notified, based on their current rights."""

from collections.abc import Collection
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal, Role
from common.db.ended_rights import suspended
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.people.models import KnownPerson
from referrals.ground.vocabulary.case_roles import CASE_ROLES
from referrals.tables import ENDED_RIGHTS

MAY_LISTEN = CASE_ROLES | {Role.COORDINATOR}
"""Roles that work with cases, and coordinators, who answer the line."""
SCOPE = "referrals:read"
# An alias, because it may appear in statements that read the table itself.
_PEOPLE = KnownPerson.metadata.tables["known_people"].alias("people_of_now").c


def _away(first: Any, last: Any) -> sa.ColumnElement[bool]:
    """Return the SQL condition that the person is away on any of these days."""
    said = sa.and_(_PEOPLE.away_from <= last, _PEOPLE.away_until >= first)
    return sa.func.coalesce(said, False)


# Today when each statement runs, not when the process started.
_TODAY = sa.bindparam("today_at_home", callable_=clock.today, type_=sa.Date())


def listens(
    organisation: sa.ColumnExpressionArgument[Any], person: sa.ColumnExpressionArgument[Any]
) -> sa.ColumnElement[bool]:
    """Return the SQL condition that this person may get messages from the organisation now: they may be on call and are
    not away today."""
    return is_there(organisation, person, sa.not_(_away(_TODAY, _TODAY)))


def is_on_leave(
    organisation: sa.ColumnExpressionArgument[Any], person: sa.ColumnExpressionArgument[Any]
) -> sa.ColumnElement[bool]:
    """Return the SQL condition that this person could get messages from the organisation, but is away today."""
    return is_there(organisation, person, _away(_TODAY, _TODAY))


def is_there(
    organisation: sa.ColumnExpressionArgument[Any],
    person: sa.ColumnExpressionArgument[Any],
    *which: sa.ColumnElement[bool],
) -> sa.ColumnElement[bool]:
    """Return the SQL condition that this person is known, not suspended, and either works with cases or coordinates."""
    there = sa.exists().where(
        _PEOPLE.subject == person,
        _PEOPLE.organisation_id == organisation,
        _PEOPLE.roles.overlap(sorted(MAY_LISTEN)),
        _PEOPLE.scopes.contains([SCOPE]),
        *which,
    )
    return sa.and_(there, sa.not_(suspended(ENDED_RIGHTS, organisation, person)))


def has_lost_cases(
    organisation: sa.ColumnExpressionArgument[Any], person: sa.ColumnExpressionArgument[Any]
) -> sa.ColumnElement[bool]:
    """Return whether this person or client is known and no longer works with the organisation's cases. With an outside
    identity provider, only people with a channel are known."""
    works = sa.and_(
        _PEOPLE.organisation_id == organisation,
        _PEOPLE.roles.overlap(sorted(CASE_ROLES)),
        _PEOPLE.scopes.contains([SCOPE]),
    )
    return sa.exists().where(_PEOPLE.subject == person, sa.not_(works))


async def principals(session: AsyncSession, subjects: Collection[str]) -> dict[str, Principal]:
    """Return people by subject, with their current rights; omit unknown subjects."""
    rows = await session.scalars(
        sa.select(KnownPerson).where(col(KnownPerson.subject).in_(subjects))
    )
    return {row.subject: principal_of(row) for row in rows}


def principal_of(row: KnownPerson) -> Principal:
    known = frozenset(role.value for role in Role)
    return Principal(
        client_id=row.subject,
        subject=row.subject,
        organisation_id=row.organisation_id,
        roles=frozenset(Role(role) for role in row.roles if role in known),
        scopes=frozenset(row.scopes),
        aors=frozenset(row.aors),
        areas=frozenset(row.areas),
    )


async def may_be_on_call(session: AsyncSession, organisation: UUID, person: str) -> bool:
    found = sa.select(is_there(sa.literal(organisation, sa.Uuid), sa.literal(person)))
    return bool(await session.scalar(found))


async def is_away(session: AsyncSession, person: str, first: date, last: date) -> bool:
    found = sa.exists().where(_PEOPLE.subject == person, _away(first, last))
    return bool(await session.scalar(sa.select(found)))


async def last_days_away(session: AsyncSession, people: Collection[str]) -> dict[str, date]:
    """Return the last day away of each person who is away today."""
    rows = await session.execute(
        sa.select(_PEOPLE.subject, _PEOPLE.away_until).where(
            _PEOPLE.subject.in_(people), _away(_TODAY, _TODAY)
        )
    )
    return {row.subject: row.away_until for row in rows}


async def absence(session: AsyncSession, caller: Principal) -> KnownPerson | None:
    """Return the caller's row, including the days on which they are away."""
    return await session.get(KnownPerson, caller.subject)


async def coordinators(session: AsyncSession, aor: str | None = None) -> list[Principal]:
    """Return everybody who currently coordinates this area of responsibility; None means any area. Requires service
    rights."""
    rows = await session.scalars(
        sa.select(KnownPerson).where(
            col(KnownPerson.roles).contains([Role.COORDINATOR.value]),
            sa.true() if aor is None else col(KnownPerson.aors).contains([aor]),
            listens(col(KnownPerson.organisation_id), col(KnownPerson.subject)),
        )
    )
    return [principal_of(row) for row in rows]
