"""The shipped administrative areas are complete, connected and searchable by name."""

import csv

import pytest
from common.words.places import Places, Point, UnknownPlaceError, folded, kilometres

from tests.support.reference import reference_data, shipped_data


@pytest.fixture(scope="module")
def places() -> Places:
    return Places.load()


def test_every_parent_is_known_and_one_level_up(places: Places) -> None:
    for place in places:
        if place.parent is None:
            assert place.level == 0
        else:
            assert places.require(place.parent).level == place.level - 1, place


def test_ancestors_come_nearest_first(places: Places) -> None:
    maracaibo = places.named("Maracaibo", level=2)
    assert [place.pcode for place in maracaibo] == ["VE2313"]
    assert places.ancestors("VE2313") == ("VE23", "VE")


def test_descendants_hold_all_levels_and_not_the_area_itself(places: Places) -> None:
    inside = places.descendants("VE01")
    assert "VE0101" in inside
    assert "VE010101" in inside
    assert "VE01" not in inside
    assert all(places.within(each, "VE01") for each in inside)


def test_an_area_lies_within_itself_and_unknown_codes_lie_nowhere(places: Places) -> None:
    assert places.within("VE23", "VE23")
    assert not places.within("VE23", "VE2313")
    assert not places.within("VE9999", "VE")
    assert not places.within("VE23", "XX")


def test_an_unknown_code_is_none_by_get_and_an_error_elsewhere(places: Places) -> None:
    assert places.get("VE9999") is None
    assert not places.is_known("ve23")
    with pytest.raises(UnknownPlaceError):
        places.ancestors("VE9999")


def test_a_municipality_without_point_falls_back_on_its_state(places: Places) -> None:
    assert places.require("VE2312").point is None
    assert places.point("VE2312") == places.require("VE23").point
    assert places.distance("VE2312", "VE23") == 0
    between = places.distance("VE2312", "VE2023")
    assert between is not None
    assert 200 < between < 280
    assert places.distance("VE23", "CO05") is None


def test_neighbouring_countries_are_known_at_the_first_level(places: Places) -> None:
    for pcode in ("BR14", "CO05", "CW01", "GY01", "TT"):
        assert places.is_known(pcode)
    assert places.require("CO").label("en") == "Colombia"
    assert places.require("BR").label("es") == "Brasil"


def test_a_code_coarsens_to_a_level(places: Places) -> None:
    assert places.at_most("VE010101", 2) == "VE0101"
    assert places.at_most("VE010101", 1) == "VE01"
    assert places.at_most("VE01", 2) == "VE01"


def test_names_match_without_accents_case_or_dots(places: Places) -> None:
    assert [place.pcode for place in places.named("TACHIRA", level=1)] == ["VE20"]
    assert [place.pcode for place in places.named("vargas", level=2)] == ["VE2401"]
    assert len(places.named("Libertador", level=2)) > 3
    assert [place.pcode for place in places.named("Libertador", level=2, within="VE20")] == [
        "VE2016"
    ]
    assert folded("  Ñandú — St. Élan ") == "nandu st elan"


def test_kilometres_is_the_great_circle() -> None:
    caracas, maracaibo = Point(10.4806, -66.9036), Point(10.6427, -71.6125)
    assert kilometres(caracas, maracaibo) == pytest.approx(515.6, abs=2)
    assert kilometres(caracas, caracas) == 0


def test_all_codes_of_the_reference_tables_are_shipped(places: Places) -> None:
    for table, column in (
        ("ven_admin1.csv", "adm1_pcode"),
        ("ven_admin2.csv", "adm2_pcode"),
        ("ven_admin3_partial.csv", "adm3_pcode"),
        ("neighbours_admin1.csv", "adm1_pcode"),
    ):
        with reference_data(f"geo/{table}").open(encoding="utf-8") as lines:
            missing = [
                row[column] for row in csv.DictReader(lines) if not places.is_known(row[column])
            ]
        assert not missing, table


def test_the_country_has_all_its_states_and_municipalities(places: Places) -> None:
    """The states have the names and positions of OCHA's COD-AB (CC BY 3.0 IGO). The test uses facts, not the file."""
    with shipped_data("geo/ven_admin1.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            state = places.require(row["adm1_pcode"])
            assert state.name == row["name_es"]
            assert state.point == pytest.approx((float(row["label_lat"]), float(row["label_lon"])))
    assert len(places.at_level(1, "VEN")) == 25
    assert len(places.at_level(2, "VEN")) == 335
    # Parishes with known codes, and all first-level areas of the neighbouring countries.
    assert len(places.at_level(3, "VEN")) == 331
    abroad = [each for each in places.at_level(1) if not each.pcode.startswith("VE")]
    assert len(abroad) == 150
