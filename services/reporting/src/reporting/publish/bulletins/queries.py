"""Queries for bulletins. Only people who prepare bulletins see drafts; everyone sees published bulletins."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.ground.rights import PREPARING
from reporting.protect.withdrawals import queries as withdrawals
from reporting.protect.withdrawals.queries import Withdrawal
from reporting.publish.bulletins.document.content import Content
from reporting.publish.bulletins.models import bulletin_files, bulletin_publications, bulletins
from reporting.tables import beyond, equal


@dataclass(frozen=True)
class Bulletin:
    """One edition of a period's bulletin. ``state`` is draft, signed_off, published or withdrawn."""

    id: UUID
    kind: str
    period: str
    edition: int
    state: str
    content: Content
    content_sha256: str
    drafted_at: datetime
    drafted_by: str
    signed_off_at: datetime | None
    signed_off_by: str | None
    published_at: datetime | None
    withdrawal: Withdrawal | None = None

    @property
    def told_at(self) -> datetime | None:
        """Return when the bulletin was withdrawn or, if it was not, when it was published."""
        return (self.withdrawal.withdrawn_at if self.withdrawal else None) or self.published_at

    @property
    def gone(self) -> Mapping[str, str] | None:
        """Return why the bulletin was withdrawn, or None."""
        return self.withdrawal.reason if self.withdrawal and self.state == "withdrawn" else None


@dataclass(frozen=True)
class StoredFile:
    media_type: str
    content: bytes
    sha256: str


@dataclass(frozen=True)
class Publication:
    """A publication order for the worker. ``done`` counts the steps of the current attempt."""

    bulletin_id: UUID
    asked_by: str
    claims: dict[str, Any] | None
    asked_at: datetime
    attempts: int
    waiting: bool
    done: int
    problem: dict[str, Any] | None


_TAKEN_BACK = withdrawals.withdrawn_at(bulletins.c.id)
_STATE = sa.case((_TAKEN_BACK.is_not(None), "withdrawn"), else_=bulletins.c.state).label("state")
_TOLD_AT = sa.func.coalesce(_TAKEN_BACK, bulletins.c.published_at)
_COLUMNS = [
    _STATE if each.name == "state" else bulletins.c[each.name]
    for each in fields(Bulletin)
    if each.name != "withdrawal"
]


async def _bulletins(session: AsyncSession, statement: sa.Select[Any]) -> list[Bulletin]:
    rows = (await session.execute(statement)).all()
    taken_back = await withdrawals.of(session, [row.id for row in rows])
    return [
        Bulletin(
            **{**row._mapping, "content": Content.model_validate(row.content)},  # noqa: SLF001 - SQLAlchemy's documented mapping
            withdrawal=taken_back.get(row.id),
        )
        for row in rows
    ]


def _may_see(caller: Principal) -> sa.ColumnElement[bool]:
    if caller.may(*PREPARING):
        return sa.true()
    return bulletins.c.state == "published"


async def visible(
    session: AsyncSession,
    caller: Principal,
    *,
    bulletin_id: UUID | None = None,
    kind: str | None = None,
    state: str | None = None,
    quotes: UUID | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int | None = None,
) -> list[Bulletin]:
    """Return bulletins that the caller may see, latest draft first. `quotes` is a release that the bulletins quote."""
    quoting = sa.cast(bulletins.c.content, sa.Text).contains(str(quotes))
    statement = (
        sa.select(*_COLUMNS)
        .where(
            _may_see(caller),
            *equal(bulletins, id=bulletin_id, kind=kind),
            *([] if state is None else [_STATE.in_([state])]),
            *([] if quotes is None else [quoting]),
            *beyond(after, bulletins.c.drafted_at, bulletins.c.id, falling=True),
        )
        .order_by(bulletins.c.drafted_at.desc(), bulletins.c.id.desc())
        .limit(limit)
    )
    return await _bulletins(session, statement)


async def published(session: AsyncSession, *, limit: int) -> list[Bulletin]:
    """Return published bulletins and the tombstones of withdrawn ones, latest event first."""
    statement = (
        sa.select(*_COLUMNS)
        .where(bulletins.c.state == "published")
        .order_by(_TOLD_AT.desc(), bulletins.c.id)
        .limit(limit)
    )
    return await _bulletins(session, statement)


async def last_told(session: AsyncSession) -> datetime | None:
    """Return when a bulletin was last published or withdrawn."""
    newest: datetime | None = await session.scalar(sa.select(sa.func.max(_TOLD_AT)))
    return newest


async def locked(session: AsyncSession, bulletin_id: UUID) -> Bulletin | None:
    """Return the bulletin, locked against concurrent steps."""
    statement = sa.select(*_COLUMNS).where(bulletins.c.id == bulletin_id)
    found = await _bulletins(session, statement.with_for_update(of=bulletins))
    return found[0] if found else None


async def editions(session: AsyncSession, kind: str, period: str) -> list[Bulletin]:
    """Return all editions of a period's bulletin, newest first."""
    statement = (
        sa.select(*_COLUMNS)
        .where(bulletins.c.kind == kind, bulletins.c.period == period)
        .order_by(bulletins.c.edition.desc())
        .with_for_update(of=bulletins)
    )
    return await _bulletins(session, statement)


async def file(
    session: AsyncSession, bulletin_id: UUID, language: str, name: str
) -> StoredFile | None:
    """Return a file from a published bulletin."""
    columns = (bulletin_files.c.media_type, bulletin_files.c.content, bulletin_files.c.sha256)
    row = (
        await session.execute(
            sa.select(*columns).where(
                bulletin_files.c.bulletin_id == bulletin_id,
                bulletin_files.c.language == language,
                bulletin_files.c.name == name,
            )
        )
    ).one_or_none()
    return StoredFile(*row) if row else None


async def publication(session: AsyncSession, bulletin_id: UUID) -> Publication | None:
    found = await _publications(session, bulletin_publications.c.bulletin_id == bulletin_id)
    return found[0] if found else None


async def due_publication(session: AsyncSession) -> Publication | None:
    """Lock and return the longest-waiting order that is not in progress."""
    found = await _publications(
        session, bulletin_publications.c.due_at <= clock.now(), skip_locked=True
    )
    return found[0] if found else None


async def _publications(
    session: AsyncSession, condition: sa.ColumnElement[bool], *, skip_locked: bool = False
) -> list[Publication]:
    waiting = bulletin_publications.c.due_at.is_not(None).label("waiting")
    columns = ("bulletin_id", "asked_by", "claims", "asked_at", "attempts", "done", "problem")
    statement = (
        sa.select(*(bulletin_publications.c[name] for name in columns), waiting)
        .where(condition)
        .order_by(bulletin_publications.c.due_at)
        .limit(1)
    )
    if skip_locked:
        statement = statement.with_for_update(skip_locked=True)
    rows = await session.execute(statement)
    return [Publication(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's documented mapping
