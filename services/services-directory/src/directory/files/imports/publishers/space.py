"""The id namespace that a publisher's files share."""

from dataclasses import dataclass, field
from uuid import NAMESPACE_URL, UUID, uuid5


@dataclass(slots=True)
class Space:
    """A namespace. `own`: the file is an export from this directory, so its ids are the directory's. By kind of entry,
    `taken` contains ids of other publishers' entries, and `ours` ids that came from this publisher before."""

    source: str
    own: bool = False
    ours: dict[str, set[UUID]] = field(default_factory=dict)
    taken: dict[str, set[UUID]] = field(default_factory=dict)

    @property
    def namespace(self) -> UUID:
        return uuid5(NAMESPACE_URL, f"ruta:import:{self.source}")

    def identifier(self, kind: str, given: str) -> UUID:
        """Return the id within this namespace: the given id itself, or an id that is always derived from it in the same
        way."""
        known = as_uuid(given)
        if known is None or known in self.taken.get(kind, ()):
            return uuid5(self.namespace, f"{kind}:{given}")
        return known


_LONGEST = len("urn:uuid:{00000000-0000-0000-0000-000000000000}")
"""The longest form of a UUID."""


def as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) <= _LONGEST else None
    except ValueError:
        return None
