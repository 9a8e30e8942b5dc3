"""Keyed tilted rounding keeps the promises of its specification (eight tests)."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import reduce
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reporting.ground.protection import rounding
from reporting.ground.protection.rounding import (
    PROFILES,
    SWEEPS,
    Coordinates,
    Weights,
    check_weight,
    protect,
    seed,
)

from tests.services.reporting.releases.controlled import COLUMNS, ROWS, controlled
from tests.services.reporting.releases.harness import Attacker, Table, box, boxes
from tests.services.reporting.releases.populations import (
    SOURCES,
    errors_of,
    persons_of,
    small_programme,
)

KEY = bytes(range(32))
CELLS: tuple[Coordinates, ...] = (("a", "x"), ("a", "y"), ("b", "x"), ("b", "y"))
PROFILE_NAMES = sorted(PROFILES)


def rounded(counts: Mapping[Any, int], k: int, profile: str, key: int = 0) -> Table:
    fresh = seed(KEY, "programme", f"period {key}", b"schema")
    cells = protect(dict(counts), k=k, weights=PROFILES[profile], seed=fresh)
    return tuple(cells.get(at, 0) for at in counts)


counts_of_cells = st.dictionaries(
    st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz"), st.sampled_from("mn")),
    st.integers(0, 60),
    max_size=24,
)


class TestBox:
    """1. Box, multiples of k, zeros and idempotence."""

    @settings(max_examples=60, deadline=None)
    @given(counts_of_cells, st.integers(2, 15), st.sampled_from(PROFILE_NAMES), st.integers(0, 99))
    def test_each_cell_goes_to_a_neighbouring_multiple_and_zeros_stay(
        self, counts: dict[Coordinates, int], k: int, profile: str, key: int
    ) -> None:
        published = rounded(counts, k, profile, key)
        for n, r in zip(counts.values(), published, strict=True):
            assert r in box(n, k)
        again = rounded(dict(zip(counts, published, strict=True)), k, profile, key + 1)
        assert again == published

    def test_the_same_key_and_period_give_the_same_release_and_another_key_another(self) -> None:
        counts = dict(zip(product("abcdefgh", "xyzuvw"), range(48), strict=True))
        assert rounded(counts, 11, "S") == rounded(counts, 11, "S")
        assert len({rounded(counts, 11, "S", key) for key in range(10)}) == 10

    def test_the_release_is_the_same_on_every_platform(self) -> None:
        counts = {("a", "x"): 5, ("a", "y"): 17, ("b", "x"): 29, ("b", "y"): 40, ("c", "x"): 3}
        released = [rounded(counts, 11, profile, key) for profile in "SL" for key in range(3)]
        assert released == FROZEN

    @pytest.mark.parametrize("counts", [{("a",): -1}, {("a",): 1, ("a", "b"): 1}])
    def test_what_is_no_cube_is_refused(self, counts: dict[Coordinates, int]) -> None:
        with pytest.raises(ValueError, match="whole numbers"):
            protect(counts, k=11, weights=PROFILES["S"], seed=b"")

    def test_a_short_key_and_a_nul_in_an_id_are_refused(self) -> None:
        with pytest.raises(ValueError, match="32 bytes"):
            seed(b"short", "p", "2026-10a", b"")
        with pytest.raises(ValueError, match="NUL"):
            seed(KEY, "p\0", "2026-10a", b"")


FROZEN: list[Table] = [
    (0, 22, 33, 33, 11),
    (11, 11, 22, 33, 0),
    (11, 11, 22, 44, 11),
    (0, 22, 33, 33, 0),
    (0, 22, 33, 33, 0),
    (11, 11, 22, 44, 0),
]


def exact_law(n: Table, k: int, weights: Weights) -> dict[Table, float]:
    """Return P(z) ∝ ∏ Bernoulli(f/k) · exp(−Σ η|e|), enumerated in floating point."""
    f = [each % k for each in n]
    odds = {}
    for z in product(*((0, 1) if each else (0,) for each in f)):
        weight = math.prod((a if up else k - a) / k for a, up in zip(f, z, strict=True) if a)
        e = [k * up - a if a else 0 for a, up in zip(f, z, strict=True)]
        tilt = weights.total * abs(sum(e)) + weights.one_way * sum(
            abs(sum(e[i] for i in margin)) for margin in (*ROWS, *COLUMNS)
        )
        odds[z] = weight * math.exp(-tilt / 1000)
    whole = sum(odds.values())
    return {z: each / whole for z, each in odds.items()}


@pytest.mark.slow
class TestSupport:
    """2. Full support on 2×2, and the distribution of the draw."""

    @pytest.mark.parametrize("profile", ["S", "L"])
    @pytest.mark.parametrize("n", [(1, 2, 3, 4), (1, 1, 10, 10)])
    def test_all_sixteen_outputs_appear_as_often_as_the_exact_law_says(
        self, n: Table, profile: str
    ) -> None:
        k, draws = 11, 1500
        law = exact_law(n, k, PROFILES[profile])
        counts = dict(zip(CELLS, n, strict=True))
        seen = Counter(rounded(counts, k, profile, key) for key in range(draws))
        observed = {z: seen[tuple(k * up for up in z)] for z in law}
        common = [z for z in law if law[z] * draws >= 5]
        rare = [z for z in law if z not in common]
        chi = sum((observed[z] - law[z] * draws) ** 2 / (law[z] * draws) for z in common)
        if rare:
            expected = sum(law[z] for z in rare) * draws
            chi += (sum(observed[z] for z in rare) - expected) ** 2 / expected
        freedom = len(common) - 1 + bool(rare)
        assert chi < CHI_SQUARE_999[freedom], (chi, freedom)
        assert len(law) == 16

    @pytest.mark.parametrize("profile", PROFILE_NAMES)
    def test_the_last_sweep_alone_can_reach_every_output(self, profile: str) -> None:
        counts = dict(zip(CELLS, (1, 2, 10, 5), strict=True))
        for pattern in product((0, 1), repeat=4):
            draw = rounding._Draw(list(CELLS), list(counts.values()), 11, PROFILES[profile], b"s")
            draw._start()
            for sweep in range(1, SWEEPS):
                for a in range(4):
                    draw._flip(a, sweep)
            draw.stream = extremes(pattern)
            for a in range(4):
                draw._flip(a, SWEEPS)
            assert tuple(draw.z) == pattern


def extremes(pattern: tuple[int, ...]) -> Iterator[int]:
    """Yield the smallest random number for a cell that rounds up, and the largest for one that rounds down."""
    return iter([0 if up else (1 << 53) - 1 for up in pattern])


CHI_SQUARE_999 = {
    3: 16.27, 4: 18.47, 5: 20.52, 6: 22.46, 7: 24.32, 8: 26.12, 9: 27.88, 10: 29.59,
    11: 31.26, 12: 32.91, 13: 34.53, 14: 36.12, 15: 37.70,
}  # fmt: skip
"""Critical values at 0.1 %, by degrees of freedom."""


@pytest.fixture(scope="module")
def tilted() -> Attacker:
    return Attacker(lambda n: boxes(n, 3), cells=4, k=3, limit=8)


@pytest.fixture(scope="module")
def by_control() -> Attacker:
    return Attacker(lambda n: controlled(n, 3), cells=4, k=3, limit=8)


SUBSETS = [subset for size in range(1, 4) for subset in combinations(range(4), size)]
ALL_BUT_ONE = list(combinations(range(4), 3))
OUTSIDE_A_MARGIN = [*ROWS, *COLUMNS]


@pytest.mark.slow
class TestInsiders:
    """3. Theorem 1 on 2×2 for every insider, in a harness that rejects controlled rounding."""

    def test_no_insider_proves_anything_small(self, tilted: Attacker) -> None:
        assert tilted.outsider().views > 10
        assert tilted.outsider().bad == 0
        for subsets in (SUBSETS, ALL_BUT_ONE, OUTSIDE_A_MARGIN):
            assert tilted.knows_subsets(subsets).bad == 0
        contributions = tilted.knows_own_contributions(most=3)
        assert contributions.views > 1000
        assert contributions.bad == 0

    def test_controlled_rounding_fails_the_same_harness(self, by_control: Attacker) -> None:
        assert by_control.outsider().bad == 0
        assert by_control.knows_subsets([(0,), (1,), (2,), (3,)]).share > 0.05
        assert by_control.knows_own_contributions(most=3).share > 0.05
        assert by_control.knows_subsets(OUTSIDE_A_MARGIN).share > 0.05
        assert by_control.knows_subsets(ALL_BUT_ONE).share > 0.05


@pytest.mark.slow
class TestOdds:
    """4. Theorem 2: what rounding reveals about one small count, over all residues of k = 11."""

    K = 11

    @pytest.mark.parametrize("profile", PROFILE_NAMES)
    def test_odds_of_a_small_count_against_the_safe_value_stay_below_the_bound(
        self, profile: str
    ) -> None:
        k, weights = self.K, PROFILES[profile]
        w = weights.on_a_cell(2) / 1000
        worst = -math.inf
        for z in product((0, 1), repeat=4):
            law = log_law(z, k, weights)
            for a in range(1, k):
                # For a cell that shows 0 the safe value is 0. For one that shows k it is k (residue 0, up).
                count = k - a if z[0] else a
                bound = w * (count + 2 * count * (k - count) / k) - math.log(k / (k - count))
                safe = law_at_safe_value(z, k, weights)
                # Minus infinity on both sides means that this output is impossible for every first count.
                possible = np.isfinite(safe)
                worst = max(worst, float((law[a][possible] - safe[possible]).max()) - bound)
        assert worst <= 1e-9

    @pytest.mark.parametrize("profile", PROFILE_NAMES)
    def test_one_person_moves_the_weight_of_a_release_by_the_bound_its_odds_a_little_more(
        self, profile: str
    ) -> None:
        """e^(2WΔ) bounds the tilt. After normalisation, one person can shift it a little more (decision 0062)."""
        k, weights = self.K, PROFILES[profile]
        w = weights.on_a_cell(2) / 1000
        tilted, normalised = 0.0, 0.0
        for z in product((0, 1), repeat=4):
            independent = log_independent(z, k)
            tilted = max(tilted, most_by_one_person(unnormalised(z, k, weights), independent))
            normalised = max(normalised, most_by_one_person(log_law(z, k, weights), independent))
        assert tilted <= 2 * w + 1e-9
        assert 2 * w < normalised <= 2.5 * w


Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def log_law(z: tuple[int, ...], k: int, weights: Weights) -> Floats:
    """Return ln P(z | f) for every residue f of four cells.

    The index is [a, b, c, d]. A value is minus infinity if a cell with residue 0 would have to round up.
    """
    patterns = product((0, 1), repeat=4)
    whole = reduce(np.logaddexp, (unnormalised(p, k, weights) for p in patterns))
    return np.asarray(unnormalised(z, k, weights) - whole)


def most_by_one_person(law: Floats, independent: Floats) -> float:
    """Return the largest change that one more person in the first cell causes, relative to independent rounding."""
    proper = (slice(1, None),) * 4
    return float(np.abs(np.diff(law[proper] - independent[proper], axis=0)).max())


def unnormalised(z: tuple[int, ...], k: int, weights: Weights) -> Floats:
    axes = np.meshgrid(*(np.arange(k, dtype=float),) * 4, indexing="ij")
    errors = [k * up - f for up, f in zip(z, axes, strict=True)]
    tilt = weights.total * np.abs(sum(errors)) + weights.one_way * sum(
        np.abs(errors[i] + errors[j]) for i, j in (*ROWS, *COLUMNS)
    )
    return np.asarray(log_independent(z, k) - tilt / 1000)


def log_independent(z: tuple[int, ...], k: int) -> Floats:
    axes = np.meshgrid(*(np.arange(k, dtype=float),) * 4, indexing="ij")
    with np.errstate(divide="ignore"):
        return np.asarray(
            sum(np.log((f if up else k - f) / k) for up, f in zip(z, axes, strict=True))
        )


def law_at_safe_value(z: tuple[int, ...], k: int, weights: Weights) -> Floats:
    """Return the distribution with the first count at the shown multiple of k, whose residue is 0."""
    return np.asarray(log_law((0, *z[1:]), k, weights)[0])


@pytest.mark.slow
class TestAccuracy:
    """5. Accuracy over a hundred keys."""

    @pytest.mark.parametrize("source", SOURCES)
    def test_one_way_margins_of_4919_records_err_by_at_most_five_and_a_half(
        self, source: str
    ) -> None:
        errors = errors_of(persons_of(source), k=11, profile="L", keys=100)
        assert errors.one_way <= 5.5
        assert errors.total_share <= 0.003

    def test_the_total_of_a_small_programme_errs_by_at_most_five_percent(self) -> None:
        assert errors_of(small_programme(), k=11, profile="S", keys=100).total_share <= 0.05


class TestWeightCap:
    """8. The weight cap."""

    def test_weights_that_would_end_full_support_are_refused(self) -> None:
        check_weight(11, PROFILES["L"], 5)
        with pytest.raises(ValueError, match="above 25"):
            check_weight(11, Weights(total=0, one_way=420), 5)
        with pytest.raises(ValueError, match="above 25"):
            protect({("a",): 3}, k=11, weights=Weights(2500, 0), seed=b"s")
        with pytest.raises(ValueError, match="at least 2"):
            check_weight(1, PROFILES["S"], 2)

    def test_at_the_cap_no_chance_is_lost_in_fifty_three_bits(self) -> None:
        smallest = rounding._threshold(25_000)
        assert 0 < smallest < 1 << 20
        assert rounding._threshold(-25_000) == (1 << 53) - smallest
