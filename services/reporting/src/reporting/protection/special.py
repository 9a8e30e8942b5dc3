"""The functions of the laws of counts that numpy lacks: of gamma, of the normal tail and of the beta law.

SciPy has them all and weighs more than the rest of this service, so it is the witness of the tests alone
(decision 0172). Here they are as they are asked for: gamma of whole numbers is looked up, and the beta law is computed
for all places at once.
"""

import math
from functools import cache

from reporting.protection.arrays import Bools, Floats, Whole, np

_HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)
_TABLE = 4096
_LARGE = 1_000.0
"""Where both parameters of a beta law are larger, a tail is so nearly normal that few nodes measure it."""
_NODES = 40
_STEPS = 100
_NEAR = 1e-5
"""Of a deviation, and of the way to the nearer end: what Halley's step leaves is the cube of it."""
_NOTHING = 1e-14
_TINY, _ALMOST_ONE = 1e-300, 1 - 1e-16


def log_gamma(whole: Whole, above: float) -> Floats:
    """The logarithm of gamma of whole numbers, each with `above` added."""
    known = _table(above)
    if np.amax(whole, initial=0) < _TABLE:
        return known[whole]
    z = np.maximum(whole, _TABLE) + above
    beyond = (z - 0.5) * np.log(z) - z + _HALF_LOG_TAU + _correction(z)
    found: Floats = np.where(whole < _TABLE, known[np.minimum(whole, _TABLE - 1)], beyond)
    return found


@cache
def _table(above: float) -> Floats:
    return np.array([math.lgamma(n + above) for n in range(_TABLE)])


def _correction(z: Floats) -> Floats:
    """What Stirling's formula lacks, from 16 on."""
    r = 1 / (z * z)
    inner = 1 / 1260 - r * (1 / 1680 - r * (1 / 1188 - r * (691 / 360360 - r / 156)))
    found: Floats = (1 / 12 - r * (1 / 360 - r * inner)) / z
    return found


def erfcx(x: Floats) -> Floats:
    """The complementary error function of positive numbers, times e to the x²."""
    return np.array([_erfcx(each) for each in x.tolist()])


def _erfcx(x: float) -> float:
    if x < 8:
        return math.exp(x * x) * math.erfc(x)
    term = total = 1.0
    for n in range(1, 24):
        term *= -(2 * n - 1) / (2 * x * x)
        total += term
    return total / (x * math.sqrt(math.pi))


