"""The attacker breaks naive suppression on real records, and finds nothing in a release of them."""

import random
from functools import cache

import pytest
from reporting.protection.rounding import PROFILES, Coordinates, protect, seed

from tests.services.reporting.attacks.attacker import (
    Attacker,
    Pattern,
    covers,
    every_margin,
    of_rounded,
    of_suppressed,
)
from tests.services.reporting.releases.populations import persons_of_ctdc

K = 11


@cache
def records() -> dict[Coordinates, int]:
    """All 320 cells, the empty ones too."""
    counts = persons_of_ctdc()
    codes = [sorted({at[place] for at in counts}) for place in range(4)]
    return {p: counts.get(p, 0) for p in every_margin(codes) if None not in p}  # type: ignore[misc, arg-type] # cells have no None


@cache
def margins() -> tuple[Pattern, ...]:
    codes = [sorted({at[place] for at in records()}) for place in range(4)]
    return tuple(every_margin(codes))


def sums(counts: dict[Coordinates, int]) -> dict[Pattern, int]:
    return {
        pattern: sum(n for at, n in counts.items() if covers(pattern, at)) for pattern in margins()
    }


def test_the_records_make_320_cells_and_810_margins() -> None:
    assert len(records()) == 320
    assert len(margins()) == 810
    assert sum(records().values()) == 4919


def test_naive_suppression_is_broken_for_at_least_ninety_five_percent_of_small_cells() -> None:
    small = [at for at, n in records().items() if 1 <= n < K]
    published = {p: None if 1 <= n < K else n for p, n in sums(records()).items()}
    attacker, variables = of_suppressed(published, list(records()), K)
    recovered = sum(attacker.range([variables[at]]).exact for at in small)
    assert len(small) == 56
    assert recovered / len(small) >= 0.95, f"{recovered} of {len(small)}"


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["L", "S"])
def test_the_same_attacker_proves_nothing_small_in_a_release_of_the_same_records(
    profile: str,
) -> None:
    released = release(profile)
    attacker, others = of_rounded(sums(released), list(records()), K)
    for pattern in sample(margins(), 120) + tuple(at for at, r in released.items() if r)[:40]:
        found = attacker.range(others[at] for at in records() if covers(pattern, at))
        assert not found.small(K), (pattern, found)
        true = sum(n for at, n in records().items() if covers(pattern, at))
        assert found.least <= true <= found.most, "the attacker must not be misled"


@pytest.mark.slow
def test_an_insider_who_knows_its_own_contributions_proves_nothing_small_either() -> None:
    chance = random.Random(5)  # noqa: S311 - test data, no secret
    own = {at: chance.randint(0, n) for at, n in records().items() if n}
    attacker, others = of_rounded(sums(release("L")), list(records()), K, own)
    for pattern in sample(margins(), 120):
        found = attacker.range(others[at] for at in records() if covers(pattern, at))
        assert not found.small(K), (pattern, found)


def test_an_attacker_given_one_exact_sum_does_find_something() -> None:
    """The stated limit: knowing an exact sum over cells is not covered by the guarantee."""
    cells: list[Coordinates] = [("a",), ("b",)]
    attacker, others = of_rounded({("a",): 0, ("b",): 11, (None,): 11}, cells, K)
    assert not attacker.range([others["b",]]).small(K)
    attacker.constrain(dict.fromkeys(others.values(), 1.0), 9, 9)
    assert attacker.range([others["b",]]).small(K)


def release(profile: str) -> dict[Coordinates, int]:
    fresh = seed(b"k" * 32, "ctdc", "2020", b"schema")
    cells = protect(records(), k=K, weights=PROFILES[profile], seed=fresh)
    return {at: cells.get(at, 0) for at in records()}


def sample(patterns: tuple[Pattern, ...], number: int) -> tuple[Pattern, ...]:
    return tuple(random.Random(7).sample(patterns, number))  # noqa: S311 - test data, no secret


def test_no_constraint_means_no_knowledge() -> None:
    attacker = Attacker()
    assert attacker.range([attacker.variable(0, 9)]).most == 9
