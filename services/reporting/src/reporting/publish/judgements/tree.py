"""The problem tree and the SWOT: which statement may stand beneath which. Pure."""

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
"""Each place, and the places of what it stands beneath; none: it stands by itself."""
TREE = ("core-problem", "cause", "effect")
SWOT = ("strength", "weakness", "opportunity", "threat")


def branches(parents: Mapping[UUID, UUID | None]) -> Iterator[tuple[UUID, int]]:
    """Each node with its depth, a branch after the other; one whose parent is not there begins its own."""
    below: dict[UUID | None, list[UUID]] = {}
    for node, parent in parents.items():
        below.setdefault(parent if parent in parents else None, []).append(node)
    left = [(node, 0) for node in reversed(below.get(None, []))]
    while left:
        node, depth = left.pop()
        yield node, depth
        left += [(each, depth + 1) for each in reversed(below.get(node, []))]


def beneath(node: UUID, parent: UUID, parents: Mapping[UUID, UUID | None]) -> bool:
    """Whether `parent` is the node itself or stands somewhere beneath it: then it cannot carry it."""
    at: UUID | None = parent
    while at is not None:
        if at == node:
            return True
        at = parents.get(at)
    return False
