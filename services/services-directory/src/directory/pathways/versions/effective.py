"""The pathway in force for an area: the published layers from the country down, or the proposal."""

from collections.abc import Sequence
from functools import lru_cache
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from directory.pathways.definition.graph import Pathway
from directory.pathways.definition.inheritance import inherit
from directory.pathways.definition.layers import InForce, Layer, lineage
from directory.pathways.definition.proposals import AORS, proposal
from directory.pathways.versions.queries import published_bodies, published_layers

_KEPT_VERSIONS = 2000
# Published versions never change, so the process can cache parsed ones without expiry.
_parsed: dict[tuple[UUID, int], Pathway] = {}


async def in_force(session: AsyncSession, area: str) -> dict[str, InForce]:
    """Return the effective pathways for a known P-code, by AoR."""
    areas = lineage(area)
    layers = await published_layers(session, areas)
    await _read_missing(session, layers)
    return {
        aor: _effective(aor, area, tuple(sorted(of_aor, key=lambda each: areas.index(each.area))))
        for aor in AORS
        for of_aor in [[layer for layer in layers if layer.aor == aor]]
    }


def _effective(aor: str, area: str, layers: tuple[Layer, ...]) -> InForce:
    if not layers:
        return InForce(proposal(aor, area), ())
    return InForce(_inherited(layers), layers)


@lru_cache(maxsize=_KEPT_VERSIONS)
def _inherited(layers: tuple[Layer, ...]) -> Pathway:
    return inherit([_parsed[layer.pathway_id, layer.number] for layer in layers])


async def _read_missing(session: AsyncSession, layers: Sequence[Layer]) -> None:
    if len(_parsed) > _KEPT_VERSIONS:
        _parsed.clear()
    missing = [key for each in layers if (key := (each.pathway_id, each.number)) not in _parsed]
    for key, body in (await published_bodies(session, missing)).items():
        _parsed[key] = Pathway.model_validate(body)


async def wider(session: AsyncSession, aor: str, area: str) -> Pathway | None:
    """Return the pathway that a pathway for `area` would inherit, or None."""
    above = lineage(area)[:-1]
    layers = [each for each in await published_layers(session, above) if each.aor == aor]
    if not layers:
        return None
    await _read_missing(session, layers)
    return _inherited(tuple(sorted(layers, key=lambda each: above.index(each.area))))


async def with_draft(
    session: AsyncSession, area: str, draft: Layer, body: Pathway
) -> InForce | None:
    """Return the pathway for `area` as if the draft were published; None if nothing would change."""
    areas = lineage(area)
    if draft.area not in areas:
        return None
    others = [
        each
        for each in await published_layers(session, areas)
        if each.aor == draft.aor and each.area != draft.area
    ]
    await _read_missing(session, others)
    layers = sorted([*others, draft], key=lambda each: areas.index(each.area))
    chain = [body if each is draft else _parsed[each.pathway_id, each.number] for each in layers]
    return InForce(inherit(chain), tuple(layers))


async def published_in(
    session: AsyncSession, areas: Sequence[str]
) -> dict[str, dict[str, InForce]]:
    """Return the published pathways in force in each area, by AoR, without proposals."""
    lineages = {area: lineage(area) for area in areas}
    wanted = sorted({each for of_area in lineages.values() for each in of_area})
    layers = await published_layers(session, wanted)
    await _read_missing(session, layers)
    by_area: dict[str, list[Layer]] = {}
    for layer in layers:
        by_area.setdefault(layer.area, []).append(layer)
    found: dict[str, dict[str, InForce]] = {}
    for area, of_area in lineages.items():
        chains: dict[str, list[Layer]] = {}
        for each in of_area:
            for layer in by_area.get(each, ()):
                chains.setdefault(layer.aor, []).append(layer)
        found[area] = {
            aor: InForce(_inherited(tuple(chain)), tuple(chain)) for aor, chain in chains.items()
        }
    return found
