"""Who works the queue of a service. Nothing here commits."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.directory.models import TeamMember
from referrals.ground.restrictions.service import remember_word
from referrals.ground.restrictions.words import Kind


async def set_team(
    session: AsyncSession, organisation: UUID, service_id: UUID, clients: Collection[str]
) -> None:
    """Only these clients, and supervisors, see its queue from now on; none: the whole organisation does."""
    await session.execute(
        sa.delete(TeamMember).where(
            col(TeamMember.service_id) == service_id,
            col(TeamMember.organisation_id) == organisation,
        )
    )
    session.add_all(
        TeamMember(organisation_id=organisation, service_id=service_id, client=client)
        for client in clients
    )
    await session.flush()
    word = {"organisation": str(organisation), "clients": sorted(clients)} if clients else {}
    await remember_word(session, Kind.TEAM, service_id, word)


async def hold_to_team(session: AsyncSession, service_id: UUID, word: Mapping[str, Any]) -> int:
    """A restored backup has a former team, or none. Needs service rights."""
    if not word:
        return 0  # everybody reads it since: what the backup says is not more
    organisation, clients = UUID(word["organisation"]), list(word["clients"])
    present = await session.scalars(
        sa.select(col(TeamMember.client)).where(
            col(TeamMember.service_id) == service_id,
            col(TeamMember.organisation_id) == organisation,
        )
    )
    if sorted(present.all()) == clients:
        return 0
    await set_team(session, organisation, service_id, clients)
    return 1
