"""The rule that decides who sees which entry, for the directory itself and for every copy of it. Pure.

public: anyone · partners: any organisation with directory:read · pathway: members of one of the service's areas of
responsibility (AoRs), in its state · restricted: that AoR's coordinators, and the organisations that offer or manage
the service. All others reach a restricted service through its intermediary and learn nothing about it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol
from uuid import UUID

from common.auth.principal import Principal, Role
from common.words.choices import words
from common.words.places import Places

LEVELS = {code: place for place, code in enumerate(words("visibility_levels"))}
NAMES = tuple(LEVELS)
PUBLIC, PARTNERS, PATHWAY, RESTRICTED = range(4)

SCOPE = "directory:read"
_MEMBERS = frozenset({Role.PARTNER, Role.CASEWORKER, Role.SUPERVISOR, Role.COORDINATOR, Role.IM})


class Entry(Protocol):
    """The fields of a service that the rule uses. A copy leaves unknown values empty, so it never shows more than the
    directory would."""

    @property
    def visibility(self) -> str: ...
    @property
    def organisation_id(self) -> UUID: ...
    @property
    def managed_by(self) -> UUID | None: ...
    @property
    def aors(self) -> Collection[str]: ...
    @property
    def states(self) -> Collection[str]: ...


@dataclass(frozen=True)
class Audience:
    """A group of callers who see the same entries. Empty `states` means everywhere. `aors` and `coordinates` are
    sorted, so that equal audiences compare equal."""

    base: int = PUBLIC
    organisation_id: UUID | None = None
    aors: tuple[str, ...] = ()
    coordinates: tuple[str, ...] = ()
    states: tuple[str, ...] = ()

    @property
    def levels(self) -> tuple[int, ...]:
        """Return the levels at which this audience may read documents."""
        if self.organisation_id is None:
            return (self.base,)
        found = {self.base, RESTRICTED}
        if self.aors:
            found.add(PATHWAY)
        return tuple(sorted(found))

    @property
    def key(self) -> str:
        """Return a key for the audience. Two callers with the same key see the same documents."""
        if self.organisation_id is None:
            return str(self.base)
        parts = (self.organisation_id, *self.aors, "/", *self.coordinates, "/", *self.states)
        return ":".join(map(str, (self.base, *parts)))

    def level(self, entry: Entry) -> int:
        """Return the level at which this audience reads the entry."""
        if self.organisation_id is None:
            return self.base
        own = self.organisation_id in (entry.organisation_id, entry.managed_by)
        if own or self._shares(self.coordinates, entry):
            return RESTRICTED
        return PATHWAY if self._shares(self.aors, entry) else self.base

    def least(self, aor: str) -> int:
        """Return the lowest level at which this audience reads any service of an area of responsibility."""
        if self.organisation_id is None or self.states:
            return self.base
        if aor in self.coordinates:
            return RESTRICTED
        return PATHWAY if aor in self.aors else self.base

    def sees(self, entry: Entry) -> bool:
        return LEVELS[entry.visibility] <= self.level(entry)

    def _shares(self, aors: tuple[str, ...], entry: Entry) -> bool:
        if not set(aors) & set(entry.aors):
            return False
        return not self.states or bool(set(self.states) & set(entry.states))


ANYONE = Audience()


@lru_cache(maxsize=4_096)
def audience_of(principal: Principal) -> Audience:
    """Return the caller's audience. It is cached, because a client's requests have equal principals until its token
    expires."""
    if principal.anonymous or SCOPE not in principal.scopes or principal.organisation_id is None:
        return ANYONE
    member = bool(principal.roles & _MEMBERS)
    leads = Role.COORDINATOR in principal.roles
    places = Places.load()
    return Audience(
        base=PARTNERS,
        organisation_id=principal.organisation_id,
        aors=tuple(sorted(principal.aors)) if member else (),
        coordinates=tuple(sorted(principal.aors)) if leads else (),
        # No areas means everywhere. An unknown area is kept; it matches no service.
        states=tuple(
            sorted({places.at_most(a, 1) if places.is_known(a) else a for a in principal.areas})
        ),
    )


def states_of(areas: Collection[str]) -> list[str]:
    """Return the first-level areas that contain these areas. A country-wide area counts as its country."""
    places = Places.load()
    return sorted({places.at_most(area, 1) for area in areas if places.is_known(area)})
