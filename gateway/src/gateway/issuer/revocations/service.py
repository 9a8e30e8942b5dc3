"""Revokes tokens before they expire."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.revocations.models import revocations
from gateway.issuer.revocations.queries import KEPT, real_now


async def revoke(session: AsyncSession, kind: str, target: str) -> None:
    """Revoke all tokens of this client, subject or organisation issued until now, or one token, or all tokens of one
    sign-in."""
    now = real_now()
    await session.execute(sa.delete(revocations).where(revocations.c.issued_until < now - KEPT))
    # The current time, not the start of the transaction, which may have waited while tokens were being issued.
    until = sa.func.clock_timestamp()
    statement = insert(revocations).values(kind=kind, target=target, issued_until=until)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["kind", "target"], set_={"issued_until": until}
        )
    )