class Beta:
    """Beta laws, one a place: the last axis of what they are asked. What does not depend on that is computed once."""

    def __init__(self, a: Floats, b: Floats) -> None:
        self._a, self._b = a, b
        whole, *parts = _beyond_stirling(np.stack([a + b, a, b]))
        left = whole - parts[0] - parts[1]
        self._log_scale = left + 0.5 * np.log(a * b / (a + b)) - _HALF_LOG_TAU
        least = np.minimum(a, b)
        self._with_an_end, large = least < 1, least > _LARGE
        self._large = np.flatnonzero(large)
        self._others: Whole | slice = np.flatnonzero(~large) if len(self._large) else slice(None)
        self._fraction = _Fraction(a[self._others], b[self._others])

    def upto(self, x: Floats) -> Floats:
        """The chance of up to x."""
        return self._upto(x, self._scaled(x))

    def _scaled(self, x: Floats) -> Floats:
        """The density, times x (1 − x)."""
        return _scaled(self._a, self._b, self._log_scale, x)

    def _upto(self, x: Floats, scaled: Floats) -> Floats:
        """Of the tail on one side, which is exact however small it is."""
        upper = x * (self._a + self._b + 2) > self._a + 1
        tail = np.empty_like(x)
        some = self._others
        fraction = self._fraction.at(x[..., some], upper[..., some])
        tail[..., some] = scaled[..., some] / fraction
        if len(self._large):
            large = self._large
            tail[..., large] = self._measured(large, x[..., large], upper[..., large])
        found: Floats = np.minimum(np.maximum(np.where(upper, 1 - tail, tail), 0.0), 1.0)
        return found

    def _measured(self, some: Whole, x: Floats, upper: Bools) -> Floats:
        """By Gauss's nodes, as far as there is anything."""
        a, b = self._a[some], self._b[some]
        middle = a / (a + b)
        sd = np.sqrt(middle * (1 - middle) / (a + b + 1))
        out = np.abs(x - middle) / sd
        reach = sd * np.minimum(np.maximum(12 - out, 40 / np.maximum(out, 1)), 12)
        half = np.where(upper, np.minimum(reach, 1 - x), -np.minimum(reach, x)) / 2
        nodes, weights = _gauss()
        at = (x + half)[..., None] + half[..., None] * nodes
        log_scale = self._log_scale[some]
        density = _scaled(a[:, None], b[:, None], log_scale[:, None], at) / np.maximum(
            at * (1 - at), _TINY
        )
        found: Floats = np.abs(density @ weights * half)
        return found

    def of(self, places: Whole) -> "Beta":
        """The laws of these places, each as often as it is named."""
        return Beta(self._a[places], self._b[places])

    def reaching(self, chance: Floats) -> Floats:
        """Up to where the law gives that chance: by Halley's steps, between bounds that close in."""
        a, b = self._a, self._b
        low, high = np.zeros_like(chance), np.ones_like(chance)
        sd = np.sqrt(a * b / (a + b + 1)) / (a + b)
        arrived = (chance <= 0) | (chance >= 1)
        x = self.about(chance)
        for _ in range(_STEPS):
            scaled, inside = self._scaled(x), np.maximum(x * (1 - x), _TINY)
            off = self._upto(x, scaled) - chance
            low, high = np.where(off < 0, x, low), np.where(off < 0, high, x)
            step = off * inside / np.maximum(scaled, _TINY)
            bend = np.clip(step / inside, -1e9, 1e9) * ((a - 1) * (1 - x) - (b - 1) * x)
            step /= 1 - 0.5 * np.clip(bend, -1.0, 1.0)
            to = x - step
            near = np.abs(step) <= _NEAR * np.minimum(sd, np.minimum(x, 1 - x)) + _NOTHING
            to = np.where(near | ((to > low) & (to < high)), to, (low + high) / 2)
            # What has arrived stays: only its last digits would change.
            x = np.where(arrived, x, np.clip(to, _TINY, _ALMOST_ONE))
            arrived |= near | (high - low <= _NOTHING)
            if arrived.all():
                break
        found: Floats = np.where(chance <= 0, 0.0, np.where(chance >= 1, 1.0, x))
        return found

    def about(self, chance: Floats) -> Floats:
        """About up to where the law gives that chance."""
        tail = np.minimum(np.maximum(np.minimum(chance, 1 - chance), _TINY), 0.5)
        t = np.sqrt(-2 * np.log(tail))
        z = t - (2.30753 + t * 0.27061) / (1 + t * (0.99229 + t * 0.04481))
        z = np.where(chance < 0.5, z, -z)
        guess = self._as_normal(z)
        if self._with_an_end.any():
            guess = np.where(self._with_an_end, self._as_power(chance), guess)
        return np.minimum(np.maximum(guess, _TINY), _ALMOST_ONE)

    def _as_normal(self, z: Floats) -> Floats:
        """Abramowitz and Stegun 26.5.22."""
        a, b = self._a, self._b
        by_a, by_b = 1 / np.maximum(2 * a - 1, 0.5), 1 / np.maximum(2 * b - 1, 0.5)
        h, third = 2 / (by_a + by_b), (z * z - 3) / 6
        w = z * np.sqrt(np.maximum(h + third, 0.0)) / h
        w -= (by_b - by_a) * (third + 5 / 6 - 2 / (3 * h))
        found: Floats = a / (a + b * np.exp(np.minimum(np.maximum(2 * w, -600), 600)))
        return found

    def _as_power(self, chance: Floats) -> Floats:
        """Of a law that has most at its ends: of the power that it begins or ends with."""
        a, b = self._a, self._b
        of_low = a * np.log(a / (a + b)) - np.log(a)
        of_high = b * np.log(b / (a + b)) - np.log(b)
        both = np.logaddexp(of_low, of_high)
        log_chance, log_rest = (np.log(np.maximum(p, _TINY)) for p in (chance, 1 - chance))
        begins = np.exp(np.minimum((np.log(a) + both + log_chance) / a, 0.0))
        ends = np.exp(np.minimum((np.log(b) + both + log_rest) / b, 0.0))
        return np.where(log_chance < of_low - both, begins, 1 - ends)


