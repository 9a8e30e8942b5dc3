"""SELECTs of profile sets."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from directory.pathways.profile_sets.models import profile_sets


async def sets_of(session: AsyncSession, aors: Sequence[str]) -> list[Any]:
    """Return the sets by AoR and name. Each AoR has only a few."""
    s = profile_sets.c
    statement = sa.select(profile_sets).where(s.aor.in_(list(aors))).order_by(s.aor, s.name)
    return list((await session.execute(statement)).all())


async def one_set(session: AsyncSession, set_id: UUID, aors: Sequence[str]) -> Any | None:
    s = profile_sets.c
    statement = sa.select(profile_sets).where(s.id == set_id, s.aor.in_(list(aors)))
    return (await session.execute(statement)).first()
