"""Values with intervals that overlap too much are neither ranked nor shaded differently."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reporting.ground.protection.comparisons import Bounds, larger, leads, levels, ordered

counts = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30)).map(lambda x: (x[0], sum(x))))


@given(counts)
def test_what_is_larger_comes_before_what_it_is_larger_than(of: list[Bounds]) -> None:
    places = ordered(of)
    assert sorted(places) == list(range(len(of)))
    for at, before in enumerate(places):
        assert not any(larger(of[after], of[before]) for after in places[at + 1 :])


def test_what_cannot_be_told_apart_stands_as_it_stood() -> None:
    assert ordered([(3, 20), (9, 27), (10, 26), (0, 10)]) == [0, 1, 2, 3]
    assert ordered([(0, 10), (3, 20), (30, 41), (9, 27)]) == [2, 0, 1, 3]


@given(counts)
def test_counts_of_two_levels_never_touch_and_those_of_one_hang_together(of: list[Bounds]) -> None:
    found = levels(of)
    assert set(found) == set(range(len(set(found))))
    for one, own in zip(of, found, strict=True):
        for other, its in zip(of, found, strict=True):
            assert own <= its or larger(one, other)
    for level in set(found):
        inside = sorted(each for each, own in zip(of, found, strict=True) if own == level)
        reached = inside[0][1]
        for low, high in inside:
            assert low <= reached, "these could be told apart"
            reached = max(reached, high)


@pytest.mark.parametrize(
    ("of", "does"), [([(11, 20)], True), ([(21, 30), (2, 20), (1, 4)], True),
                     ([(21, 30), (2, 20), (5, 21)], False)],
)  # fmt: skip
def test_the_first_leads_if_it_is_larger_than_each_other(of: list[Bounds], does: bool) -> None:
    assert leads(of) is does
