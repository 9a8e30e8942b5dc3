"""The import of Services Advisor features: each rule, then all rows of a file."""

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from directory.files.imports.advisor.features import map_feature
from directory.files.imports.outcomes.mapped import Mapped
from directory.files.imports.outcomes.notes import Verdict
from directory.ground.hsds.schemas import ServiceDocument

from tests.support.advisor_features import REPEATED, ROWS, made_features
from tests.support.reference import reference_data

TODAY = date(2026, 11, 24)


def feature(**properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": 7,
        "geometry": {"type": "Point", "coordinates": [35.9, 31.9]},
        "properties": {
            "locationName": "Amman Governorate",
            "partnerName": "ACTED",
            "activity": 5603,
            "activityCategory": "PROTECTION",
            "activityName": "Child Protection",
            "startDate": "2026-01-01",
            "endDate": "2027-01-01",
            "indicators": {"Child-friendly spaces": 1},
            "comments": "Games and drawing.",
            **properties,
        },
    }


def codes(mapped: Mapped) -> list[str]:
    return [each.code for each in mapped.notes]


def document(mapped: Mapped) -> dict[str, Any]:
    assert mapped.document is not None
    return ServiceDocument.model_validate(mapped.document).plain()


def test_a_clean_feature_is_accepted_with_its_place_told() -> None:
    mapped = map_feature(feature(), 1, today=TODAY)
    assert mapped.verdict is Verdict.ACCEPTED
    assert codes(mapped) == ["place_unresolved"]
    assert mapped.external_id == "7/5603"
    service = document(mapped)
    assert service["name"] == "Child protection – Amman Governorate"
    assert service["translations"]["es"]["name"] == "Protección de la niñez – Amman Governorate"
    assert service["categories"] == ["CP-CM", "CP-CFS"]
    assert service["service_at_locations"][0]["location"]["latitude"] == 31.9


def test_referral_attributes_are_kept_as_codes() -> None:
    mapped = map_feature(
        feature(
            **{
                "10. Referral Method": {"IA Form": True},
                "12. Response delay after referrals": {"One week": True},
                "11. Immediate Next step  response after referal": {"Follow up call": True},
                "13. Feedback Mechanism": {"Excel Tracking table": True},
                "14. Feedback delay": {"Delay One day": True},
                "4. Accessibility": {"All the above": True},
                "5. Coverage": {"Countrywide": True},
                "6. Availability": {"Every Day": True},
            }
        ),
        1,
        today=TODAY,
    )
    assert document(mapped)["referral"] == {
        "intake_modes": ["walk_in", "referral_only", "outreach", "hotline"],
        "method": "interagency_form",
        "response_delay": "one_week",
        "next_step": "provider_calls_person",
        "feedback_mechanism": "tracking_table",
        "feedback_delay": "one_day",
        "coverage": "national",
        "frequency": "every_day",
    }


def test_impossible_and_several_times_are_repaired_and_told() -> None:
    mapped = map_feature(
        feature(
            **{
                "8. Office Open at": {"13:00pm": True, "8:30am": True},
                "9. Office close at": {"Close at 17:00pm": True},
                "7. Availability Day": {"Sun-Thurs": True},
            }
        ),
        1,
        today=TODAY,
    )
    assert codes(mapped).count("time_read_as") == 2
    assert "times_several" in codes(mapped)
    (schedule,) = document(mapped)["schedules"]
    assert (schedule["opens_at"], schedule["closes_at"]) == ("08:30", "17:00")
    assert schedule["byday"] == "MO,TU,WE,TH,SU"


def test_hours_without_an_end_stay_words() -> None:
    mapped = map_feature(feature(**{"8. Office Open at": {"9:00am": True}}), 1, today=TODAY)
    assert "hours_incomplete" in codes(mapped)
    assert document(mapped)["schedules"][0]["description"] == "opens at 09:00"


