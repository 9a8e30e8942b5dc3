"""How sure a published count is: what the true counts probably were, given all that is published.

Computed from protected cells only, so it gives nothing away. What is known of a true cell n:

- the method: n lies within k of the published r, and went up with odds f/k; a cell that shows 0 may
  hide up to k−1 persons;
- a prior: n is overdispersed around the product of the published margins, and of how far pairs of
  dimensions go together: a tree of the strongest, each as far as it stands out of the rounding; and of
  who moved on and who stayed where she was, which flows over longer spans rest on;
- the tilt: rounding kept the total and the tilted margins close to their true values;
- the sum: rounding is right on average, so what is shown of many cells tells how far their codes go together
  otherwise than expected, and more so over several periods.

The first two give each cell a mean and a variance; the third conditions them all together, as a
normal law of the margins' errors; the fourth is weighed in where the count is asked for (`moments.py`).
Measured coverage: docs/reporting.md.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations, pairwise
from math import prod
from typing import Protocol

from reporting.ground.protection.arrays import Floats, Whole, np, special
from reporting.ground.protection.dependence import (
    ROUNDS,
    UNSEEN,
    dependencies,
    dispersions,
    raked,
    share_of,
)
from reporting.ground.protection.moments import CERTAIN, OF_ONE_CELL, Effect, Moments
from reporting.ground.protection.tilted import Laws, left_of_a_margin

SHAPE = 0.25
"""Of the prior (negative binomial): the smaller, the more cells differ from what is expected of them."""
ALL_HIDDEN = 0.5
"""Of how many persons stand in cells that show 0: its variance, relative to what is expected."""
DENSE = 20_000
"""Up to so many cells each one that shows 0 is a row; beyond, a sample stands for them."""
SAMPLE = 4_000
_TELLS_NOTHING = 1e12
"""The variance of a margin's error where it was not tilted: it has no bound that would tell of its cells."""

_ARRAYS = (
    "at",
    "_shown",
    "_mean",
    "_variance",
    "_concealed",
    "_least",
    "_most",
    "_prior",
    "_own",
    "_told",
    "_apart",
    "_unsure",
    "_hiding",
    "_gain",
    "_news",
)
"""What questions are answered from: of each row of cells, of each pair of dimensions, of the margins."""
_LATER = {"_of_one_cell": CERTAIN}
"""What was not kept from the beginning, and what it was then."""


class Source(Protocol):
    """Whatever keeps the posterior of a joint cube."""

    @property
    def posterior(self) -> "Posterior": ...


@dataclass(frozen=True)
class Unions:
    """Which of so `many` unions each cell is put into, and in a flow taken from; `many` itself for a cell that
    is in none. `parted` are the dimensions of which a union holds some codes only."""

    many: int
    parted: frozenset[int]
    ways: Sequence[Whole]

    def sums(self, way: int, weights: Floats | None) -> Floats:
        """Of the weights of the cells in each union; without weights, how many cells."""
        found = np.bincount(self.ways[way], weights, self.many + 1)[: self.many]
        return found.astype(np.float64, copy=False)


