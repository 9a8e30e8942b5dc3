"""The space in which the ids of a file count."""

from dataclasses import dataclass, field
from functools import lru_cache
from uuid import NAMESPACE_URL, UUID, uuid5


@dataclass(slots=True)
class Space:
    """`own`: the file is an export of this directory, so its ids are the directory's. `taken`: by
    kind of entry, ids that stand for somebody else's; `ours`: those that came from here before."""

    source: str
    own: bool = False
    ours: dict[str, set[UUID]] = field(default_factory=dict)
    taken: dict[str, set[UUID]] = field(default_factory=dict)

    @property
    def namespace(self) -> UUID:
        return _namespace(self.source)

    def identifier(self, kind: str, given: str) -> UUID:
        """The id as it counts here: itself, or one made from it that is always the same."""
        try:
            known = UUID(given)
        except ValueError:
            return uuid5(self.namespace, f"{kind}:{given}")
        if known in self.taken.get(kind, ()):
            return uuid5(self.namespace, f"{kind}:{given}")
        return known


@lru_cache(maxsize=64)  # asked for every id of a file
def _namespace(source: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"ruta:import:{source}")
