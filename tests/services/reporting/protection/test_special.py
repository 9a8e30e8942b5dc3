"""The functions of the laws of counts against SciPy, which is the witness and no part of what runs."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from reporting.protection.moments import Moments
from reporting.protection.special import Beta, erfcx, log_gamma
from scipy import special  # type: ignore[import-untyped]  # scipy ships no types

Floats = NDArray[np.float64]
CHANCE = np.random.default_rng(23)
SIZES = ((-5, 0), (-2, 2), (0, 4), (2, 6), (4, 10))
"""Of both parameters of beta laws, as powers of ten: from those that are all ends to those of a million people."""


def beta_laws(low: int, high: int, many: int = 400) -> tuple[Floats, Floats, Floats]:
    """Both parameters, and a deviation."""
    a, b = 10 ** CHANCE.uniform(low, high, (2, many))
    return a, b, np.sqrt(a * b / (a + b + 1)) / (a + b)


@pytest.mark.parametrize("above", [0.25, 1.0])
def test_gamma_of_small_and_large_numbers(above: float) -> None:
    whole = np.concatenate([np.arange(10_000), CHANCE.integers(0, 10**9, 2_000)])
    for numbers in (whole, whole[whole < 4_096], whole.reshape(2, -1)):
        truth = special.gammaln(numbers + above)
        np.testing.assert_allclose(log_gamma(numbers, above), truth, rtol=2e-15, atol=2e-15)


def test_the_tail_of_the_normal_law_from_nothing_to_where_nothing_is_left() -> None:
    x = np.concatenate([np.linspace(0, 40, 3_000), np.geomspace(1e-12, 1e9, 1_000)])
    np.testing.assert_allclose(erfcx(x), special.erfcx(x), rtol=1e-14)


@pytest.mark.parametrize("size", SIZES)
def test_the_chance_of_up_to_so_much(size: tuple[int, int]) -> None:
    a, b, sd = beta_laws(*size)
    x = np.clip(a / (a + b) + sd * CHANCE.normal(0, 3, (5, len(a))), 0.0, 1.0)
    # What a number of 16 digits can tell of where x is, in deviations.
    told = 1e-14 + 8e-16 / np.amin(sd)
    found = Beta(a, b).upto(x)
    np.testing.assert_allclose(found, special.betainc(a, b, x), rtol=0, atol=100 * told)


@pytest.mark.parametrize("size", SIZES[1:4])
def test_small_chances_are_right_in_all_their_digits(size: tuple[int, int]) -> None:
    a, b, sd = beta_laws(*size)
    for deviations in (5, 10, 30):
        x = np.clip(a / (a + b) - deviations * sd, 1e-9, None)
        truth = special.betainc(a, b, x)
        told = (truth > 1e-280) & (truth < 0.5)
        np.testing.assert_allclose(Beta(a, b).upto(x)[told], truth[told], rtol=1e-9)


@pytest.mark.parametrize("size", SIZES)
def test_where_a_chance_is_reached(size: tuple[int, int]) -> None:
    a, b, sd = beta_laws(*size)
    for chance in (CHANCE.uniform(0.001, 0.999, len(a)), np.full(len(a), 0.03)):
        off = Beta(a, b).reaching(chance) - special.betaincinv(a, b, chance)
        assert np.amax(np.abs(off) / (sd + 1e-9)) < 1e-5


def test_the_ends_are_the_ends() -> None:
    a, b, _ = beta_laws(-4, 6)
    law, none, whole = Beta(a, b), np.zeros(len(a)), np.ones(len(a))
    for end in (none, whole):
        assert (law.upto(end) == end).all()
        assert (law.reaching(end) == end).all()


def by_scipy(moments: Moments, shown: Any, k: int) -> list[tuple[int, int]]:
    """Intervals as they were computed when they were published first."""
    least = np.maximum(moments.least, np.where(shown > 0, 1, 0))
    mean = np.maximum(moments.mean - least, 0.0) + 0.5
    variance = np.maximum(moments.variance, 0.1)
    room = np.maximum(moments.most - least + 1, mean + 5 * np.sqrt(variance))
    share = mean / room
    tight = np.maximum(share * (1 - share) * room**2 / variance - 1, 1e-3)
    a, b = share * tight, (1 - share) * tight

    def chance_of(upto: Floats) -> Any:
        return special.betainc(a, b, np.clip(upto / room, 0.0, 1.0))

    def nearest(chance: Floats) -> Any:
        below = np.floor(special.betaincinv(a, b, np.clip(chance, 0.0, 1.0)) * room)
        under, over = (chance_of(below + up) for up in (0, 1))
        return below + (np.abs(over - chance) < np.abs(under - chance))

    alone = np.minimum((2 * k - 1) / np.maximum(moments.most - moments.least + 1, 1), 1)
    certain = 0.94 - 0.02 * alone
    low = nearest((1 - certain) / 2)
    high = np.maximum(nearest(chance_of(low) + certain) - 1, low)
    low = np.minimum(least + low, shown)
    high = np.maximum(least + high, np.where(shown > 0, shown, k - 1))
    return [(int(a), int(b)) for a, b in zip(low, high, strict=True)]


@pytest.mark.parametrize("cells", [1, 5, 50, 2_000, 100_000])
def test_intervals_are_the_same_to_the_person(cells: int) -> None:
    """Of unions of so many cells, whatever is known of them; more of them than are computed at once."""
    k, many = 11, 1_200
    each = CHANCE.integers(1, cells + 1, many)
    shown = each * k * CHANCE.integers(0, 3, many)
    least = np.maximum(shown - each * (k - 1), 0).astype(np.float64)
    most = shown + each * (k - 1) + CHANCE.exponential(3, many)
    mean = least + (most - least) * CHANCE.beta(3, 3, many)
    variance = (most - least) ** 2 * 10 ** CHANCE.uniform(-6, 0, many)
    moments = Moments(mean, variance, least, most)
    assert moments.intervals(shown, k) == by_scipy(moments, shown, k)