class Posterior:
    """Of one cube. `at` are the shown cells as places of codes, `sizes` the codes per dimension;
    `tilted` gives, for each tilted dimension, the margin code of each of its codes; `classes` part the
    codes of the dimensions `joined`, taken together, into those that say nothing (0) and others."""

    def __init__(
        self,
        at: Whole,
        shown: Whole,
        sizes: Sequence[int],
        tilted: Sequence[tuple[int, Whole]],
        *,
        joined: tuple[int, ...] = (),
        classes: Sequence[Sequence[Whole]] = (),
        k: int,
        total: int,
        one_way: int,
    ) -> None:
        self._k, self._of_one_cell = k, OF_ONE_CELL
        self._shares = [share_of(at[:, d], shown, size) for d, size in enumerate(sizes)]
        self._persons = float(shown.sum())
        self._together = dependencies(at, shown, self._shares, joined, k)
        if joined:
            self._together[joined] = raked(at, shown, self._shares, joined, classes, k)
        hidden, weight = self._hidden(at, sizes)
        self.at = np.concatenate([at, hidden])
        expected = self._expected(at)
        mean, variance = _moments(shown, expected, k)
        unseen, empty, spread = self._empty(hidden, weight)
        self._mean = np.concatenate([mean, empty])
        self._variance = np.concatenate([variance, spread])
        self._concealed = np.concatenate([np.zeros(len(mean)), empty])
        self._least = np.concatenate([shown - k + 1, np.zeros(len(hidden), np.int64)])
        self._most = np.concatenate([shown + k - 1, empty])
        # What was not tilted is as unsure as anything else, but its margin's error tells nothing.
        kept = {dimension for dimension, _ in tilted}
        loose = [(d, np.arange(size)) for d, size in enumerate(sizes) if d not in kept]
        margins = [margin[self.at[:, d]] for d, margin in [*tilted, *loose]]
        self._margins, self._starts = _numbered(margins)
        self._codes, self._tilts = self._starts[-1], len(tilted)
        self._shown = np.concatenate([shown, np.zeros(len(hidden), np.int64)])
        self._rake(len(at))
        self._open = np.concatenate([_open(shown, expected, k), self._concealed[len(at) :]])
        self._listen(np.concatenate([expected, unseen]), weight is not None)
        score = (self._shown - self._prior) * self._told / np.maximum(self._prior, 1e-12)
        self._apart = dispersions(self.at, sizes, score, self._told, joined[:2])
        self._condition(total, one_way)

    @property
    def stored(self) -> bytes:
        """All that questions need, as it was computed: numbers that are published keep their intervals,
        whatever later versions compute."""
        into = io.BytesIO()
        kept = {name: getattr(self, name) for name in (*_ARRAYS, *_LATER)}
        np.savez_compressed(into, _margins=self._margins, **kept)
        return into.getvalue()

    @classmethod
    def read(cls, stored: bytes) -> "Posterior":
        """What `stored` wrote."""
        made = cls.__new__(cls)
        with np.load(io.BytesIO(stored), allow_pickle=False) as kept:
            for name in _ARRAYS:
                setattr(made, name, kept[name])
            made._margins = list(kept["_margins"])  # noqa: SLF001 - its own
            for name, before in _LATER.items():
                setattr(made, name, float(kept[name]) if name in kept else before)
        made._codes = len(made._news)  # noqa: SLF001
        return made

    def _listen(self, expected: Floats, sampled: bool) -> None:
        """What each row of cells tells of whether more or fewer than expected are where it is."""
        for _ in range(ROUNDS):
            for codes in self._margins:
                aim, now = (np.bincount(codes, each) for each in (self._shown, expected))
                expected = expected * ((aim + UNSEEN) / (now + UNSEEN))[codes]
        self._prior = expected
        # In a sample each row stands for many cells, which differ apart.
        many = (self._shown == 0) & sampled
        self._own = np.where(many, 0.0, expected**2 / SHAPE)
        self._told = expected / (self._k + self._expected(self.at) / SHAPE)

    def _expected(self, at: Whole) -> Floats:
        return self._by_chance(at) * self._met(at)

    def _by_chance(self, at: Whole) -> Floats:
        # Never 0: what is expected is looked up in a logarithm.
        parts = (share[at[:, d]] for d, share in enumerate(self._shares))
        return reduce(np.multiply, parts, np.full(len(at), max(self._persons, 1e-9)))

    def _met(self, at: Whole) -> Floats:
        """By how much more often the codes of cells meet than by chance."""
        parts = (ratio[tuple(at[:, d] for d in of)] for of, ratio in self._together.items())
        return reduce(np.multiply, parts, np.ones(len(at)))

    def _hidden(self, at: Whole, sizes: Sequence[int]) -> tuple[Whole, float | None]:
        """Cells that show 0: all of them, or drawn as the margins are, each for so many persons."""
        taken = np.ravel_multi_index(tuple(at.T), tuple(sizes)) if len(at) else np.zeros(0, int)
        if prod(sizes) <= DENSE:
            free = np.setdiff1d(np.arange(prod(sizes)), taken)
            return np.stack(np.unravel_index(free, tuple(sizes)), axis=1), None
        chance = np.random.default_rng(len(at))
        drawn = [
            chance.choice(size, SAMPLE, p=p) for size, p in zip(sizes, self._shares, strict=True)
        ]
        fresh = ~np.isin(np.ravel_multi_index(tuple(drawn), tuple(sizes)), taken)
        return np.stack(drawn, axis=1)[fresh], self._persons / SAMPLE

    def _empty(self, at: Whole, weight: float | None) -> tuple[Floats, Floats, Floats]:
        if weight is None:
            expected = self._expected(at)
            return expected, *_moments(np.zeros(len(at), np.int64), expected, self._k)
        # Each stands for many cells that are as it is.
        own = np.maximum(self._expected(at), 1e-12)
        many = self._met(at) * weight
        mean, variance = _moments(np.zeros(len(at), np.int64), own, self._k)
        return many, many * mean / own, many * variance / own

    def _rake(self, first: int) -> None:
        """Those who are hidden are as many, under each code, as are not in the cells that show."""
        for _ in range(ROUNDS):
            for codes in self._margins:
                hidden = np.bincount(codes, self._concealed, self._codes)
                aim = np.bincount(codes, self._shown - self._mean, self._codes) + hidden
                factor = (np.maximum(aim, 0) + self._k) / (hidden + self._k)
                factor = factor[codes[first:]]
                for each in (self._mean, self._variance, self._concealed):
                    each[first:] *= factor

    def _condition(self, total: int, one_way: int) -> None:
        """Let the margins' small errors speak: the gain from what they show over what was expected."""
        sizes, hidden = (np.zeros((self._codes, self._codes)) for _ in range(2))
        for first in self._margins:
            for second in self._margins:
                np.add.at(sizes, (first, second), self._variance)
                np.add.at(hidden, (first, second), self._concealed)
        seen = np.zeros(self._codes)
        for codes in self._margins:
            np.add.at(seen, codes, self._shown)
        # A share that rests on few cells that went up is itself unsure, for all whom it hides; what one code
        # has too many of, the others of its dimension have too few of.
        self._unsure = np.zeros((self._codes, self._codes))
        for start, end in pairwise(self._starts):
            own = np.maximum(seen[start:end], self._k)
            self._unsure[start:end, start:end] = self._k * (np.diag(1 / own) - 1 / own.sum())
        self._unsure[0, 0] = ALL_HIDDEN
        self._hiding = self._unsure @ hidden
        sizes += hidden.T @ self._hiding
        eta = np.full(self._codes, max(one_way, 1) / 1000)
        eta[0] = max(total, 1) / 1000
        # What the total is off by, its parts are off by together.
        parts = seen / max(self._persons, 1.0)
        own, more, together = self._left_by_the_tilt(np.diag(sizes), eta)
        noise = np.diag(own) + together * np.outer(parts, parts)
        self._gain = np.linalg.inv(sizes + noise)
        off = more * parts
        for codes in self._margins:
            np.add.at(off, codes, self._shown - self._mean)
        self._news = self._gain @ off

    def _left_by_the_tilt(self, spread: Floats, eta: Floats) -> tuple[Floats, float, float]:
        """The variance of each margin's own error; by how many the total is more than shown, and the variance of
        that."""
        alike = float(eta[-1])
        persons = np.zeros(self._codes)
        for codes in self._margins:
            np.add.at(persons, codes, self._open)
        tilted = [persons[a:b] for a, b in list(pairwise(self._starts))[: self._tilts]]
        more, variance = Laws(self._k, alike).of_the_total(
            float(self._shown.sum()), float(persons[0]), tilted, float(eta[0])
        )
        own = left_of_a_margin(spread, alike)
        own[self._starts[self._tilts] :] = _TELLS_NOTHING
        own[0] = 1  # besides, the total errs by no more than a person
        return own, more, max(variance - 1, 1.0)

    def moments(self, tables: Sequence[Unions]) -> Moments:
        """Of the unions of all these tables, one table after the other."""

        def summed(way: int, weights: Floats | None) -> Floats:
            return np.concatenate([each.sums(way, weights) for each in tables])

        ways = range(len(tables[0].ways))
        variances = [summed(way, self._variance) for way in ways]
        own, concealed = zip(*(self._by_margin(tables, way) for way in ways), strict=True)
        shared = [a + b @ self._hiding for a, b in zip(own, concealed, strict=True)]
        means = [
            summed(way, self._mean) + b @ self._news for way, b in zip(ways, shared, strict=True)
        ]
        least, unseen = (summed(0, each) for each in (self._least, self._concealed))
        if len(ways) > 1:
            least[summed(1, None) > 0] = -np.inf
        most = summed(0, self._most) + 6 * np.sqrt(unseen) + 5 * (unseen > 0.05)
        hidden, both = (reduce(np.subtract, each) for each in (concealed, shared))
        apart = sum(variances) + ((hidden @ self._unsure) * hidden).sum(axis=1)
        rest = np.maximum(apart - ((both @ self._gain) * both).sum(axis=1), 0.0)
        pairs = np.repeat([self._pairs(each) for each in tables], [each.many for each in tables])
        effects = []
        for way, a, b, mean, variance in zip(ways, own, shared, means, variances, strict=True):
            whole = np.maximum(variance, 1e-9)
            # What one union has too many of, the others of its margins have too few of.
            free = np.clip(1 - ((b @ self._gain) * a).sum(axis=1) / whole, 0.0, 1.0)
            # A union of few cells is as unsure as they are by themselves.
            expected = np.maximum(summed(way, self._prior), 1e-9)
            tau = np.maximum(pairs - summed(way, self._own) / expected**2, 0.0)
            told = summed(way, self._told) * free
            effects.append(Effect(way == 0, tau, 1, told, summed(way, self._shown), mean))
        mean = reduce(np.subtract, means)
        return Moments(mean, rest, least, most, tuple(effects), self._of_one_cell)

    def _pairs(self, table: Unions) -> float:
        return sum(float(self._apart[pair]) for pair in combinations(sorted(table.parted), 2))

    def _by_margin(self, tables: Sequence[Unions], way: int) -> tuple[Floats, Floats]:
        """The variance and what is concealed, of each union under each code of the margins."""
        found = []
        for table in tables:
            size = (table.many + 1) * self._codes
            each = np.zeros((2, size))
            start = table.ways[way] * self._codes
            for codes in self._margins:
                places = start + codes
                each[0] += np.bincount(places, self._variance, size)
                each[1] += np.bincount(places, self._concealed, size)
            found.append(each.reshape(2, -1, self._codes)[:, : table.many])
        own, concealed = np.concatenate(found, axis=1)
        return own, concealed


