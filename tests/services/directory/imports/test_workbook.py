"""One workbook row becomes one HSDS document, with a reason for every change and refusal."""

from datetime import datetime
from typing import Any

import pytest
from directory.files.imports.outcomes.mapped import Mapped, validated
from directory.files.imports.outcomes.notes import Verdict
from directory.files.imports.outcomes.report import Report
from directory.files.imports.workbook.mapping import map_row

PLAIN: dict[str, object] = {
    "external_id": "RF-1",
    "organisation": "Fundación Refugio",
    "name": "Gestión de casos",
    "categories": "GBV-CM; apoyo psicosocial a sobrevivientes",
    "visibility": "public",
    "pcode": "VE2313",
    "hours": "lun-vie 08:00-16:00",
}


def row(**cells: object) -> Mapped:
    return map_row({**PLAIN, **cells}, 2)


def codes(mapped: Mapped) -> list[str]:
    return [each.code for each in mapped.notes]


def document(mapped: Mapped) -> dict[str, Any]:
    found = validated(mapped)
    assert found is not None, mapped.notes
    return found.plain()


def test_a_complete_row_is_accepted_without_a_word() -> None:
    mapped = row(
        name_en="Case management",
        phone="+58 212 000-0101; +58 414 000-0102",
        phone_visibility="socios humanitarios",
        languages="Español; guc; Lengua de señas venezolana",
        minimum_age=12.0,
        maximum_age="17",
        sex="Femenino",
        populations="REF; Retornada/o",
        nationalities="Venezuela; COL",
        intake_modes="Con cita previa",
        response_delay="72h",
        latitude="10,65",
        longitude=-71.61,
        address="Avenida 5 con calle 70",
        verified_at=datetime(2026, 11, 1),  # noqa: DTZ001 - what a spreadsheet cell holds
        pre_crisis="Sí",
        pathway_steps="GBV:primer contacto:emergency",
        areas_served="VE23; Táchira",
    )
    assert mapped.notes == []
    service = document(mapped)
    assert service["categories"] == ["GBV-CM", "GBV-PSS"]
    assert service["pathway"] == [{"aor": "GBV", "step": "primer contacto", "urgency": "emergency"}]
    assert [each["code"] for each in service["languages"]] == ["spa", "guc", "vsl"]
    assert (service["minimum_age"], service["maximum_age"]) == (12, 17)
    assert service["eligibility"]["populations"] == ["REF", "RET"]
    assert service["eligibility"]["nationalities"] == ["VEN", "COL"]
    assert service["phones"][0] == {"number": "+58 212 000-0101", "visibility": "partners"}
    assert service["translations"]["en"]["name"] == "Case management"
    location = service["service_at_locations"][0]["location"]
    assert location["pcode"] == "VE2313"
    assert location["latitude"] == 10.65
    assert location["addresses"][0]["city"] == "Maracaibo"
    assert location["addresses"][0]["state_province"] == "Zulia"
    assert [area["extent"] for area in service["service_areas"]] == ["VE23", "VE20"]
    assert service["verification"] == {"verified_at": "2026-11-01"}
    assert service["pre_crisis"] == {"existed": True}


def test_names_find_the_place_and_p_codes_must_agree() -> None:
    by_name = row(pcode="", admin1="Zulia", admin2="maracaibo", country="VEN")
    assert document(by_name)["service_at_locations"][0]["location"]["pcode"] == "VE2313"
    assert "place_conflict" in codes(row(pcode="VE2313", admin1="Táchira"))
    assert "place_unknown" in codes(row(pcode="VE9999"))
    assert "place_unknown" in codes(row(pcode="", admin1="Atlantis"))
    assert "place_ambiguous" in codes(row(pcode="", admin2="Libertador"))


def test_an_unknown_parish_leaves_the_municipality_and_is_told() -> None:
    mapped = row(pcode="", admin1="Zulia", admin2="Maracaibo", admin3="Parroquia Inventada")
    assert codes(mapped) == ["place_unresolved"]
    assert document(mapped)["service_at_locations"][0]["location"]["pcode"] == "VE2313"


