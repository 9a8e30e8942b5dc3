"""The record of who changed identities: append only, and without secrets."""

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.ids import new_id
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.changes.models import changes


async def record(
    session: AsyncSession, by: Principal, what: str, kind: str, target: object
) -> None:
    await session.execute(
        sa.insert(changes).values(
            id=new_id(),
            at=clock.now(),
            by_client=by.client_id,
            by_subject=by.subject,
            what=what,
            kind=kind,
            target=str(target),
        )
    )
