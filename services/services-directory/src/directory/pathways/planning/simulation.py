"""Simulates an open draft: its effects on each profile if it replaced the published version."""

from collections.abc import Iterable, Sequence
from typing import Any

from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from directory.pathways.definition.graph import Pathway
from directory.pathways.definition.layers import Layer
from directory.pathways.definition.profile import Profile
from directory.pathways.planning.resolution import ResolvedStep
from directory.pathways.planning.resolver import Caller, check_profile, plan
from directory.pathways.versions.effective import in_force, with_draft
from directory.pathways.versions.queries import Version
from directory.pathways.versions.service import refuse_errors


async def simulate(
    session: AsyncSession, caller: Principal, draft: Version, profiles: Sequence[Profile]
) -> dict[str, Any]:
    """Return the effects by profile. Each profile is resolved in its own area, as if the draft were in force there."""
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
        effects.append({"profile": at, **effect(before.steps, after.steps)})
    published = (await in_force(session, draft.area))[draft.aor]
    return {
        "draft": draft.number,
        "published": published.version,
        "affected": sum(each["changes"] for each in effects),
        "items": effects,
    }


def effect(published: Sequence[ResolvedStep], draft: Sequence[ResolvedStep]) -> dict[str, Any]:
    """Return the changes of one profile's plan, as `schemas.EffectOut`. `moved` contains the positions (1 is first)
    among the needs that both plans contain."""
    before = {step.ordered.step.need: step for step in published}
    after = {step.ordered.step.need: step for step in draft}
    was = [need for need in before if need in after]
    now = [need for need in after if need in before]
    found: dict[str, list[Any]] = {
        "gained": sorted(set(after) - set(before)),
        "lost": sorted(set(before) - set(after)),
        "moved": _turned((need, was.index(need) + 1, at) for at, need in enumerate(now, 1)),
        "coverage": _turned(
            (need, before[need].coverage.value, after[need].coverage.value) for need in now
        ),
        "urgency": _turned(
            (need, before[need].ordered.step.urgency.value, after[need].ordered.step.urgency.value)
            for need in now
        ),
    }
    return {"changes": any(found.values()), **found}


def _turned(values: Iterable[tuple[str, Any, Any]]) -> list[dict[str, Any]]:
    return [
        {"need": need, "before": before, "after": after}
        for need, before, after in values
        if before != after
    ]
