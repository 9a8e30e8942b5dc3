"""Queue teams. This module never commits."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.sight import LEVELS, NAMES, PUBLIC
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.directory.models import DirectoryService, TeamMember
from referrals.ground.restrictions.service import remember_word
from referrals.ground.restrictions.words import Kind


async def set_team(
    session: AsyncSession, organisation: UUID, service_id: UUID, clients: Collection[str]
) -> None:
    """Restrict the queue to these clients and supervisors; with no clients, the whole organisation works it."""
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
    """Store the listed team again after a restored backup brought back an old team or no team. Requires service
    rights."""
    if not word:
        return 0  # the queue has since opened to everybody, so the backup hides more, never less
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


async def restrict_copies(session: AsyncSession, words: Mapping[UUID, Mapping[str, Any]]) -> None:
    """Apply the directory's listed restrictions to the copies; see `restrictions.words`. All other changes arrive with
    the directory's events, which never lift a restriction."""
    rows = await session.scalars(
        sa.select(DirectoryService)
        .where(col(DirectoryService.service_id) == sa.any_(sa.literal([*words], sa.ARRAY(sa.Uuid))))
        .order_by(col(DirectoryService.service_id))
        .with_for_update()
    )
    for copy in rows.all():
        word = words[copy.service_id]
        least = word.get("hidden", {}).get(str(copy.service_id), PUBLIC)
        copy.visibility = NAMES[max(LEVELS[copy.visibility], least, word.get("held", PUBLIC))]
        copy.withdrawn = copy.withdrawn or bool(word.get("withdrawn"))
        if word.get("withdrawn") or word.get("closed"):
            copy.referable = False
