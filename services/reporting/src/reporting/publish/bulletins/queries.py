"""Every SELECT on bulletins. Drafts are for those who prepare them; published ones for everyone."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal, Role
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.publish.bulletins.document.content import Content
from reporting.publish.bulletins.models import bulletin_files, bulletin_publications, bulletins
from reporting.tables import beyond, equal

PREPARING = frozenset({Role.IM, Role.COORDINATOR})


@dataclass(frozen=True)
class Bulletin:
    """One edition of a period's bulletin. ``state``: draft, signed_off or published."""

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


@dataclass(frozen=True)
class StoredFile:
    media_type: str
    content: bytes
    sha256: str


@dataclass(frozen=True)
class Publication:
    """The order to the worker. ``done``: steps of the present attempt."""

    bulletin_id: UUID
    asked_by: str
    claims: dict[str, Any] | None
    asked_at: datetime
    attempts: int
    waiting: bool
    done: int
    problem: dict[str, Any] | None


def _bulletin(row: Any) -> Bulletin:
    values = {each.name: getattr(row, each.name) for each in fields(Bulletin)}
    return Bulletin(**{**values, "content": Content.model_validate(row.content)})


def _may_see(caller: Principal) -> sa.ColumnElement[bool]:
    if PREPARING & caller.roles and "reports:read" in caller.scopes:
        return sa.true()
    return bulletins.c.state == "published"


async def visible(
    session: AsyncSession,
    caller: Principal,
    *,
    bulletin_id: UUID | None = None,
    kind: str | None = None,
    state: str | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int | None = None,
) -> list[Bulletin]:
    """Bulletins that the caller may see, the latest drafted first."""
    statement = (
        sa.select(bulletins)
        .where(
            _may_see(caller),
            *equal(bulletins, id=bulletin_id, kind=kind, state=state),
            *beyond(after, bulletins.c.drafted_at, bulletins.c.id, falling=True),
        )
        .order_by(bulletins.c.drafted_at.desc(), bulletins.c.id.desc())
        .limit(limit)
    )
    return [_bulletin(row) for row in await session.execute(statement)]


async def published(session: AsyncSession, *, limit: int) -> list[Bulletin]:
    """Published bulletins, the latest first."""
    statement = (
        sa.select(bulletins)
        .where(bulletins.c.state == "published")
        .order_by(bulletins.c.published_at.desc(), bulletins.c.id)
        .limit(limit)
    )
    return [_bulletin(row) for row in await session.execute(statement)]


async def last_published(session: AsyncSession) -> datetime | None:
    newest: datetime | None = await session.scalar(sa.select(sa.func.max(bulletins.c.published_at)))
    return newest


async def locked(session: AsyncSession, bulletin_id: UUID) -> Bulletin | None:
    """The bulletin, held against a second step at the same time."""
    statement = sa.select(bulletins).where(bulletins.c.id == bulletin_id).with_for_update()
    row = (await session.execute(statement)).one_or_none()
    return _bulletin(row) if row else None


async def editions(session: AsyncSession, kind: str, period: str) -> list[Bulletin]:
    """All editions of a period's bulletin, the newest first."""
    statement = (
        sa.select(bulletins)
        .where(bulletins.c.kind == kind, bulletins.c.period == period)
        .order_by(bulletins.c.edition.desc())
        .with_for_update()
    )
    return [_bulletin(row) for row in await session.execute(statement)]


async def file(
    session: AsyncSession, bulletin_id: UUID, language: str, name: str
) -> StoredFile | None:
    """A file of a published bulletin."""
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
    """The one that waits longest and that nobody has in hand. Held."""
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
