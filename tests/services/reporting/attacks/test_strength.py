"""The attacker breaks naive suppression on real records and on some made like them, and finds nothing in
a release of them."""

import random
from collections.abc import Collection
from functools import cache

import pytest
from reporting.ground.protection.rounding import PROFILES, Coordinates, protect, seed

from tests.services.reporting.attacks.attacker import (
    Attacker,
    Pattern,
    covers,
    every_margin,
    of_rounded,
    of_suppressed,
)
from tests.services.reporting.releases.populations import SOURCES, persons_of

pytestmark = pytest.mark.laborious

K = 11
sources = pytest.mark.parametrize("source", SOURCES)


@cache
def records(source: str) -> dict[Coordinates, int]:
    """All 320 cells, the empty ones too."""
    counts = persons_of(source)
    codes = [sorted({at[place] for at in counts}) for place in range(4)]
    return {p: counts.get(p, 0) for p in every_margin(codes) if None not in p}  # type: ignore[misc, arg-type] # cells have no None


def margins(cells: Collection[Coordinates]) -> tuple[Pattern, ...]:
    codes = [sorted({at[place] for at in cells}) for place in range(4)]
    return tuple(every_margin(codes))


def sums(counts: dict[Coordinates, int]) -> dict[Pattern, int]:
    return {
        pattern: sum(n for at, n in counts.items() if covers(pattern, at))
        for pattern in margins(counts)
    }


@sources
def test_the_records_make_320_cells_and_810_margins(source: str) -> None:
    assert len(records(source)) == 320
    assert len(margins(records(source))) == 810
    assert sum(records(source).values()) == 4919


@sources
def test_naive_suppression_is_broken_for_at_least_ninety_five_percent_of_small_cells(
    source: str,
) -> None:
    counts = records(source)
    small = [at for at, n in counts.items() if 1 <= n < K]
    published = {p: None if 1 <= n < K else n for p, n in sums(counts).items()}
    attacker, variables = of_suppressed(published, list(counts), K)
    recovered = sum(attacker.range([variables[at]]).exact for at in small)
    assert len(small) >= 56
    assert recovered / len(small) >= 0.95, f"{recovered} of {len(small)}"


@pytest.mark.slow
@sources
@pytest.mark.parametrize("profile", ["L", "S"])
def test_the_same_attacker_proves_nothing_small_in_a_release_of_the_same_records(
    profile: str, source: str
) -> None:
    counts = records(source)
    released = release(counts, profile)
    attacker, others = of_rounded(sums(released), list(counts), K)
    for pattern in sample(margins(counts), 120) + tuple(at for at, r in released.items() if r)[:40]:
        found = attacker.range(others[at] for at in counts if covers(pattern, at))
        assert not found.small(K), (pattern, found)
        true = sum(n for at, n in counts.items() if covers(pattern, at))
        assert found.least <= true <= found.most, "the attacker must not be misled"


@pytest.mark.slow
@sources
def test_an_insider_who_knows_its_own_contributions_proves_nothing_small_either(
    source: str,
) -> None:
    counts = records(source)
    chance = random.Random(5)  # noqa: S311 - test data, no secret
    own = {at: chance.randint(0, n) for at, n in counts.items() if n}
    attacker, others = of_rounded(sums(release(counts, "L")), list(counts), K, own)
    for pattern in sample(margins(counts), 120):
        found = attacker.range(others[at] for at in counts if covers(pattern, at))
        assert not found.small(K), (pattern, found)


def test_an_attacker_given_one_exact_sum_does_find_something() -> None:
    """The stated limit: knowing an exact sum over cells is not covered by the guarantee."""
    cells: list[Coordinates] = [("a",), ("b",)]
    attacker, others = of_rounded({("a",): 0, ("b",): 11, (None,): 11}, cells, K)
    assert not attacker.range([others["b",]]).small(K)
    attacker.constrain(dict.fromkeys(others.values(), 1.0), 9, 9)
    assert attacker.range([others["b",]]).small(K)


def release(counts: dict[Coordinates, int], profile: str) -> dict[Coordinates, int]:
    fresh = seed(b"k" * 32, "ctdc", "2020", b"schema")
    cells = protect(counts, k=K, weights=PROFILES[profile], seed=fresh)
    return {at: cells.get(at, 0) for at in counts}


def sample(patterns: tuple[Pattern, ...], number: int) -> tuple[Pattern, ...]:
    return tuple(random.Random(7).sample(patterns, number))  # noqa: S311 - test data, no secret


def test_no_constraint_means_no_knowledge() -> None:
    attacker = Attacker()
    assert attacker.range([attacker.variable(0, 9)]).most == 9