def _moments(shown: Whole, expected: Floats, k: int) -> tuple[Floats, Floats]:
    """Mean and variance of each true count."""
    n, odds = _chances(shown, expected, k)
    mean = (odds * n).sum(axis=1)
    return mean, np.maximum((odds * n**2).sum(axis=1) - mean**2, 0.0)


def _open(shown: Whole, expected: Floats, k: int) -> Floats:
    """How many persons in cells of their own would be rounded as far off as each cell is."""
    n, odds = _chances(shown, expected, k)
    found: Floats = (odds * (n % k) * (k - n % k)).sum(axis=1) / (k - 1)
    return found


def _chances(shown: Whole, expected: Floats, k: int) -> tuple[Whole, Floats]:
    """What each true count may be, and how likely."""
    offsets = np.arange(1 - k, k)
    n = shown[:, None] + offsets
    chance = (1 - np.abs(offsets) / k) * ((n > 0) | (offsets == 0))
    whole = np.maximum(n, 0)
    odds = special.gammaln(whole + SHAPE) - special.gammaln(whole + 1)
    odds = odds + whole * np.log(expected / (expected + SHAPE))[:, None]
    highest: Floats = np.amax(np.asarray(odds, np.float64), axis=1, keepdims=True, initial=-1e300)
    odds = np.exp(odds - highest) * chance
    odds /= odds.sum(axis=1, keepdims=True)
    return n, odds


def _numbered(margins: Sequence[Whole]) -> tuple[list[Whole], list[int]]:
    """The margins of each cell, numbered through, and where each begins: the total is 0."""
    rows = len(margins[0]) if margins else 0
    found, starts = [np.zeros(rows, np.int64)], [1]
    for margin in margins:
        found.append(starts[-1] + margin)
        starts.append(starts[-1] + 1 + max(margin.tolist(), default=-1))
    return found, starts
