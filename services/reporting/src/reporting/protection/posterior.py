"""How sure a published count is: what the true counts probably were, given all that is published.

Computed from protected cells only, so it gives nothing away. What is known of a true cell n:

- the method: n lies within k of the published r, and went up with odds f/k; a cell that shows 0 may
  hide up to k−1 persons;
- a prior: n is overdispersed around the product of the published margins, and of how far pairs of
  dimensions go together: a tree of the strongest, each as far as it stands out of the rounding; and of
  who moved on and who stayed where she was, which flows over longer spans rest on;
- the tilt: rounding kept the total and the tilted margins close to their true values.

The first two give each cell a mean and a variance; the third conditions them all together, as a
normal law of the margins' errors. A union of cells then has a least count, a mean and a variance; the
interval holds nine tenths of the gamma law with these, taken in whole persons. Measured coverage:
docs/reporting.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from math import prod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc, gammaincinv, gammaln  # type: ignore[import-untyped] # scipy ships no types

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Bools = NDArray[np.bool_]

SHAPE = 0.35
"""Of the prior (negative binomial): the smaller, the more cells differ from what is expected of them."""
UNSEEN, UNSEEN_SHARE = 0.5, 0.1
"""Persons that a code which shows 0 is taken to hide, before anything else is known; and at most
which share of all hides so, over the codes of a dimension."""
ALL_HIDDEN = 0.5
"""Of how many persons stand in cells that show 0: its variance, relative to what is expected."""
TILT_SD, TOTAL_SD = 1.1, 0.6
"""Standard deviations of a tilted margin's own error and of the total's, in units of 1/η. Every
dimension's margins add up to the total, so it errs by less than its own weight says."""
DENSE = 20_000
"""Up to so many cells each one that shows 0 is a row; beyond, a sample stands for them."""
SAMPLE = 4_000
STANDS_OUT = 3.0
"""By how many standard deviations of chance two dimensions go together before it is believed."""
CERTAIN = 0.94
"""Of the law, which is narrower than the truth: nine tenths of true counts, as measured."""
ALIKE = 0.15
"""How far the errors of several cubes of a sum go together, as a correlation; measured."""
SELDOM, ROUNDS = 0.02, 3
"""What shows nothing is so rare, against chance; and how often classes and margins are fitted in turn."""
_TELLS_NOTHING = 1e-6
"""The η of a margin that was not tilted: its error has no bound that would tell of its cells."""


@dataclass(frozen=True)
class Moments:
    """Mean and variance of the true counts of several unions of cells, one place each."""

    mean: Floats
    variance: Floats
    least: Floats
    """Fewer there are not: a cell that shows r holds more than r − k."""
    deviation: Floats
    """Of all cubes that were added, summed: what they would be off by if all erred alike."""

    @classmethod
    def none(cls, unions: int) -> "Moments":
        return cls(*(np.zeros(unions) for _ in range(4)))

    def plus(self, other: "Moments") -> "Moments":
        return Moments(
            self.mean + other.mean,
            self.variance + other.variance,
            self.least + other.least,
            self.deviation + other.deviation,
        )

    @property
    def _spread(self) -> Floats:
        """The variance of the sum: cubes are rounded apart, but what is wrongly expected of one is so
        of the next, too."""
        return self.variance + ALIKE * (self.deviation**2 - self.variance)

    def intervals(self, shown: Whole, k: int) -> list[tuple[int, int]]:
        """Low and high of nine in ten, in whole persons. What shows 0 is "0 to k−1" at least."""
        least = np.maximum(self.least, np.where(shown > 0, 1, 0))
        # A whole number is taken for the part of the line that it is the lower end of.
        mean = np.maximum(self.mean - least, 0.0) + 0.5
        variance = np.maximum(self._spread, 0.1)
        shape, scale = mean**2 / variance, variance / mean

        def nearest(chance: Floats) -> Floats:
            below = np.floor(gammaincinv(shape, chance) * scale)
            under, over = (gammainc(shape, (below + up) / scale) for up in (0, 1))
            near: Floats = below + (np.abs(over - chance) < np.abs(under - chance))
            return near

        low = nearest(np.full(len(mean), (1 - CERTAIN) / 2))
        high = np.maximum(nearest(gammainc(shape, low / scale) + CERTAIN) - 1, low)
        high = np.maximum(least + high, np.where(shown > 0, 1, k - 1))
        return [(int(a), int(b)) for a, b in zip(least + low, high, strict=True)]


