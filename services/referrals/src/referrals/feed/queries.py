"""Reading notices in the order of their transactions.

Rows become visible at commit, not when their number is drawn, so a plain `id > last` would lose
rows. A row carries its transaction id; the feed ends before the oldest transaction that is still
open, so nothing can appear later behind a cursor that was given out.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.notices.models import Notice
from referrals.readable_queries import readable, readable_values

_NOTICES = Notice.metadata.tables["notices"]
_COLUMNS = (
    "id",
    "kind",
    "subject_type",
    "subject_id",
    "version",
    "for_supervisor",
    "at",
)
_AFTER = sa.text(
    "(notices.position, notices.id) > (CAST(:position AS text)::xid8, CAST(:after AS uuid))"
    " AND (notices.position < pg_snapshot_xmin(pg_current_snapshot())"
    " OR notices.position = pg_current_xact_id_if_assigned())"
)


async def page(
    session: AsyncSession, caller: Principal, position: str, after: UUID, limit: int
) -> Sequence[Any]:
    """Up to `limit` + 1 notices after (position, id), of what the caller would find one by one."""
    rows = await session.execute(
        sa.select(
            *(_NOTICES.c[name] for name in _COLUMNS),
            sa.cast(_NOTICES.c.position, sa.Text).label("position"),
        )
        .where(
            _NOTICES.c.organisation_id == caller.organisation,
            _AFTER,
            readable(caller, _NOTICES.c.subject_type, _NOTICES.c.subject_id),
        )
        .order_by(_NOTICES.c.position, _NOTICES.c.id)
        .limit(limit + 1),
        {"position": position, "after": after, **readable_values(caller)},
    )
    return rows.all()
