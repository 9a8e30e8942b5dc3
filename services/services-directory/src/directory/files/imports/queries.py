"""Queries for imports. A caller sees the imports of its own organisation."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from common.errors import NOT_FOUND
from sqlalchemy.ext.asyncio import AsyncSession

from directory.files.imports.models import IMPORT_ROWS, IMPORTS

_WAITING = ("queued", "running")
_CANDIDATES = 20
SMALL_BYTES = 1024 * 1024

_others = IMPORTS.alias()
_AHEAD = (
    sa.select(sa.func.count())
    .where(
        _others.c.state.in_(_WAITING),
        _others.c.dry_run == IMPORTS.c.dry_run,
        _others.c.created_at < IMPORTS.c.created_at,
        sa.or_(
            IMPORTS.c.dry_run.is_(False),
            IMPORTS.c.file_size > SMALL_BYTES,
            _others.c.file_size <= SMALL_BYTES,
        ),
    )
    .scalar_subquery()
    .label("ahead")
)
_SHOWN = [*(column for column in IMPORTS.c if column.name != "content"), _AHEAD]


_LISTED = [column for column in _SHOWN if column.name != "fidelity"] + [
    sa.case(
        (
            IMPORTS.c.fidelity.is_not(None),
            sa.func.jsonb_build_object("values", IMPORTS.c.fidelity["values"]),
        )
    ).label("fidelity")
]


async def import_of(session: AsyncSession, caller: Principal, import_id: UUID) -> sa.Row[Any]:
    """Return the import. Raise 404 if it is unknown or belongs to another organisation."""
    found = await session.execute(
        sa.select(*_SHOWN).where(
            IMPORTS.c.id == import_id, IMPORTS.c.organisation_id == caller.organisation
        )
    )
    row = found.one_or_none()
    if row is None:
        raise NOT_FOUND.because("your_organisation_has_no_import_with_this")
    return row


async def imports_of(
    session: AsyncSession, caller: Principal, *, before: UUID | None, limit: int
) -> Sequence[sa.Row[Any]]:
    """Return imports, newest first."""
    query = sa.select(*_LISTED).where(IMPORTS.c.organisation_id == caller.organisation)
    if before is not None:
        query = query.where(IMPORTS.c.id < before)
    found = await session.execute(query.order_by(IMPORTS.c.id.desc()).limit(limit))
    return found.all()


async def rows_of(
    session: AsyncSession, import_id: UUID, *, verdict: str | None, after: int, limit: int
) -> Sequence[sa.Row[Any]]:
    query = sa.select(IMPORT_ROWS).where(
        IMPORT_ROWS.c.import_id == import_id, IMPORT_ROWS.c.number > after
    )
    if verdict is not None:
        query = query.where(IMPORT_ROWS.c.verdict == verdict)
    found = await session.execute(query.order_by(IMPORT_ROWS.c.number).limit(limit))
    return found.all()


async def next_waiting(
    session: AsyncSession, *, dry: bool | None, small: bool
) -> sa.Row[Any] | None:
    """Return the next import and lock it until this transaction ends. It is the oldest queued import, small files
    first, or one whose worker died. `dry` selects only dry runs, or only real imports. `small` selects only small
    files. The lock is advisory, because the worker updates the row's progress while holding it."""
    ids = await session.scalars(
        sa.select(IMPORTS.c.id)
        .where(IMPORTS.c.state.in_(_WAITING), IMPORTS.c.content.is_not(None))
        .where(sa.true() if dry is None else IMPORTS.c.dry_run.is_(dry))
        .where(IMPORTS.c.file_size <= SMALL_BYTES if small else sa.true())
        .order_by(IMPORTS.c.file_size > SMALL_BYTES, IMPORTS.c.created_at)
        .limit(_CANDIDATES)
    )
    for import_id in ids.all():
        key = sa.func.hashtextextended(str(import_id), 0)
        if await session.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(key))):
            # Read the row again under the lock, because another worker may have just finished it.
            still = IMPORTS.c.state.in_(_WAITING)
            found = await session.execute(
                sa.select(IMPORTS).where(IMPORTS.c.id == import_id, still)
            )
            if (row := found.one_or_none()) is not None:
                return row
    return None
