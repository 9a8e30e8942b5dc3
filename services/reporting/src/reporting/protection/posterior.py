"""How sure a published count is: what the true counts probably were, given all that is published.

Computed from protected cells only, so it gives nothing away. What is known of a true cell n:

- the method: n lies within k of the published r, and went up with odds f/k; a cell that shows 0 may
  hide up to k−1 persons;
- a prior: n is overdispersed around the product of the published margins;
- the tilt: rounding kept the total and the tilted margins close to their true values.

The first two give each cell a mean and a variance; the third conditions them all together, as a
normal law of the margins' errors. A union of cells then has a mean and a variance, and between the
5 % and 95 % points of the gamma law with these lies its true count in nine of ten cases. Measured
coverage: docs/reporting.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, gammaln  # type: ignore[import-untyped] # scipy ships no types

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Bools = NDArray[np.bool_]

SHAPE = 0.35
"""Of the prior (negative binomial): the smaller, the more cells differ from the product of margins."""
UNSEEN, UNSEEN_SHARE = 0.5, 0.1
"""Persons that a code which shows 0 is taken to hide, before anything else is known; and at most
which share of all hides so, over the codes of a dimension."""
TILT_SD, TOTAL_SD = 1.1, 0.75
"""Standard deviations of a tilted margin's own error and of the total's, in units of 1/η."""
DENSE = 20_000
"""Up to so many cells each one that shows 0 is a row; beyond, a sample stands for them."""
SAMPLE = 4_000
LOW, HIGH = 0.05, 0.95
_TELLS_NOTHING = 1e-6
"""The η of a margin that was not tilted: its error has no bound that would tell of its cells."""


@dataclass(frozen=True)
class Moments:
    """Mean and variance of the true counts of several unions of cells, one place each."""

    mean: Floats
    variance: Floats

    def plus(self, other: "Moments", sign: int = 1) -> "Moments":
        return Moments(self.mean + sign * other.mean, self.variance + other.variance)


class Source(Protocol):
    """Whatever keeps the posterior of a joint cube."""

    @property
    def posterior(self) -> "Posterior": ...


class Posterior:
    """Of one cube. `at` are the shown cells as places of codes, `sizes` the codes per dimension;
    `tilted` gives, for each tilted dimension, the margin code of each of its codes."""

    def __init__(
        self,
        at: Whole,
        shown: Whole,
        sizes: Sequence[int],
        tilted: Sequence[tuple[int, Whole]],
        *,
        k: int,
        total: int,
        one_way: int,
    ) -> None:
        self._k = k
        self._shares = [_share(at[:, d], shown, size) for d, size in enumerate(sizes)]
        self._persons = float(shown.sum())
        hidden, weight = self._hidden(at, sizes)
        self.at = np.concatenate([at, hidden])
        mean, variance = self._cells(at, shown)
        empty, spread = self._empty(hidden, weight)
        self._mean = np.concatenate([mean, empty])
        self._variance = np.concatenate([variance, spread])
        self._concealed = np.concatenate([np.zeros(len(mean)), empty])
        # What was not tilted is as unsure as anything else, but its margin's error tells nothing.
        kept = {dimension for dimension, _ in tilted}
        loose = [(d, np.arange(size)) for d, size in enumerate(sizes) if d not in kept]
        self._margins, self._codes = _numbered([*tilted, *loose], self.at)
        self._tilted = self._codes - sum(size for d, size in enumerate(sizes) if d not in kept)
        self._condition(np.concatenate([shown, np.zeros(len(hidden), np.int64)]), total, one_way)

    def _expected(self, at: Whole) -> Floats:
        # Never 0: what is expected is looked up in a logarithm.
        parts = (share[at[:, d]] for d, share in enumerate(self._shares))
        return reduce(np.multiply, parts, np.full(len(at), max(self._persons, 1e-9)))

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

    def _cells(self, at: Whole, shown: Whole) -> tuple[Floats, Floats]:
        offsets = np.arange(1 - self._k, self._k)
        n = shown[:, None] + offsets
        chance = (1 - np.abs(offsets) / self._k) * (n > 0)
        return _moments(n, self._expected(at), chance)

    def _empty(self, at: Whole, weight: float | None) -> tuple[Floats, Floats]:
        n = np.arange(self._k)
        chance = 1 - n / self._k
        if weight is None:
            return _moments(np.tile(n, (len(at), 1)), self._expected(at), chance)
        persons = np.full(len(at), weight * float(1 - 1 / self._k))
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
        self._unsure[0] = 0
        self._hiding = hidden * self._unsure[:, None]
        sizes += hidden.T @ self._hiding
        eta = np.full(self._codes, max(one_way, 1) / 1000)
        eta[0] = max(total, 1) / 1000
        eta[self._tilted :] = _TELLS_NOTHING
        # What the total is off by, its parts are off by together.
        parts = seen / max(self._persons, 1.0)
        noise = np.diag((TILT_SD / eta) ** 2) + (TOTAL_SD / eta[0]) ** 2 * np.outer(parts, parts)
        self._gain = np.linalg.inv(sizes + noise)
        off = np.zeros(self._codes)
        for codes in self._margins:
            np.add.at(off, codes, shown - self._mean)
        self._news = self._gain @ off

    def moments(self, row: Whole, rows: int) -> Moments:
        """Of the unions that `row` puts each cell into; −1 for a cell that is in none."""
        inside = row >= 0
        row, variance = row[inside], self._variance[inside]
        mean = np.bincount(row, self._mean[inside], rows)
        apart = np.bincount(row, variance, rows)
        hidden = self._by_margin(row, rows, inside, self._concealed[inside])
        shared = self._by_margin(row, rows, inside, variance) + hidden @ self._hiding
        apart = apart + (hidden**2) @ self._unsure
        mean = mean + shared @ self._news
        left = apart - ((shared @ self._gain) * shared).sum(axis=1)
        return Moments(mean, np.maximum(left, 0.0))

    def _by_margin(self, row: Whole, rows: int, inside: Bools, weights: Floats) -> Floats:
        found = np.zeros((rows, self._codes))
        for codes in self._margins:
            both = row * self._codes + codes[inside]
            found += np.bincount(both, weights, rows * self._codes).reshape(rows, self._codes)
        return found


def interval(mean: float, variance: float, shown: int, k: int) -> tuple[int, int]:
    """Low and high of nine in ten, in whole persons. What shows 0 is "0 to k−1" at least."""
    if shown <= 0:
        mean = max(mean, 0.0)
    mean, variance = max(mean, 0.5), max(variance, 0.25)
    shape, scale = mean * mean / variance, variance / mean
    low, high = (float(gammaincinv(shape, point)) * scale for point in (LOW, HIGH))
    least = 0 if shown <= 0 else 1
    return max(least, round(low)), max(round(high), k - 1 if shown <= 0 else 1)


def _share(codes: Whole, shown: Whole, size: int) -> Floats:
    seen: Floats = np.bincount(codes, shown, size).astype(float)
    silent = int((seen <= 0).sum())
    filled = np.where(seen > 0, seen, min(UNSEEN, UNSEEN_SHARE * seen.sum() / max(silent, 1)))
    whole = filled.sum()
    share: Floats = filled / whole if whole else np.full(size, 1 / size)
    return share


def _moments(n: Whole, expected: Floats, chance: Floats) -> tuple[Floats, Floats]:
    whole = np.maximum(n, 0)
    odds = gammaln(whole + SHAPE) - gammaln(whole + 1.0)
    odds = odds + whole * np.log(expected / (expected + SHAPE))[:, None]
    highest: Floats = np.amax(np.asarray(odds, np.float64), axis=1, keepdims=True, initial=-1e300)
    odds = np.exp(odds - highest) * chance
    odds /= odds.sum(axis=1, keepdims=True)
    mean = (odds * n).sum(axis=1)
    return mean, np.maximum((odds * n**2).sum(axis=1) - mean**2, 0.0)


def _numbered(tilted: Sequence[tuple[int, Whole]], at: Whole) -> tuple[list[Whole], int]:
    """The margins of each cell, numbered: the total is 0."""
    found, codes = [np.zeros(len(at), np.int64)], 1
    for dimension, margin in tilted:
        found.append(codes + margin[at[:, dimension]])
        codes += 1 + max(margin.tolist())
    return found, codes
