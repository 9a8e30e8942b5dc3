"""Differences that the intervals prove. Only these justify ranks, shades or the word "largest" (R9)."""

from collections.abc import Sequence
from decimal import Decimal

Bounds = tuple[int | Decimal, int | Decimal]
"""Low and high of a count; equal for an exact one."""


def larger(one: Bounds, other: Bounds) -> bool:
    """Return whether the intervals prove that one count is larger."""
    return one[0] > other[1]


def leads(counts: Sequence[Bounds]) -> bool:
    """Return whether the first count may be called the largest."""
    return all(larger(counts[0], each) for each in counts[1:])


def ordered(counts: Sequence[Bounds]) -> list[int]:
    """Return the positions of the counts in order. A provably larger count comes before smaller ones; other counts keep
    their order. No count cut off at the end is therefore provably larger than a count before it."""
    left, found = list(range(len(counts))), []
    while left:
        least = max(counts[each][0] for each in left)
        found.append(next(each for each in left if counts[each][1] >= least))
        left.remove(found[-1])
    return found


def levels(counts: Sequence[Bounds]) -> list[int]:
    """Return the level of each count, from 0 upwards. Every count at a level is provably larger than the counts at
    lower levels."""
    found, level = [0] * len(counts), 0
    most: int | Decimal | None = None
    for place in sorted(range(len(counts)), key=lambda each: counts[each]):
        low, high = counts[place]
        if most is not None and low > most:
            level += 1
        most = high if most is None else max(most, high)
        found[place] = level
    return found
