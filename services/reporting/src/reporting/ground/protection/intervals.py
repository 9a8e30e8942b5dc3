"""How sure a published count is, computed from published counts alone.

Every k-th person who stands in a cell of her own is shown as k, so a count that shows r is off by about √((k−1)·r).
The tilt keeps the total and some one-way counts close to the truth: of such a count's error it leaves a law
exp(−η|e|); and what a finer count has too many of, others of the same one-way counts have too few of. The true
count then follows a gamma law around the shown one. What that holds, class by class: docs/reporting.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from reporting.ground.protection.arrays import Floats, Whole, np, special

HELD = 0.96
"""Of the law, by an interval."""
FEW, FEWER = 0.5, 3.5
"""Before anything is shown: how much it weighs, and how many times fewer than are shown, that groups are small."""
OF_A_MARGIN, OF_THE_TOTAL = 2.0, 0.5
"""The variance of what the tilt leaves of a count's error, in 1/η²: of a one-way count that of exp(−η|e|); of the
total less, as the counts by each tilted dimension add up to it."""

UNTOLD, OF_SPANS, OF_TOTALS_OF_SPANS = 0.1, 0.55, 0.06
"""Of a count's own error, what is left at least where one-way counts seem to tell all of it; and of a span's, whose flows
no tilt keeps."""


@dataclass(frozen=True)
class Noise:
    """What rounding did to one cube, as a view sees it. `total`: all that the cube shows; `margins`: for each dimension
    of the view what the cube shows of each code, None where it was not tilted; `where`: the same of what the
    view is restricted to; `eta` of the total and of one-way counts, per person; `periods`: how many closed periods
    the cube is made of."""

    k: int
    eta: tuple[float, float]
    total: int
    margins: tuple[Floats | None, ...]
    where: tuple[float, ...] = ()
    periods: int = 1
    added: int = 0
    """Persons that a span shows beyond the flows of its parts, so that no part exceeds it."""

    def variance(self, shown: Whole, margins: Sequence[Floats | float]) -> Floats:
        """Variance of the errors of counts that show `shown` and are parts of these tilted one-way counts."""
        each_period = shown.astype(float)
        whole = max(float(self.total), 1.0)
        own = 1 - each_period / whole
        kept = (each_period / whole) ** 2 * self._left(whole, whole, self.eta[0], OF_THE_TOTAL)
        for margin in (*margins, *self.where):
            of = np.maximum(margin, 1.0)
            part = np.minimum(each_period / of, 1.0)
            own = own - part * (1 - of / whole)
            kept = kept + part**2 * self._left(of * (1 - of / whole), of, self.eta[1], OF_A_MARGIN)
        finer = sum(bool((np.asarray(m) < whole).any()) for m in (*margins, *self.where))
        least = 0.0 if finer < 2 else UNTOLD
        if self.periods > 1:
            least = OF_SPANS if finer else OF_TOTALS_OF_SPANS
        found: Floats = (self.k - 1) * each_period * np.maximum(own, least) + kept
        return found

    def _left(self, free: Floats | float, shown: Floats | float, eta: float, of: float) -> Floats:
        """The share of a count's error that the tilt keeps."""
        spread = (self.k - 1) * np.maximum(free, 0.1)
        return np.asarray(spread / (1 + spread * eta**2 / of / self.periods))


def intervals(
    shown: Whole, variance: Floats, k: int, least: int, share: float = 1.0
) -> list[tuple[int, int]]:
    """Low and high, the figure itself included; what shows 0 is "0 to k−1"."""
    mean = np.maximum(shown, 1) * share
    told = mean**2 / np.maximum(variance, 0.5)
    shape, rate = told + FEW, (told + FEW * FEWER) / mean
    low, high = (
        special.gammaincinv(shape, chance) / rate for chance in ((1 - HELD) / 2, (1 + HELD) / 2)
    )
    low = np.where(shown > 0, np.clip(np.floor(low + 0.5), least, shown), 0)
    high = np.where(shown > 0, np.maximum(np.ceil(high - 0.5), shown), k - 1)
    return [(int(a), int(b)) for a, b in zip(low, high, strict=True)]
