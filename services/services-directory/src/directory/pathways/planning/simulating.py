"""Plays profiles against an open draft and against what is in force now."""

from collections.abc import Sequence
from typing import Any

from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from directory.pathways.definition.graph import Pathway
from directory.pathways.definition.layers import Layer
from directory.pathways.definition.profile import Profile
from directory.pathways.planning.resolving import Caller, check_profile, plan
from directory.pathways.planning.simulation import Effect, effect
from directory.pathways.versions.effective import in_force, with_draft
from directory.pathways.versions.queries import Version
from directory.pathways.versions.service import refuse_errors


async def simulate(
    session: AsyncSession, caller: Principal, draft: Version, profiles: Sequence[Profile]
) -> dict[str, Any]:
    """Effects per profile; each profile is resolved in its own area with the draft in force there."""
    for at, profile in enumerate(profiles):
        check_profile(profile, f"/profiles/{at}")
    body = Pathway.model_validate(draft.body)
    await refuse_errors(session, body)
    layer = Layer(draft.pathway_id, draft.aor, draft.area, draft.number)
    whose = Caller.of(caller)
    effects = []
    for at, profile in enumerate(profiles):
        before = await plan(session, whose, profile)
        instead = await with_draft(session, profile.area, layer, body)
        after = await plan(session, whose, profile, instead=instead)
        effects.append(_effect(at, effect(before.steps, after.steps)))
    published = (await in_force(session, draft.area))[draft.aor]
    return {
        "draft": draft.number,
        "published": published.version,
        "affected": sum(each["changes"] for each in effects),
        "items": effects,
    }


def _effect(at: int, found: Effect) -> dict[str, Any]:
    return {
        "profile": at,
        "changes": bool(found),
        "gained": list(found.gained),
        "lost": list(found.lost),
        "moved": [
            {"need": need, "before": before, "after": after} for need, before, after in found.moved
        ],
        "coverage": [_turned(*each) for each in found.coverage],
        "urgency": [_turned(*each) for each in found.urgency],
    }


def _turned(need: str, before: str, after: str) -> dict[str, str]:
    return {"need": need, "before": before, "after": after}
