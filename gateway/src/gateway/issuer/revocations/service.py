"""Makes tokens void before their time."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.revocations.models import revocations
from gateway.issuer.revocations.queries import KEPT, real_now


async def revoke(session: AsyncSession, kind: str, target: str) -> None:
    """Void every token of this client, subject or organisation issued until now; or one token, or all
    of one sign-in."""
    now = real_now()
    await session.execute(sa.delete(revocations).where(revocations.c.issued_until < now - KEPT))
    # Now, not when the transaction began: it may have waited for tokens that were being made.
    until = sa.func.clock_timestamp()
    statement = insert(revocations).values(kind=kind, target=target, issued_until=until)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["kind", "target"], set_={"issued_until": until}
        )
    )
