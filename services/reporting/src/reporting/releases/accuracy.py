"""How far a release is off on average: estimated from the release itself, so nothing is given away.

True errors would be a second look at the people counted. Instead counts that could lie behind the
published cells are drawn (each offset from the published value as likely as independent rounding
makes it) and rounded again under the same profile; what that run is off by is the estimate.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from reporting.releases.protected import ExpectedError
from reporting.releases.rounding import Coordinates, Weights, numbers, protect

DRAWS_AT_MOST = 16
DRAWS_AT_LEAST = 4
_CELLS_PER_RUN = 4000
_TENTH = Decimal("0.1")
_PERMILLE = Decimal("0.001")
Margins = Mapping[str, Counter[str]]


def expected_errors(
    cells: Mapping[Coordinates, int], names: Sequence[str], k: int, weights: Weights
) -> tuple[ExpectedError, ...]:
    """Expected absolute error of the total, of each dimension's one-way counts, and of a cell."""
    if not cells:
        return ()
    absolute: Counter[str] = Counter()
    observed: Counter[str] = Counter()
    runs = max(DRAWS_AT_LEAST, min(DRAWS_AT_MOST, _CELLS_PER_RUN // len(cells)))
    for run in range(runs):
        seed = hashlib.sha256(cells_hash(cells) + b"accuracy %d" % run).digest()
        possible = _possible(cells, k, seed)
        again = protect(possible, k=k, weights=weights, seed=seed)
        before, after = _margins(possible, names), _margins(again, names)
        for margin, counts in before.items():
            absolute[margin] += sum(abs(n - after[margin][code]) for code, n in counts.items())
            observed[margin] += len(counts)
    sizes = {margin: _mean(counts) for margin, counts in _margins(cells, names).items()}
    return tuple(
        _error(margin, Decimal(absolute[margin]) / observed[margin], sizes[margin])
        for margin in ("total", *names, "cell")
    )


def cells_hash(cells: Mapping[Coordinates, int]) -> bytes:
    """SHA-256 over the cells in canonical order: what a release is recognised by."""
    text = json.dumps([[list(at), cells[at]] for at in sorted(cells)], separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()


def _error(margin: str, mean: Decimal, size: Decimal) -> ExpectedError:
    return ExpectedError(margin, mean.quantize(_TENTH), (mean / size).quantize(_PERMILLE))


def _mean(counts: Counter[str]) -> Decimal:
    return Decimal(counts.total()) / len(counts)


def _possible(cells: Mapping[Coordinates, int], k: int, seed: bytes) -> dict[Coordinates, int]:
    """Counts that may lie behind the cells: published r came from n with odds 1 − |n − r|/k."""
    stream = numbers(seed)
    return {at: cells[at] + _offset(stream, k) for at in sorted(cells)}


def _offset(stream: Iterator[int], k: int) -> int:
    # The difference of two uniform draws from 0…k−1 has just the triangular odds wanted.
    return (next(stream) * k >> 53) - (next(stream) * k >> 53)


def _margins(cells: Mapping[Coordinates, int], names: Sequence[str]) -> Margins:
    margins: dict[str, Counter[str]] = {margin: Counter() for margin in ("total", *names, "cell")}
    for at, count in cells.items():
        margins["total"][""] += count
        margins["cell"]["\0".join(at)] += count
        for name, code in zip(names, at, strict=True):
            margins[name][code] += count
    return margins
