"""Controlled rounding, the usual accurate method, by exhaustive search. The harness must find it unsafe."""

from collections.abc import Iterator
from itertools import product

from tests.services.reporting.releases.harness import Table, box

ROWS, COLUMNS, TOTAL = ((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 1, 2, 3),)


def controlled(n: Table, k: int) -> Iterator[Table]:
    """Yield the best 2×2 rounding with rounded margins; the first one wins a tie."""
    margins = (*ROWS, *COLUMNS, *TOTAL)
    best: Table | None = None
    least = float("inf")
    for r in product(*(box(each, k) for each in n)):
        if any(sum(r[i] for i in m) not in box(sum(n[i] for i in m), k) for m in margins):
            continue
        error = sum((a - b) ** 2 for a, b in zip(r, n, strict=True))
        if error < least:
            best, least = r, error
    if best is not None:
        yield best