class _Fraction:
    """The continued fraction of the incomplete beta function (the even part, as Didonato and Morris have it): below
    the middle of I_x(a, b), above it of I_{1−x}(b, a). Evaluated from its end, as it is known how many terms it takes."""

    def __init__(self, a: Floats, b: Floats) -> None:
        self._places = np.arange(len(a))
        self._other_side = self._places + len(a)
        near, far = np.concatenate([a, b]), np.concatenate([b, a])
        terms = int(16 + 2.4 * math.sqrt(np.amax(np.minimum(a, b), initial=0.0)))
        self._m = m = np.arange(terms, dtype=np.float64)[:, None]
        under = near + 2 * m - 1
        of_x = m * (far - m) / under
        above = (of_x * (near + m - 1) * (near + far + m - 1) / under)[1:]
        self._terms = of_x, above, (near + m) / (near + 2 * m + 1)
        self._near, self._far = near, far

    def at(self, x: Floats, upper: Bools) -> Floats:
        side = np.where(upper, self._other_side, self._places)
        a, b, m = self._near[side], self._far[side], self._m.reshape(-1, *[1] * x.ndim)
        x, y = np.where(upper, 1 - x, x), np.where(upper, x, 1 - x)
        # In place: terms times places are many, and each more that is made takes as long as what it holds.
        bases, above, more = (np.take(each, side, 1) for each in self._terms)
        bases *= x
        bases += m
        along = m * (1 + y)
        along += 1 + a * y - b * x
        bases += np.multiply(more, along, more)
        above *= x * x
        found: Floats = bases[-1]
        for base, term in zip(bases[-2::-1], above[::-1], strict=True):
            found = np.add(base, np.divide(term, found, term), base)
        return found


def _scaled(a: Floats, b: Floats, log_scale: Floats, x: Floats) -> Floats:
    """The density of a beta law times x (1 − x), from how far it is asked from the middle: the logarithms of its
    powers would cancel each other."""
    y = 1 - x
    off = b * x - a * y
    powers = a * _log_of_more(off / a, x, b / a) + b * _log_of_more(-off / b, y, a / b)
    found: Floats = np.exp(powers + log_scale)
    return found


def _log_of_more(more: Floats, x: Floats, ratio: Floats) -> Floats:
    """log(1 + more), where 1 + more is x (1 + ratio)."""
    found: Floats = np.log1p(np.maximum(more, -0.5))
    little = more < -0.5
    if little.any():
        with np.errstate(divide="ignore"):  # at 0 it is −∞, and the chance 0
            found[little] = np.log((x * (1 + ratio))[little])
    return found


def _beyond_stirling(z: Floats) -> Floats:
    """The logarithm of gamma, less Stirling's formula."""
    found = _correction(np.maximum(z, 16.0))
    small = z < 16
    if small.any():
        few = z[small]
        logs = np.array([math.lgamma(each) for each in few.tolist()])
        found[small] = logs - ((few - 0.5) * np.log(few) - few + _HALF_LOG_TAU)
    return found


@cache
def _gauss() -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return nodes, weights
