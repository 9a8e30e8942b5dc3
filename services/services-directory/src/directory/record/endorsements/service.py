"""Use cases for endorsements. Nothing here commits."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.happenings import tell
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.entries.history import record_history
from directory.ground.happenings import EndorsementsChanged
from directory.record.endorsements.models import endorsements
from directory.record.records.service import KIND, row_of

Row = dict[str, Any]


async def endorse(session: AsyncSession, caller: Principal, service_id: UUID, aor: str) -> None:
    """Record that the AoR's coordination endorses a service. A repeated call changes nothing."""
    made = await session.execute(
        insert(endorsements)
        .values(_endorsement(caller, service_id, aor))
        .on_conflict_do_nothing()
        .returning(endorsements.c.service_id)
    )
    if made.first() is not None:
        await tell(session, EndorsementsChanged(service_id))


async def write_endorsements(
    session: AsyncSession, caller: Principal, service_id: UUID, aors: Sequence[str]
) -> None:
    """Write endorsements of a service. Send no event, because the caller then stores the service's documents."""
    if aors:
        rows = [_endorsement(caller, service_id, aor) for aor in aors]
        await session.execute(insert(endorsements).on_conflict_do_nothing(), rows)


def _endorsement(caller: Principal, service_id: UUID, aor: str) -> Row:
    return {
        "service_id": service_id,
        "aor": aor,
        "endorsed_by": caller.subject,
        "organisation_id": caller.organisation_id,
        "endorsed_at": clock.now(),
    }


async def end_outlived(session: AsyncSession, service_id: UUID, aors: Collection[str]) -> None:
    """End endorsements that no longer apply to the changed service. Send no event, because the caller then stores its
    documents."""
    await session.execute(
        sa.delete(endorsements).where(
            endorsements.c.service_id == service_id, endorsements.c.aor.in_(sorted(aors))
        )
    )


async def withdraw_endorsement(
    session: AsyncSession, caller: Principal, service_id: UUID, aor: str
) -> bool:
    """Withdraw an endorsement; return False if there was none. The entry's history keeps the withdrawal, so no import
    can endorse the service again."""
    gone = await session.execute(
        sa.delete(endorsements)
        .where(endorsements.c.service_id == service_id, endorsements.c.aor == aor)
        .returning(endorsements.c.service_id)
    )
    if gone.first() is None:
        return False
    row = await row_of(session, service_id)
    await record_history(
        session, caller, KIND, service_id, version=row.version, old={"endorsed_by": [aor]}, new={}
    )
    await tell(session, EndorsementsChanged(service_id))
    return True
