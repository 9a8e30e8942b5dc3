"""The uncertainty of a published count, computed only from published counts.

Rounding shows every k-th person of a sparse cell as k. A count that shows r and has `depth` dimensions is off by about
√(share × (k−1) × r). The shares are measured (`python -m drills.numbers`): the tilt keeps one-way counts, and above all
the total, close to the truth, while errors grow with the number of periods. docs/reporting.md gives the coverage of
each class.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import log2

from reporting.ground.protection.arrays import Floats, Whole, np, special

HELD = 0.92
"""The share of the law that an interval covers."""
SHARES, OF_PERIODS = (0.0, 0.22, 0.46, 0.7), 0.15
"""By depth, and for each doubling of the number of periods."""
OF_THE_TOTAL, OF_A_TOTAL_OVER_PERIODS, MOST_OF_A_MARGIN = 28, 50, 90
"""Variances: of a period's total; of a span's, for each period; the most of a period's one-way count."""
FEW, FEWER = 0.3, 3.5
"""The prior assumption that groups in deep tables are small: its weight, and how many times fewer persons than shown it
assumes."""


@dataclass(frozen=True)
class Noise:
    """The effect of rounding on a view's counts. `sources` maps the view's dimensions to those of the joint cube.
    `where` contains the dimensions by which the view counts only some people, and `loose` the dimensions that were not
    tilted. `deep` is the depth from which tables have small groups."""

    k: int
    periods: int = 1
    sources: Mapping[str, str] = field(default_factory=dict)
    where: frozenset[str] = frozenset()
    loose: frozenset[str] = frozenset()
    deep: int = 2

    def depth(self, names: Collection[str]) -> int:
        """Return the depth of a table by these dimensions; an untilted dimension is as loose as two tilted ones."""
        read = self.where | {self.sources.get(name, name) for name in names}
        return min(sum(2 if name in self.loose else 1 for name in read), len(SHARES) - 1)

    def variance(self, shown: Whole, names: Collection[str]) -> Floats:
        """Return the error variance of counts that show `shown`, by these dimensions."""
        depth, alone = self.depth(names), self.periods == 1
        if depth == 0:
            found = OF_THE_TOTAL if alone else OF_A_TOTAL_OVER_PERIODS * self.periods
            return np.full(shown.shape, float(found))
        share = SHARES[depth] + OF_PERIODS * log2(self.periods)
        most = MOST_OF_A_MARGIN if depth == 1 and alone else np.inf
        spread: Floats = np.minimum(share * (self.k - 1) * shown, most)
        return spread


def intervals(
    shown: Whole, expected: Whole, variance: Floats, bounds: tuple[int, int], *, deep: bool
) -> list[tuple[int, int]]:
    """Return the low and high bounds around the `expected` count, which include the figure itself. `bounds` are the
    lowest count for a figure that shows somebody, and the highest count for a figure that shows 0. `deep`: see
    `FEW`."""
    least, few = bounds
    mean = np.maximum(expected, 1)
    told, prior = mean**2 / np.maximum(variance, 0.5), FEW if deep else 0.0
    shape, rate = told + prior, (told + prior * FEWER) / mean
    low, high = (
        special.gammaincinv(shape, chance) / rate for chance in ((1 - HELD) / 2, (1 + HELD) / 2)
    )
    low = np.where(shown > 0, np.clip(np.floor(low), least, shown), 0)
    high = np.where(shown > 0, np.maximum(np.ceil(high - 0.5), shown), few)
    return [(int(a), int(b)) for a, b in zip(low, high, strict=True)]
