"""Differences that intervals prove. Only these are ranked, shaded or called the largest (R9)."""

from collections.abc import Sequence
from decimal import Decimal

Bounds = tuple[int | Decimal, int | Decimal]
"""Low and high of a count; of an exact one twice the same."""


def larger(one: Bounds, other: Bounds) -> bool:
    """Whether one count is larger for all that is known."""
    return one[0] > other[1]


def leads(counts: Sequence[Bounds]) -> bool:
    """Whether the first may be called the largest."""
    return all(larger(counts[0], each) for each in counts[1:])


def ordered(counts: Sequence[Bounds]) -> list[int]:
    """The places of the counts: a larger one before those that it is larger than, the others as they stood.
    So none that is left out at the end is larger than one that is not."""
    left, found = list(range(len(counts))), []
    while left:
        least = max(counts[each][0] for each in left)
        found.append(next(each for each in left if counts[each][1] >= least))
        left.remove(found[-1])
    return found


def levels(counts: Sequence[Bounds]) -> list[int]:
    """From 0 upwards: every count of a level is larger than each of those below it."""
    found, level = [0] * len(counts), 0
    most: int | Decimal | None = None
    for place in sorted(range(len(counts)), key=lambda each: counts[each]):
        low, high = counts[place]
        if most is not None and low > most:
            level += 1
        most = high if most is None else max(most, high)
        found[place] = level
    return found
