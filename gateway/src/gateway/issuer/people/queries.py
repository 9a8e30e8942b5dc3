"""Queries for people."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.changes.queries import not_asked_for_at, unread_since
from gateway.issuer.organisations.queries import activity, naming
from gateway.issuer.people.models import passkeys, people, recovery_codes
from gateway.issuer.rights import RIGHTS
from gateway.issuer.tables import Wanted

Row = sa.RowMapping

_WITH_ORGANISATION = sa.select(
    people, activity(people.c.organisation_id), naming(people.c.organisation_id)
)

_WITH_READING = sa.select(people, unread_since(people.c.id), not_asked_for_at(people.c.id))


async def by_name(session: AsyncSession, sign_in_name: str, *, hold: bool = False) -> Row | None:
    """Return a person by sign-in name. `hold` locks the row, so that two attempts cannot use the same one-time code."""
    statement = _WITH_ORGANISATION.where(people.c.sign_in_name == sign_in_name)
    rows = await session.execute(statement.with_for_update(of=people) if hold else statement)
    return rows.mappings().one_or_none()


async def held(session: AsyncSession, person_id: UUID) -> Row | None:
    """Return a person and lock the row, so that none of their sign-ins begins in the meantime."""
    statement = _WITH_ORGANISATION.where(people.c.id == person_id).with_for_update(of=people)
    return (await session.execute(statement)).mappings().one_or_none()


async def recovery_codes_of(session: AsyncSession, person_id: UUID) -> Sequence[Row]:
    """Return the times when each code was created and used. Used codes come first, sorted by time of use."""
    table = recovery_codes.c
    statement = sa.select(table.made_at, table.used_at).where(table.person_id == person_id)
    return (await session.execute(statement.order_by(table.used_at))).mappings().all()


async def unused_codes(session: AsyncSession, person_id: UUID) -> Sequence[bytes]:
    table = recovery_codes.c
    left = sa.select(table.code_digest).where(table.person_id == person_id, table.used_at.is_(None))
    return (await session.scalars(left)).all()


async def passkeys_of(session: AsyncSession, person_id: UUID) -> Sequence[Row]:
    statement = sa.select(passkeys).where(passkeys.c.person_id == person_id)
    return (await session.execute(statement.order_by(passkeys.c.made_at))).mappings().all()


async def passkey_of(session: AsyncSession, person_id: UUID, credential: bytes) -> Row | None:
    """Return the passkey if it belongs to this person."""
    statement = sa.select(passkeys).where(
        passkeys.c.person_id == person_id, passkeys.c.credential_id == credential
    )
    return (await session.execute(statement)).mappings().one_or_none()


async def by_id(session: AsyncSession, person_id: UUID) -> Row | None:
    rows = await session.execute(_WITH_ORGANISATION.where(people.c.id == person_id))
    return rows.mappings().one_or_none()


async def invited(session: AsyncSession, digest: bytes, *, hold: bool = False) -> Row | None:
    """Return the person with this open invitation. `hold` locks the row, so that the invitation is used only once."""
    statement = _WITH_ORGANISATION.where(people.c.invitation_digest == digest)
    rows = await session.execute(statement.with_for_update(of=people) if hold else statement)
    return rows.mappings().one_or_none()


async def for_administrators(session: AsyncSession, person_id: UUID) -> Row | None:
    """Return the person's row with `unread_since` and `not_asked_for_at`."""
    rows = await session.execute(_WITH_READING.where(people.c.id == person_id))
    return rows.mappings().one_or_none()


async def names_of(session: AsyncSession, ids: Sequence[str]) -> dict[str, str]:
    """Return sign-in names and organisations by id. Unknown ids are omitted."""
    named = sa.select(people.c.id, people.c.sign_in_name, naming(people.c.organisation_id))
    rows = await session.execute(named.where(sa.cast(people.c.id, sa.Text).in_(ids)))
    return {str(row.id): f"{row.sign_in_name} ({row.organisation_name})" for row in rows}


async def suspended(session: AsyncSession) -> list[str]:
    rows = await session.scalars(sa.select(people.c.id).where(sa.not_(people.c.active)))
    return [str(each) for each in rows]


async def active_after(session: AsyncSession, after: str, limit: int) -> Sequence[Row]:
    """Return the rights of people who may sign in, in byte order of their ids, after `after`."""
    subject = sa.cast(people.c.id, sa.Text)
    rights = [people.c[name] for name in ("organisation_id", *RIGHTS)]
    statement = sa.select(subject.label("subject"), *rights).where(
        people.c.active,
        activity(people.c.organisation_id).element,
        sa.collate(subject, "C") > after,
    )
    rows = await session.execute(statement.order_by(sa.collate(subject, "C")).limit(limit))
    return rows.mappings().all()


async def colleagues(
    session: AsyncSession,
    organisation: UUID | None,
    ids: Sequence[UUID],
    after: str | None,
    limit: int,
    *,
    sign_in_name: str | None = None,
) -> Sequence[Row]:
    """Return people by name, of one organisation or, if None, of all. `ids` restricts the result; an empty sequence
    means no restriction."""
    columns = (people.c.id, people.c.sign_in_name, people.c.active, people.c.roles)
    statement = sa.select(*columns).order_by(people.c.sign_in_name).limit(limit + 1)
    if organisation is not None:
        statement = statement.where(people.c.organisation_id == organisation)
    if sign_in_name is not None:
        statement = statement.where(people.c.sign_in_name == sign_in_name)
    if ids:
        statement = statement.where(people.c.id.in_(ids))
    if after is not None:
        statement = statement.where(people.c.sign_in_name > after)
    return (await session.execute(statement)).mappings().all()


async def page(
    session: AsyncSession, wanted: Wanted, invited: bool | None, after: str | None, limit: int
) -> Sequence[Row]:
    statement = _WITH_READING.where(*wanted.conditions(people, "sign_in_name"))
    if invited is not None:
        statement = statement.where(people.c.invited_until.is_not(None) == invited)
    statement = statement.order_by(people.c.sign_in_name).limit(limit + 1)
    if after is not None:
        statement = statement.where(people.c.sign_in_name > after)
    return (await session.execute(statement)).mappings().all()
