"""Who acts, for which organisation, with what: pure, no I/O."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Identity:
    """A client, or a person who uses one, with what it may do. `read_at`: the second since 1970, by the clock of the
    database, at which that was so; whoever ends it does so later."""

    subject: str
    client_id: str
    organisation_id: UUID
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    aors: tuple[str, ...]
    areas: tuple[str, ...]
    read_at: float


def effective_aors(own: Iterable[str], memberships: Iterable[str]) -> tuple[str, ...]:
    """A client works for its organisation's AoRs, or for those of them that it was given."""
    members = set(memberships)
    chosen = set(own)
    return tuple(sorted(members & chosen if chosen else members))
