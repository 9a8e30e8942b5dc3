"""What a draft would change, and for whom, if it replaced the published version."""

from collections.abc import Sequence
from dataclasses import dataclass

from directory.pathways.planning.resolution import ResolvedStep


@dataclass(frozen=True, slots=True)
class Effect:
    """Changes of one profile's plan: needs gained and lost, moved, coverage changed."""

    gained: tuple[str, ...]
    lost: tuple[str, ...]
    moved: tuple[tuple[str, int, int], ...]
    coverage: tuple[tuple[str, str, str], ...]
    urgency: tuple[tuple[str, str, str], ...]

    def __bool__(self) -> bool:
        return bool(self.gained or self.lost or self.moved or self.coverage or self.urgency)


def effect(published: Sequence[ResolvedStep], draft: Sequence[ResolvedStep]) -> Effect:
    """`moved`: need, place before, place after (1 is first) among the needs that both hold."""
    before = {step.ordered.step.need: step for step in published}
    after = {step.ordered.step.need: step for step in draft}
    shared_before = [need for need in before if need in after]
    shared_after = [need for need in after if need in before]
    return Effect(
        gained=tuple(sorted(set(after) - set(before))),
        lost=tuple(sorted(set(before) - set(after))),
        moved=tuple(
            (need, shared_before.index(need) + 1, at + 1)
            for at, need in enumerate(shared_after)
            if shared_before.index(need) != at
        ),
        coverage=tuple(
            (need, before[need].coverage.value, after[need].coverage.value)
            for need in shared_after
            if before[need].coverage is not after[need].coverage
        ),
        urgency=tuple(
            (need, old, new)
            for need in shared_after
            if (old := before[need].ordered.step.urgency.value)
            != (new := after[need].ordered.step.urgency.value)
        ),
    )
