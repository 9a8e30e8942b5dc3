"""Which sign-ins of a person live."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from common import clock
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.sign_ins.models import sign_ins

LONGEST_SIGN_IN = timedelta(hours=12)


async def living_of_person(session: AsyncSession, person_id: UUID) -> Sequence[sa.RowMapping]:
    """The newest first; locked, so that no token is born beside the end of one."""
    statement = (
        sa.select(sign_ins.c.id, sign_ins.c.client_id, sign_ins.c.signed_in_at)
        .where(
            sign_ins.c.person_id == person_id,
            sign_ins.c.ended_at.is_(None),
            sign_ins.c.signed_in_at > clock.now() - LONGEST_SIGN_IN,
        )
        .order_by(sign_ins.c.signed_in_at.desc(), sign_ins.c.id)
    )
    return (await session.execute(statement.with_for_update())).mappings().all()