def test_a_service_that_has_ended_is_inactive_and_unverified() -> None:
    mapped = map_feature(feature(endDate="2026-11-23"), 1, today=TODAY)
    service = document(mapped)
    assert service["status"] == "inactive"
    assert service["functional_status"]["code"] == "unknown"
    assert "ended" in codes(mapped)


def test_a_shelter_becomes_restricted_and_loses_its_place() -> None:
    mapped = map_feature(
        feature(indicators={"Shelter for survivors of gender-based violence (GBV)": 1}),
        1,
        today=TODAY,
    )
    service = document(mapped)
    assert service["visibility"] == "restricted"
    location = service["service_at_locations"][0]["location"]
    assert not {"latitude", "longitude", "addresses"} & location.keys()
    assert {"visibility_raised", "place_withheld"} <= set(codes(mapped))
    said = {code: each["name"] for code, each in service["translations"].items()}
    assert said == {"en": "Child protection", "es": "Protección de la niñez"}
    assert service["name"] == "Child protection"


def test_open_to_all_beside_a_specific_group_is_told_as_a_contradiction() -> None:
    mapped = map_feature(
        feature(**{"3. Intake Criteria": {"Open to all": True, "Disability": True}}),
        1,
        today=TODAY,
    )
    assert "values_conflict" in codes(mapped)
    assert document(mapped)["eligibility"]["populations"] == ["DIS"]


def test_swapped_coordinates_are_turned_and_impossible_ones_dropped() -> None:
    swapped = feature()
    swapped["geometry"]["coordinates"] = [10.5, -171.6]
    mapped = map_feature(swapped, 1, today=TODAY)
    assert "coordinates_swapped" in codes(mapped)
    broken = feature()
    broken["geometry"]["coordinates"] = [0, 0]
    assert "coordinates_invalid" in codes(map_feature(broken, 1, today=TODAY))
    assert "latitude" not in document(mapped)


@dataclass(frozen=True)
class File:
    mapped: list[Mapped]
    rows: int
    repeated: int


@pytest.fixture(scope="module", params=["made", "jordan"])
def file(request: pytest.FixtureRequest) -> File:
    """Return our own file, and Jordan's real file where available."""
    if request.param == "made":
        features, rows, repeated = made_features(), ROWS, REPEATED
    else:
        real = reference_data("jordan-services/services.json").read_text(encoding="utf-8")
        features, rows, repeated = json.loads(real), 562, 13
    seen: set[int] = set()
    mapped = []
    for number, each in enumerate(features, 1):
        mapped.append(map_feature(each, number, today=TODAY, repeated=each["id"] in seen))
        seen.add(each["id"])
    return File(mapped, rows, repeated)


def test_all_rows_become_valid_documents_with_their_own_identity(file: File) -> None:
    assert len(file.mapped) == file.rows
    assert not [each for each in file.mapped if each.verdict is Verdict.REFUSED]
    assert len({each.external_id for each in file.mapped}) == file.rows
    assert all(document(each)["categories"] for each in file.mapped)


def test_the_repeated_ids_are_told(file: File) -> None:
    assert sum("id_repeated" in codes(each) for each in file.mapped) == file.repeated


def test_no_known_word_of_the_file_lacks_a_meaning(file: File) -> None:
    unmapped = {
        (each.field, each.before)
        for row in file.mapped
        for each in row.notes
        if each.code == "value_unmapped" and each.field != "indicators"
    }
    assert {value for _, value in unmapped} == {
        "Specific Vulnerability Calculation/Scoring",
        "Family unity",
        "Other nationalities only",
        "To be requested by the sending organisation",
        "Bimonthly",
        "Once per trimester or more",
    }
    assert not [each for row in file.mapped for each in row.notes if each.code == "category_none"]


def test_notes_speak_both_languages(file: File) -> None:
    for row in file.mapped[:100]:
        for each in row.notes:
            assert each.text("es") != each.text("en")
            assert "{" not in each.text("es") + each.text("en")
