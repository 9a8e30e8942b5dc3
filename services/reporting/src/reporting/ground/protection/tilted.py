"""What the tilt leaves of errors: of a margin's, and of the total's.

Without a tilt each k-th of those who stand in cells of their own shows as k, and all others as 0. The tilt weighs what
that adds to a margin, e, by exp(−η|e|); and what can come out for n persons is as far from n as a multiple of k is. So a
code of few persons most probably shows nothing, while the codes of many show their persons and somewhat too few in
all: of few people the total shows too few on average.

The total is tilted itself, and its parts in every tilted dimension keep it, too. With one dimension alone its error
would be the sum of its margins' errors. Given what the total is off by, dimensions are taken to err independently: the
law of the total's error is the product of those of all dimensions, each as far as it says more than chance does.
"""

from collections.abc import Sequence

from reporting.ground.protection.arrays import Floats, np, special

NEGLIGIBLE, WIDEST = 17.0, 60
"""Errors that the tilt makes rarer than e to the minus so much are left out, and those of so many steps of k."""
MANY = 200
"""Of more persons than make so many steps of k the law of a margin's error depends on the remainder alone."""
FEW = 1e-3
"""A margin of fewer persons is of none."""
_LEAST = 1e-290


def left_of_a_margin(spread: Floats, eta: float) -> Floats:
    """The variance of a normal error that says as much of a margin as its tilt does: the more a margin would
    vary by itself (`spread`, a variance), the nearer to √2/η it may be off."""
    spread = np.maximum(spread, 1e-6)
    times = np.minimum(eta * np.sqrt(spread), 1e3)
    hazard = np.sqrt(2 / np.pi) / special.erfcx(times / np.sqrt(2))
    left = np.maximum(spread * (1 + times**2 - times * hazard), 1e-9)
    told: Floats = np.maximum(1 / left - 1 / spread, 1e-12)
    return 1 / told


class Laws:
    """Of the errors of margins that are tilted by `eta`, from −reach to reach."""

    def __init__(self, k: int, eta: float) -> None:
        steps = int(min(np.ceil(NEGLIGIBLE / (eta * k)) + 1, WIDEST))
        self._k, self.reach = k, k * (steps + 1)
        self._all = np.arange(-self.reach, self.reach + 1)
        persons = np.arange(k * (MANY + 1))[:, None]
        ups = persons // k + np.arange(-steps, steps + 2)
        self._errors = k * ups - persons
        up = np.clip(ups, 0, persons)
        log = special.gammaln(persons + 1) - special.gammaln(up + 1)
        log = log - special.gammaln(persons - up + 1)
        log = log - up * np.log(k) + (persons - up) * np.log1p(-1 / k)
        chance = np.where(ups == up, np.exp(log - eta * np.abs(self._errors)), 0.0)
        self._law = chance / chance.sum(axis=1, keepdims=True)

    def of_about(self, persons: float) -> Floats:
        """Of a tilted margin of about so many persons in cells of their own."""
        around = 6 * np.sqrt(persons) + 8
        each = np.arange(max(int(persons - around), 0), int(persons + around) + 1)
        odds = np.exp(each * np.log(persons) - persons - special.gammaln(each + 1))
        most = self._k * MANY
        known = np.where(each < most, each, most + each % self._k)
        at = np.clip(self._errors[known] + self.reach, 0, 2 * self.reach)
        weights = odds[:, None] * self._law[known]
        law = np.bincount(at.ravel(), weights.ravel(), len(self._all)).astype(float, copy=False)
        law /= law.sum()
        return law

    def by_chance(self, persons: float) -> Floats:
        """Of one that is not tilted."""
        rate = persons / self._k
        ups = np.arange(int(rate + 8 * np.sqrt(rate) + 30))
        down = (self._k - 1) * ups - self._all[:, None]
        rest = np.maximum(down, 0)
        log = ups * np.log(rate) - special.gammaln(ups + 1) - persons
        log = log + rest * np.log((self._k - 1) * rate) - special.gammaln(rest + 1)
        law: Floats = np.where(down >= 0, np.exp(log), 0.0).sum(axis=1)
        return law

    def of_the_total(
        self, shown: float, persons: float, margins: Sequence[Floats], eta: float
    ) -> tuple[float, float]:
        """How many more there are than shown, and its variance. `persons` are in cells of their own, and in
        `margins` as many of each code, dimension by dimension; `eta` is of the total's own tilt."""
        persons = max(persons, 1.0)
        chance = np.log(np.maximum(self.by_chance(persons), _LEAST))
        log = chance - eta * np.abs(self._all)
        for codes in margins:
            law = np.ones(1)
            for about in codes[codes > FEW].tolist():
                law = self._within(np.convolve(law, self.of_about(about)))
            if len(law) > 1:
                log = log + np.log(np.maximum(law, _LEAST)) - chance
        # More than all that is shown nobody has too many; and what chance cannot make, no margin tells.
        log = np.where((self._all <= shown) & (chance > np.log(_LEAST)), log, -np.inf)
        odds = np.exp(log - np.amax(log, initial=-1e300))
        # For the same number of persons only errors that make a multiple of k come out.
        same = np.bincount(self._all % self._k, odds, self._k)
        odds = odds / np.maximum(same[self._all % self._k], _LEAST)
        odds /= odds.sum()
        more = -float((odds * self._all).sum())
        return more, float((odds * (self._all + more) ** 2).sum())

    def _within(self, law: Floats) -> Floats:
        middle = len(law) // 2
        return law[middle - self.reach : middle + self.reach + 1] if middle > self.reach else law
