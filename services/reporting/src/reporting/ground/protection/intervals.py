"""The uncertainty of a published count, computed from published counts alone.

Rounding shows every k-th person of a sparse cell as k, so a count that shows r is off by about √((k−1)·r). The tilt
keeps the total and some one-way counts close to the truth; their errors follow exp(−η|e|). If a finer count is too
high, others of the same one-way count are too low. The true count then follows a gamma law around the shown one.
docs/reporting.md gives the coverage of each class.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from reporting.ground.protection.arrays import Floats, Whole, np, special

HELD = 0.96
"""The share of the law that an interval covers."""
FEW, FEWER = 0.5, 3.5
"""The prior assumption that groups are small: its weight, and how many times fewer persons than shown it assumes."""
OF_A_MARGIN, OF_THE_TOTAL = 2.0, 0.5
"""The variance of the error that the tilt leaves, in 1/η²: that of exp(−η|e|) for a one-way count, and less for the
total, because the counts of each tilted dimension add up to it."""

UNTOLD, OF_SPANS, OF_TOTALS_OF_SPANS = 0.1, 0.55, 0.06
"""The minimum share of a count's own error: where one-way counts seem to determine all of it, and for a span, whose
flows are not tilted."""


@dataclass(frozen=True)
class Noise:
    """The effect of rounding on one cube, from the perspective of a view.

    `total` is the cube's shown total. `margins` contains, for each dimension of the view, the cube's shown count of
    each code, None if it was not tilted; `where` is the same for the view's restrictions. `eta` is that of the total
    and of one-way counts, per person. `periods` is the number of closed periods in the cube.
    """

    k: int
    eta: tuple[float, float]
    total: int
    margins: tuple[Floats | None, ...]
    where: tuple[float, ...] = ()
    periods: int = 1
    added: int = 0
    """Persons that a span shows beyond the flows of its parts, so that no part exceeds it."""

    def variance(self, shown: Whole, margins: Sequence[Floats | float]) -> Floats:
        """Return the variance of the errors of counts that show `shown` and are parts of these tilted one-way counts."""
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
        """Return the share of a count's error that the tilt leaves."""
        spread = (self.k - 1) * np.maximum(free, 0.1)
        return np.asarray(spread / (1 + spread * eta**2 / of / self.periods))


def intervals(
    shown: Whole, variance: Floats, few: int, least: int, share: float = 1.0
) -> list[tuple[int, int]]:
    """Return the low and high bounds, which include the figure itself; what shows 0 is "0 to `few`"."""
    mean = np.maximum(shown, 1) * share
    told = mean**2 / np.maximum(variance, 0.5)
    shape, rate = told + FEW, (told + FEW * FEWER) / mean
    low, high = (
        special.gammaincinv(shape, chance) / rate for chance in ((1 - HELD) / 2, (1 + HELD) / 2)
    )
    low = np.where(shown > 0, np.clip(np.floor(low + 0.5), least, shown), 0)
    high = np.where(shown > 0, np.maximum(np.ceil(high - 0.5), shown), few)
    return [(int(a), int(b)) for a, b in zip(low, high, strict=True)]