class Source(Protocol):
    """Whatever keeps the posterior of a joint cube."""

    @property
    def posterior(self) -> "Posterior": ...


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
        self._k = k
        self._shares = [_share(at[:, d], shown, size) for d, size in enumerate(sizes)]
        self._persons = float(shown.sum())
        self._together = _dependencies(at, shown, self._shares, joined, k)
        if joined:
            self._together[joined] = _raked(at, shown, self._shares, joined, classes, k)
        hidden, weight = self._hidden(at, sizes)
        self.at = np.concatenate([at, hidden])
        mean, variance = _moments(shown, self._expected(at), k)
        empty, spread = self._empty(hidden, weight)
        self._mean = np.concatenate([mean, empty])
        self._variance = np.concatenate([variance, spread])
        self._concealed = np.concatenate([np.zeros(len(mean)), empty])
        self._least = np.concatenate([shown - k + 1, np.zeros(len(hidden), np.int64)])
        # What was not tilted is as unsure as anything else, but its margin's error tells nothing.
        kept = {dimension for dimension, _ in tilted}
        loose = [(d, np.arange(size)) for d, size in enumerate(sizes) if d not in kept]
        margins = [margin[self.at[:, d]] for d, margin in [*tilted, *loose]]
        margins += [
            labels[tuple(self.at[:, d] for d in joined)] for level in classes for labels in level
        ]
        self._margins, starts = _numbered(margins)
        self._codes, self._tilted = starts[-1], starts[len(tilted)]
        self._condition(np.concatenate([shown, np.zeros(len(hidden), np.int64)]), total, one_way)

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

    def _empty(self, at: Whole, weight: float | None) -> tuple[Floats, Floats]:
        if weight is None:
            return _moments(np.zeros(len(at), np.int64), self._expected(at), self._k)
        persons = self._met(at) * weight * float(1 - 1 / self._k)
        return persons, persons

    def _condition(self, shown: Whole, total: int, one_way: int) -> None:
        """Let the margins' small errors speak: the gain from what they show over what was expected."""
        sizes, hidden = (np.zeros((self._codes, self._codes)) for _ in range(2))
        for first in self._margins:
            for second in self._margins:
                np.add.at(sizes, (first, second), self._variance)
                np.add.at(hidden, (first, second), self._concealed)
        seen = np.zeros(self._codes)
        for codes in self._margins:
            np.add.at(seen, codes, shown)
        # A share that rests on few cells that went up is itself unsure, for all whom it hides.
        self._unsure = self._k / np.maximum(seen, self._k)
        self._unsure[0] = ALL_HIDDEN
        self._hiding = hidden * self._unsure[:, None]
        sizes += hidden.T @ self._hiding
        eta = np.full(self._codes, max(one_way, 1) / 1000)
        eta[0] = max(total, 1) / 1000
        eta[self._tilted :] = _TELLS_NOTHING
        # What the total is off by, its parts are off by together.
        parts = seen / max(self._persons, 1.0)
        own = (TILT_SD / eta) ** 2
        own[0] = 1  # besides, the total errs by no more than a person
        noise = np.diag(own) + (TOTAL_SD / eta[0]) ** 2 * np.outer(parts, parts)
        self._gain = np.linalg.inv(sizes + noise)
        off = np.zeros(self._codes)
        for codes in self._margins:
            np.add.at(off, codes, shown - self._mean)
        self._news = self._gain @ off

    def moments(self, row: Whole, rows: int, leaves: Whole | None = None) -> Moments:
        """Of the unions that `row` puts each cell into, less those that `leaves` takes it from; −1 for a
        cell that is in none. Who leaves where she arrives is no change."""
        left = np.full(len(row), -1) if leaves is None else leaves
        into, out = (np.where(row == left, -1, each) for each in (row, left))

        def summed(each: Whole, weights: Floats) -> Floats:
            found: Floats = np.bincount(each[each >= 0], weights[each >= 0], rows)
            return found

        def by_margin(weights: Floats) -> Floats:
            found = self._by_margin(into, rows, weights)
            return found if leaves is None else found - self._by_margin(out, rows, weights)

        mean = summed(into, self._mean) - summed(out, self._mean)
        apart = summed(into, self._variance) + summed(out, self._variance)
        least = np.where(
            np.bincount(out[out >= 0], minlength=rows) > 0, -np.inf, summed(into, self._least)
        )
        hidden = by_margin(self._concealed)
        shared = by_margin(self._variance) + hidden @ self._hiding
        apart = apart + (hidden**2) @ self._unsure
        mean = mean + shared @ self._news
        rest = apart - ((shared @ self._gain) * shared).sum(axis=1)
        variance = np.maximum(rest, 0.0)
        return Moments(mean, variance, least, np.sqrt(variance))

    def _by_margin(self, row: Whole, rows: int, weights: Floats) -> Floats:
        found = np.zeros((rows, self._codes))
        inside = row >= 0
        row, weights = row[inside], weights[inside]
        for codes in self._margins:
            both = row * self._codes + codes[inside]
            found += np.bincount(both, weights, rows * self._codes).reshape(rows, self._codes)
        return found


def _share(codes: Whole, shown: Whole, size: int) -> Floats:
    seen: Floats = np.bincount(codes, shown, size).astype(float)
    silent = int((seen <= 0).sum())
    filled = np.where(seen > 0, seen, min(UNSEEN, UNSEEN_SHARE * seen.sum() / max(silent, 1)))
    whole = filled.sum()
    share: Floats = filled / whole if whole else np.full(size, 1 / size)
    return share