def test_a_shelter_keeps_neither_address_nor_point_and_only_its_state() -> None:
    mapped = row(categories="TIP-SAFE", address="Calle Falsa 123", latitude=10.6, longitude=-71.6)
    location = document(mapped)["service_at_locations"][0]["location"]
    assert {"visibility_raised", "place_withheld"} <= set(codes(mapped))
    assert not {"addresses", "latitude", "longitude"} & location.keys()
    assert location["pcode"] == "VE23"


@pytest.mark.parametrize("name", ["Casa", ""])  # Accepted, and refused.
def test_a_report_does_not_repeat_where_a_shelter_is(name: str) -> None:
    """A report contains no coordinates. A refused row used to stay in it, with swapped coordinates, for over a year."""
    place: dict[str, object] = {
        "latitude": -71.6213,
        "longitude": 10.6541,
        "address": "Calle\x07 9",
    }
    for categories, is_told in (("TIP-SAFE", False), ("HLT", True)):
        with Report() as report:
            report.add(row(categories=categories, name=name, **place), None)
            (told,) = report.rows()
        assert "coordinates_swapped" in [each["code"] for each in told["notes"]]
        assert ("10.6541" in str(told)) is is_told


def test_a_row_without_id_gets_the_same_one_again() -> None:
    first, again = row(external_id=""), row(external_id="", description="otra")
    assert first.external_id == again.external_id
    assert first.external_id != row(external_id="", name="Otro").external_id
    assert first.verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("cells", "pcode"),
    [
        ({"admin1": "Edo. Zulia", "admin2": "Mcbo"}, "VE2313"),
        ({"admin1": "Estado Zulia", "admin2": "Municipio Maracaibo"}, "VE2313"),
        ({"admin1": "Bolívar", "admin2": "Pto. Ordaz"}, "VE0701"),
        ({"admin1": "Táchira", "admin2": "La Fría"}, "VE2009"),
        ({"admin1": "Caracas"}, "VE01"),
        ({"admin1": "Dtto. Capital", "admin2": "Caracas"}, "VE0101"),
        ({"admin2": "Libertador", "latitude": "8.59", "longitude": "-71.15"}, "VE1412"),
        ({"latitude": "10.65", "longitude": "-71.63"}, "VE2313"),
    ],
)
def test_places_are_read_as_people_write_them(cells: dict[str, str], pcode: str) -> None:
    found = row(**{"pcode": "", "country": "VEN", **cells})
    assert found.document is not None, codes(found)
    assert found.document["service_at_locations"][0]["location"]["pcode"] == pcode
    by_point = {"place_by_point", "place_from_point"} & set(codes(found))
    assert bool(by_point) is ("latitude" in cells)


@pytest.mark.parametrize(
    ("cells", "meant"),
    [
        ({"admin1": "Zulia", "admin2": "Maracaybo"}, "VE2313 (Maracaibo, Zulia)"),
        ({"admin1": "Zuliaa"}, "VE23 (Zulia, Venezuela)"),
        ({"admin2": "Pueblo Inventado", "latitude": "10.65", "longitude": "-71.63"}, "VE2313"),
    ],
)
def test_an_unknown_place_is_refused_with_what_may_be_meant(
    cells: dict[str, str], meant: str
) -> None:
    found = row(**{"pcode": "", "country": "VEN", **cells})
    assert found.document is None
    (told,) = [each for each in found.notes if each.code == "place_suggested"]
    assert meant in told.after


def test_a_point_far_from_its_named_place_is_told() -> None:
    """The point is 40 km away in another state: San Antonio del Táchira is not in Zulia."""
    found = row(pcode="VE2304", latitude="7.814", longitude="-72.443")
    (told,) = [each for each in found.notes if each.code == "point_far"]
    assert "VE2004" in told.after
    assert "point_far" not in codes(row(pcode="VE2313", latitude="10.65", longitude="-71.63"))
    assert "point_far" not in codes(row(pcode="VE23", latitude="10.65", longitude="-71.63"))
