"""The problem tree and the SWOT: which statement may be below which other. Pure."""

from collections.abc import Iterator, Mapping
from typing import Literal
from uuid import UUID

Place = Literal[
    "core-problem",
    "cause",
    "effect",
    "strength",
    "weakness",
    "opportunity",
    "threat",
]
PLACES: Mapping[str, tuple[str, ...]] = {
    "core-problem": (),
    "cause": ("core-problem", "cause"),
    "effect": ("core-problem", "effect"),
    "strength": (),
    "weakness": (),
    "opportunity": (),
    "threat": (),
}
"""Each place, with the places that may be above it; empty: it has no parent."""
TREE = ("core-problem", "cause", "effect")
SWOT = ("strength", "weakness", "opportunity", "threat")


def branches(parents: Mapping[UUID, UUID | None]) -> Iterator[tuple[UUID, int]]:
    """Yield each node with its depth, branch by branch; a node without an existing parent begins its own branch."""
    below: dict[UUID | None, list[UUID]] = {}
    for node, parent in parents.items():
        below.setdefault(parent if parent in parents else None, []).append(node)
    left = [(node, 0) for node in reversed(below.get(None, []))]
    while left:
        node, depth = left.pop()
        yield node, depth
        left += [(each, depth + 1) for each in reversed(below.get(node, []))]


def beneath(node: UUID, parent: UUID, parents: Mapping[UUID, UUID | None]) -> bool:
    """Return whether `parent` is the node itself or below it and therefore cannot be its parent."""
    at: UUID | None = parent
    while at is not None:
        if at == node:
            return True
        at = parents.get(at)
    return False