def _dependencies(
    at: Whole, shown: Whole, shares: Sequence[Floats], joined: tuple[int, ...], k: int
) -> dict[tuple[int, ...], Floats]:
    """By which factor two codes meet more often than by chance, for pairs of dimensions that make up a
    tree, so that none counts twice and margins stay (Chow and Liu)."""
    found = []
    for a, b in combinations(range(len(shares)), 2):
        chance = np.outer(shares[a], shares[b])
        places = at[:, a] * len(shares[b]) + at[:, b]
        pair = np.bincount(places, shown, chance.size).reshape(chance.shape)
        rows, columns = (pair.any(axis=axis) for axis in (1, 0))
        known = np.outer(rows, columns)
        expected = np.where(known, pair.sum() * chance, 1.0)
        # A count is made of steps of k: so far from chance do they come by themselves.
        distance = float(((pair - expected)[known] ** 2 / (expected[known] * k)).sum())
        freedom = (rows.sum() - 1) * (columns.sum() - 1)
        noise = float(freedom + STANDS_OUT * np.sqrt(2 * freedom))
        if distance > noise:
            told = 1 - noise / distance
            ratio = np.where(known, 1 - told + told * pair / expected, 1.0)
            found.append((distance - noise, (a, b), ratio))
    tree: dict[tuple[int, ...], Floats] = {}
    group = [joined[0] if d in joined else d for d in range(len(shares))]
    for _, (a, b), ratio in sorted(found, key=lambda each: (-each[0], each[1])):
        if group[a] != group[b]:
            tree[a, b] = ratio
            group = [group[a] if of == group[b] else of for of in group]
    return tree


def _raked(
    at: Whole,
    shown: Whole,
    shares: Sequence[Floats],
    joined: tuple[int, ...],
    classes: Sequence[Sequence[Whole]],
    k: int,
) -> Floats:
    """By which factor the codes of the joined dimensions meet more often than by chance, so that each
    class is as often as it shows, as far as that stands out of the rounding, and margins stay."""
    own = [shares[d] for d in joined]
    chance = reduce(np.multiply.outer, own)
    places = tuple(at[:, d] for d in joined)
    met = chance.copy()
    wanted: list[tuple[Whole, Floats]] = []
    for level in classes:
        for labels in level:
            expected = np.bincount(labels.ravel(), met.ravel())[1:]
            seen = np.bincount(labels[places], shown, len(expected) + 1)[1:]
            aim = _believed(seen, expected * seen.sum() / expected.sum(), k)
            if seen.any():
                wanted.append((labels, aim / aim.sum()))
        for _ in range(ROUNDS):
            for labels, aim in wanted:
                now = np.bincount(labels.ravel(), met.ravel())[1:]
                factor = np.where(now > 0, aim * now.sum() / np.maximum(now, 1e-300), 1.0)
                met *= np.concatenate([[1.0], factor])[labels]
            for axis, share in enumerate(own):
                others = tuple(each for each in range(len(own)) if each != axis)
                shape = [-1 if each == axis else 1 for each in range(len(own))]
                met *= (share / met.sum(axis=others)).reshape(shape)
    ratio: Floats = np.maximum(met / chance, SELDOM)
    return ratio


def _believed(seen: Floats, expected: Floats, k: int) -> Floats:
    """Between what is expected and what is seen, by how far that stands out of the rounding."""
    distance = float(((seen - expected) ** 2 / np.maximum(expected * k, 1e-9)).sum())
    freedom = (expected > 0).sum() - 1
    told = max(0.0, 1 - freedom / distance) if distance else 0.0
    believed: Floats = np.maximum(expected + told * (seen - expected), SELDOM * expected)
    return believed


def _moments(shown: Whole, expected: Floats, k: int) -> tuple[Floats, Floats]:
    """Mean and variance of each true count."""
    offsets = np.arange(1 - k, k)
    n = shown[:, None] + offsets
    chance = (1 - np.abs(offsets) / k) * ((n > 0) | (offsets == 0))
    whole = np.maximum(n, 0)
    odds = gammaln(whole + SHAPE) - gammaln(whole + 1.0)
    odds = odds + whole * np.log(expected / (expected + SHAPE))[:, None]
    highest: Floats = np.amax(np.asarray(odds, np.float64), axis=1, keepdims=True, initial=-1e300)
    odds = np.exp(odds - highest) * chance
    odds /= odds.sum(axis=1, keepdims=True)
    mean = (odds * n).sum(axis=1)
    return mean, np.maximum((odds * n**2).sum(axis=1) - mean**2, 0.0)


def _numbered(margins: Sequence[Whole]) -> tuple[list[Whole], list[int]]:
    """The margins of each cell, numbered through, and where each begins: the total is 0."""
    rows = len(margins[0]) if margins else 0
    found, starts = [np.zeros(rows, np.int64)], [1]
    for margin in margins:
        found.append(starts[-1] + margin)
        starts.append(starts[-1] + 1 + max(margin.tolist(), default=-1))
    return found, starts
