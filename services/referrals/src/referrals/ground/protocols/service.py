"""Ending a protocol. Nothing here commits."""

from uuid import UUID

from common import clock
from common.auth import Principal
from common.errors import NOT_FOUND
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.ground.audit.service import record
from referrals.ground.protocols.models import Protocol
from referrals.ground.restrictions.service import remember_end
from referrals.ground.restrictions.words import Kind


async def end(session: AsyncSession, caller: Principal, protocol_id: UUID) -> Protocol:
    """It covers nothing any more; repeating it changes nothing."""
    protocol = await session.get(Protocol, protocol_id, with_for_update=True)
    if protocol is None:
        raise NOT_FOUND.because("no_such_protocol")
    if protocol.ended_at is None:
        protocol.ended_at = clock.now()
        await session.flush()
        await remember_end(session, Kind.PROTOCOL, protocol.id)
        await record(
            session, caller, "protocol.ended", chain=caller.organisation, target_id=protocol.id
        )
    return protocol


async def end_again(session: AsyncSession, protocol_id: UUID) -> int:
    """A restored backup has it in force again."""
    protocol = await session.get(Protocol, protocol_id, with_for_update=True)
    if protocol is None or protocol.ended_at is not None:
        return 0
    protocol.ended_at = clock.now()
    await session.flush()
    await remember_end(session, Kind.PROTOCOL, protocol.id)
    return 1
