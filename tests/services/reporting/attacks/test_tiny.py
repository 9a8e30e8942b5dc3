"""Tiny worlds, fully enumerated: increments over several cells, three or more releases, and cubes of the same
people."""

from collections.abc import Callable, Iterator
from itertools import product

import pytest

from tests.services.reporting.releases.harness import Attacker, Table, box, boxes

K = 3


def rerounded(n: Table) -> Iterator[Table]:
    """Round each new cumulative table with fresh keys, which is unsafe."""
    totals = [sum(n[: end + 1]) for end in range(len(n))]
    return product(*(box(total, K) for total in totals))


@pytest.fixture(scope="module")
def three_periods() -> Attacker:
    """Return an attacker on two cells in each of three closed periods, each with its own seed."""
    return Attacker(lambda n: boxes(n, K), cells=6, k=K, limit=5)


SUBSETS = [(0,), (5,), (0, 1), (0, 2, 4), (1, 2, 3, 4, 5)]


@pytest.mark.slow
def test_increments_over_cells_and_three_releases_stay_safe_for_every_insider(
    three_periods: Attacker,
) -> None:
    assert three_periods.outsider().bad == 0
    inside = three_periods.knows_subsets(SUBSETS)
    assert inside.views > 1000
    assert inside.bad == 0


def test_rounding_cumulative_tables_again_fails_even_for_an_outsider() -> None:
    """The same harness finds this leak, so it would also have found any leak above."""
    assert Attacker(rerounded, cells=3, k=K, limit=8).outsider().bad > 0


Support = Callable[[Table], Iterator[Table]]


def rounded_apart(n: Table) -> Iterator[Table]:
    return boxes((*n, sum(n)), K)


def views(support: Support, known: tuple[int, ...] = ()) -> tuple[int, int]:
    """Return the number of views of an attacker who knows these cells exactly, and the number of bad views."""
    possible: dict[tuple[object, ...], list[Table]] = {}
    for n in product(range(6), repeat=2):
        for r in support(n):
            if (
                max(r) <= K
            ):  # Skip results that larger tables than the enumerated ones could also give.
                possible.setdefault((r, *(n[i] for i in known)), []).append(n)
    bad = 0
    for tables in possible.values():
        rest = [tuple(0 if i in known else a for i, a in enumerate(n)) for n in tables]
        unions = [(*n, sum(n)) for n in rest]
        bad += any(min(each) >= 1 and max(each) < K for each in zip(*unions, strict=True))
    return len(possible), bad


def joint(n: Table) -> Iterator[Table]:
    """Round as one cube, in which the total is the sum of its cells."""
    return ((*r, sum(r)) for r in boxes(n, K))


def test_two_cubes_over_the_same_people_rounded_apart_prove_small_counts() -> None:
    assert views(rounded_apart)[1] > 0


def test_views_of_one_joint_cube_prove_none_to_outsiders_nor_to_who_knows_a_cell() -> None:
    for known in ((), (0,), (1,)):
        seen, bad = views(joint, known)
        assert seen >= 3
        assert bad == 0
