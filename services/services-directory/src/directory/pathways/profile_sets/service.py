"""Stores, finds and deletes sets of profiles. Only people who draft an AoR's pathways see its sets."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.errors import CONFLICT, FORBIDDEN, NOT_FOUND
from common.ids import new_id
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from directory.pathways.definition.profile import Profile
from directory.pathways.planning.resolver import check_profile
from directory.pathways.profile_sets import queries
from directory.pathways.profile_sets.models import profile_sets
from directory.pathways.profile_sets.schemas import ProfileSetIn
from directory.pathways.versions.service import drafts_of, may_draft

MOST = 50


async def keep(session: AsyncSession, caller: Principal, body: ProfileSetIn) -> Any:
    if not may_draft(caller, body.aor):
        raise FORBIDDEN.because("only_those_who_draft_this_aors_pathways")
    for at, profile in enumerate(body.profiles):
        check_profile(profile, f"/profiles/{at}")
    if len(await queries.sets_of(session, [body.aor])) >= MOST:
        raise CONFLICT.because("aor_keeps_at_most_sets_remove", MOST)
    made = await session.execute(
        insert(profile_sets)
        .values(
            id=new_id(),
            aor=body.aor,
            name=body.name,
            profiles=[one.model_dump(mode="json", exclude_unset=True) for one in body.profiles],
            written_by=caller.subject,
            written_at=clock.now(),
        )
        .on_conflict_do_nothing(constraint="profile_sets_by_name")
        .returning(profile_sets)
    )
    row = made.first()
    if row is None:
        raise CONFLICT.because("aor_has_set_of_this_name", pointer="/name")
    return row


async def profiles_of(session: AsyncSession, caller: Principal, set_id: UUID) -> list[Profile]:
    found = await queries.one_set(session, set_id, drafts_of(caller))
    if found is None:
        raise NOT_FOUND.because("no_profile_set_has_this_id", pointer="/profile_set")
    return [Profile.model_validate(one) for one in found.profiles]


async def remove(session: AsyncSession, caller: Principal, set_id: UUID) -> None:
    s = profile_sets.c
    gone = await session.execute(
        sa.delete(profile_sets).where(s.id == set_id, s.aor.in_(drafts_of(caller))).returning(s.id)
    )
    if gone.first() is None:
        raise NOT_FOUND.because("no_profile_set_has_this_id")
