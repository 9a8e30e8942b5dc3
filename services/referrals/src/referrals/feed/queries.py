"""Reading notices in the order of their transactions.

Rows become visible at commit, not when their number is drawn, so a plain `id > last` would lose
rows. A row carries its transaction id; the feed ends before the oldest transaction that is still
open, so nothing can appear later behind a cursor that was given out.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

_PAGE = sa.text(
    """
    SELECT id, position::text AS position, kind, subject_type, subject_id, version,
           for_supervisor, at
    FROM notices
    WHERE organisation_id = :organisation
      AND (position, id) > (CAST(:position AS text)::xid8, CAST(:id AS uuid))
      AND (position < pg_snapshot_xmin(pg_current_snapshot())
           OR position = pg_current_xact_id_if_assigned())
    ORDER BY position, id
    LIMIT :limit
    """
)


async def page(
    session: AsyncSession, organisation: UUID, position: str, after: UUID, limit: int
) -> Sequence[Any]:
    """Up to `limit` + 1 notices after (position, id)."""
    rows = await session.execute(
        _PAGE,
        {
            "organisation": organisation,
            "position": position,
            "id": after,
            "limit": limit + 1,
        },
    )
    return rows.all()
