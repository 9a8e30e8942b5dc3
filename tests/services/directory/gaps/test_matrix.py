"""Pure rules, by example: how services become cells, and how cells become a matrix."""

from datetime import date
from typing import Any

import pytest
from common.words.places import Places
from directory.pathways.gaps.matrix import Cell, Row, matrix, steps_without_service, weighted
from directory.pathways.gaps.shares import Shared, groups_of, shares, state_of

TODAY = date(2026, 11, 25)
PLACES = Places.load()


def facts(**changes: Any) -> Shared:
    known: dict[str, Any] = {
        "areas": ["VE2313"],
        "categories": ["GBV-PSS"],
        "minimum_age": None,
        "maximum_age": None,
        "sexes": [],
        "functional_status": "fully_functional",
        "capacity_state": "accepting",
        "valid_until": date(2027, 1, 1),
        "endorsed": True,
        "pre_crisis": None,
        "in_season": True,
    }
    return Shared(**{**known, **changes})


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, "referable"),
        ({"capacity_state": None}, "referable"),
        ({"capacity_state": "waitlist"}, "waitlist"),
        ({"capacity_state": "full"}, "full"),
        ({"endorsed": False}, "unendorsed"),
        ({"valid_until": date(2026, 11, 24)}, "stale"),
        ({"valid_until": None}, "stale"),
        ({"functional_status": "unknown"}, "stale"),
        ({"functional_status": "suspended"}, "suspended"),
        ({"in_season": False}, "suspended"),
        ({"in_season": False, "functional_status": "closed"}, "closed"),
        ({"functional_status": "planned"}, "planned"),
        ({"functional_status": "closed"}, "closed"),
        ({"functional_status": "closed", "pre_crisis": True}, "lost"),
        ({"functional_status": "suspended", "capacity_state": "full"}, "suspended"),
    ],
)
def test_a_service_counts_in_one_state(change: dict[str, Any], state: str) -> None:
    assert state_of(facts(**change), TODAY) == state


@pytest.mark.parametrize(
    ("change", "groups"),
    [
        ({}, ["child", "woman", "man", "other"]),
        ({"maximum_age": 17}, ["child"]),
        ({"minimum_age": 18, "sexes": ["female"]}, ["woman"]),
        ({"minimum_age": 12, "sexes": ["female"]}, ["child", "woman"]),
        ({"minimum_age": 18}, ["woman", "man", "other"]),
    ],
)
def test_a_service_counts_for_the_groups_that_it_takes(
    change: dict[str, Any], groups: list[str]
) -> None:
    assert list(groups_of(facts(**change))) == groups


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"response_delay": "24h"}, "referable"),
        ({"response_delay": "72h"}, "late"),
        ({"response_delay": "72h", "capacity_state": "waitlist"}, "late"),
        ({"response_delay": "72h", "capacity_state": "full"}, "full"),
        ({"response_delay": "72h", "modes": ["walk_in"]}, "referable"),
        ({"response_delay": "72h", "modes": ["hotline"]}, "referable"),
        ({"response_delay": "72h", "categories": ["GBV-PSS"]}, "referable"),
        ({"method": "not_accepted"}, "late"),
        ({"method": "not_accepted", "modes": ["walk_in"]}, "referable"),
    ],
)
def test_who_helps_too_late_where_it_is_most_urgent_is_counted_as_late(
    change: dict[str, Any], state: str
) -> None:
    """Case management is due within 24 hours, psychosocial support within 72."""
    found = list(shares(facts(**{"categories": ["GBV-CM"], **change}), TODAY, PLACES))
    assert {each.state for each in found} == {state}


def test_an_area_inside_another_served_one_does_not_count_again() -> None:
    found = shares(facts(areas=["VE23", "VE2313", "VE231301"]), TODAY, PLACES)
    assert {(each.area, each.whole) for each in found} == {("VE23", True), ("VE", False)}


def test_the_finest_area_counted_is_the_municipality() -> None:
    found = shares(facts(areas=["VE010101"]), TODAY, PLACES)
    assert {each.area for each in found if each.whole} == {"VE0101"}


def test_a_service_of_two_municipalities_counts_once_in_their_state() -> None:
    found = list(shares(facts(areas=["VE2313", "VE2317"]), TODAY, PLACES))
    assert [(each.area, each.whole) for each in found] == [
        ("VE2313", True), ("VE2317", True), ("VE", False), ("VE23", False),
    ]  # fmt: skip


def women(area: str, state: str, services: int, *, whole: bool = True) -> Cell:
    return Cell(area, "GBV-PSS", state, whole, (0, services, 0, 0))


def rows(cells: list[Cell], areas: list[str], **options: Any) -> dict[str, Row]:
    given: dict[str, Any] = {"shown": lambda area, need: True, "people": {}, **options}
    found = matrix(cells, areas, ["GBV-PSS"], PLACES, groups=["woman"], **given)
    return {row.area: row for row in found}


def test_a_service_of_the_state_counts_in_its_parts_and_one_of_a_part_in_the_state() -> None:
    cells = [
        women("VE23", "referable", 1),
        women("VE23", "full", 2, whole=False),
        women("VE2313", "full", 2),
    ]
    found = rows(cells, ["VE23", "VE2313", "VE2315", "VE20"])
    assert found["VE23"].counts == {"referable": 1, "full": 2}
    assert found["VE2313"].counts == {"referable": 1, "full": 2}
    assert found["VE2315"].counts == {"referable": 1}
    assert found["VE20"].counts == {}
    assert [found[area].coverage for area in found] == ["referable"] * 3 + ["none"]
    assert [found[area].is_gap for area in found] == [False, False, False, True]


def test_what_one_may_not_know_is_neither_a_gap_nor_covered() -> None:
    found = rows([], ["VE23"], shown=lambda area, need: False)["VE23"]
    assert (found.coverage, found.is_gap) == ("not_shown", False)


def test_people_without_service_are_weighted_by_group() -> None:
    people = {("VE23", "woman"): 1000, ("VE20", "woman"): 300}
    cells = [women("VE20", "referable", 1)]
    found = rows(cells, ["VE23", "VE20"], people=people)
    assert weighted(found.values()) == {"GBV-PSS": {"people": 1300, "without_service": 1000}}


def test_a_pathway_step_is_open_when_no_group_is_covered() -> None:
    found = rows([women("VE20", "full", 1)], ["VE20", "VE23"])
    steps = {"VE20": [("GBV", "VE:1", "support", "GBV-PSS")], "VE23": []}
    open_steps = steps_without_service(found.values(), steps)
    assert [(each.area, each.step) for each in open_steps] == [("VE20", "support")]
