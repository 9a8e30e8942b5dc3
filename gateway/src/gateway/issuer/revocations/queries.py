"""Queries for void tokens."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.revocations.models import revocations

# Access tokens are valid for at most 15 minutes (see settings), so older rows have no effect.
KEPT = timedelta(minutes=30)
_NAMED = {"token": "tokens", "sign_in": "sign_ins"}
_LISTS = {"client": "clients", "subject": "subjects", "organisation": "organisations"}


async def document(session: AsyncSession) -> dict[str, Any]:
    """Return the list for the front: target → second since 1970 up to which tokens are void. `as_of` comes from the
    database's clock, which all replicas share."""
    as_of = await session.scalar(sa.select(sa.extract("epoch", sa.func.clock_timestamp())))
    found: dict[str, Any] = {
        "as_of": float(as_of or 0),
        **{name: {} for name in _LISTS.values()},
        **{name: [] for name in _NAMED.values()},
    }
    rows = await session.execute(
        sa.select(revocations).where(revocations.c.issued_until >= real_now() - KEPT)
    )
    for kind, target, issued_until in rows:
        if kind in _NAMED:
            found[_NAMED[kind]].append(target)
        else:
            found[_LISTS[kind]][target] = issued_until.timestamp()
    return found


def real_now() -> datetime:
    """Return the real time, as in `iat`, because tokens ignore the embedded stack's shifted clock."""
    return datetime.now(UTC)
