"""What the tilt leaves of errors, beside what rounding does."""

import random
from collections import Counter

import numpy as np
import pytest
from reporting.ground.protection.rounding import PROFILES, protect, seed
from reporting.ground.protection.tilted import Laws, left_of_a_margin

K, ETA = 11, PROFILES["J"].one_way / 1000
CODES = (2, 3, 4, 6, 20, 30)
"""Of six dimensions; the more, the fewer persons has each."""


def test_the_error_of_a_margin_grows_to_that_of_its_weight_alone() -> None:
    sds = [float(np.sqrt(left_of_a_margin(np.array([s]), ETA)[0])) for s in (40, 400, 4e3, 4e6)]
    assert sds == sorted(sds)
    assert sds[-1] == pytest.approx(np.sqrt(2) / ETA, rel=0.01)


def test_few_persons_most_probably_show_nothing_and_many_show_themselves() -> None:
    laws = Laws(K, ETA)
    errors = np.arange(-laws.reach, laws.reach + 1)
    few, many = (float((laws.of_about(n) * errors).sum()) / n for n in (3.0, 900.0))
    assert few < -0.3
    assert abs(many) < 0.001


def test_the_total_of_few_people_is_shown_too_low_by_as_much_as_said() -> None:
    laws = Laws(K, ETA)
    off, said, squares = [], [], []
    for number in range(60):
        chance = random.Random(number)  # noqa: S311 - test data, no secret
        at = Counter(tuple(str(chance.randrange(n)) for n in CODES) for _ in range(60 + number % K))
        key = seed(number.to_bytes(32, "big"), "p", "p", b"")
        shown = sum(protect(at, k=K, weights=PROFILES["J"], seed=key).values())
        margins = [
            np.array(
                [float(sum(n for c, n in at.items() if c[d] == str(code))) for code in range(size)]
            )
            for d, size in enumerate(CODES)
        ]
        more, variance = laws.of_the_total(shown, sum(at.values()), margins, ETA)
        off.append(sum(at.values()) - shown)
        said.append(more)
        squares.append(variance + more**2)
    unsure = float(np.std(off)) / len(off) ** 0.5
    assert np.mean(said) > 1
    assert abs(np.mean(off) - np.mean(said)) < 2.5 * unsure
    assert np.mean(np.square(off)) == pytest.approx(np.mean(squares), rel=0.5)


@pytest.mark.parametrize("shown", [0, 11, 33, 1100])
@pytest.mark.parametrize("persons", [0.0, 0.4, 6.0, 900.0])
@pytest.mark.parametrize("code", [0.0, 0.03, 4.0, 300.0])
def test_whatever_is_made_of_so_little_has_an_error(
    shown: int, persons: float, code: float
) -> None:
    """Margins tell of hidden people what they can, and need not fit together."""
    margins = [np.full(3, code), np.full(200, 0.03), np.array([4.0, 0.3, 0.0])]
    laws = Laws(K, ETA)
    more, variance = laws.of_the_total(float(shown), persons, margins, ETA)
    assert -shown - 1e-6 <= more <= laws.reach
    assert 0 <= variance <= (2 * laws.reach) ** 2
