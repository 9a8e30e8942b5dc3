"""The space in which the ids of a file count."""

import re
from collections.abc import Sequence
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
        return self.identified(kind, given)[1]

    def written(self, kind: str, given: str) -> str:
        """The same as text alone: most are written as they would be read."""
        if not self.taken.get(kind) and CANONICAL.fullmatch(given):
            return given
        return self.identified(kind, given)[0]

    def identified(self, kind: str, given: str) -> tuple[str, UUID]:
        """The same as text, too."""
        known = _read(given) if len(given) <= _LONGEST else None
        if known is None or known[1] in self.taken.get(kind, ()):
            made = _made if len(given) <= _MOST_KEPT else _made.__wrapped__
            return made(self.source, kind, given)
        return known


CANONICAL = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ALL_CANONICAL = re.compile(f"(?:{CANONICAL.pattern}\n)*")


def are_canonical(ids: Sequence[str]) -> bool:
    """Whether all are written as they would be read."""
    return _ALL_CANONICAL.fullmatch("\n".join((*ids, ""))) is not None


_LONGEST = len("urn:uuid:{00000000-0000-0000-0000-000000000000}")
"""Of a way to write a UUID."""
_MOST_KEPT = 200
"""Characters of an id that is remembered; a cell may hold a megabyte."""


# Each id of a file is asked for with every row that leads to it.
@lru_cache(maxsize=1_024)
def _read(given: str) -> tuple[str, UUID] | None:
    try:
        found = UUID(given)
    except ValueError:
        return None
    return str(found), found


@lru_cache(maxsize=1_024)
def _made(source: str, kind: str, given: str) -> tuple[str, UUID]:
    found = uuid5(_namespace(source), f"{kind}:{given}")
    return str(found), found


@lru_cache(maxsize=64)
def _namespace(source: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"ruta:import:{source}")
