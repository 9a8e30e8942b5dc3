"""How organisations stand: said for the list that leaves the machine, and held to it where the record went back."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.organisations import queries
from gateway.issuer.organisations.models import organisations
from gateway.issuer.organisations.service import end_what_goes_through, replace_aors
from gateway.issuer.revocations.service import revoke
from gateway.issuer.standing import Word


async def standing(session: AsyncSession, organisation_id: UUID) -> Word | None:
    """None for one that is not there."""
    row = await queries.organisation(session, organisation_id)
    if row is None:
        return None
    aors = await queries.membership_aors(session, organisation_id)
    return {"active": row["active"], "aors": list(aors)}


async def hold_to(session: AsyncSession, organisation_id: UUID, word: Word) -> bool:
    """Its last memberships; suspended if it was here or there. Whether it stood otherwise."""
    now = await standing(session, organisation_id)
    if now is None:
        return False
    await end_what_goes_through(session, organisation_id)
    await session.execute(
        sa.update(organisations)
        .where(organisations.c.id == organisation_id)
        .values(
            active=sa.and_(organisations.c.active, sa.literal(word["active"])),
            version=organisations.c.version + 1,
        )
    )
    await replace_aors(session, organisation_id, word["aors"])
    await revoke(session, "organisation", str(organisation_id))
    return now != word
