"""The operational numbers that a caller may see: an organisation sees its own, a coordinator sees those of their
AoRs."""

from collections.abc import Iterable
from dataclasses import dataclass

from common.auth import Principal, Role
from common.words.places import Places

OWN_ROLES = frozenset({Role.PARTNER, Role.CASEWORKER, Role.SUPERVISOR})
_AOR_WIDE = frozenset({Role.COORDINATOR, Role.IM})


@dataclass(frozen=True)
class Scope:
    """A set of counters; ``areas`` None means everywhere."""

    kind: str
    id: str
    areas: frozenset[str] | None = None


def scopes_of(caller: Principal) -> tuple[Scope, ...]:
    """Return all the caller's scopes; empty for roles without a scope (reader, auditor)."""
    found: list[Scope] = []
    if caller.roles & _AOR_WIDE:
        areas = states_of(caller.areas)
        found += [Scope("aor", aor, areas) for aor in sorted(caller.aors)]
    if caller.roles & OWN_ROLES and caller.organisation_id is not None:
        own = str(caller.organisation_id)
        found += [Scope("sender", own), Scope("recipient", own)]
    return tuple(found)


def states_of(areas: Iterable[str]) -> frozenset[str] | None:
    """Return the first-level areas that a membership covers completely; None if it covers everything. Counters are per
    state, so a membership in a municipality, which covers no whole state, sees none."""
    wanted = set(areas)
    if not wanted:
        return None
    places = Places.load()
    return frozenset(
        place.pcode
        for place in places
        if place.level == 1 and any(places.within(place.pcode, area) for area in wanted)
    )


def everything_in(areas: Iterable[str]) -> list[str]:
    """Return the areas and all areas within them."""
    places = Places.load()
    return sorted({each for area in areas for each in (area, *places.descendants(area))})
