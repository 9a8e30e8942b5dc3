"""R7: an explicit list names the counts that may be exact. People who look for help are never on it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from common.words.places import Places
from reporting.count.activities.activity import Activity, published
from reporting.count.activities.codes import ActivityCode, activity_codes, terms, types_of
from reporting.count.activities.indicators import ALLOWED, BY_CODE, is_exact, total

from tests.support.reference import shipped_json

PLACES = Places.load()


def activity(**changes: object) -> Activity:
    values = {
        "id": uuid4(),
        "organisation_id": uuid4(),
        "version": 1,
        "changed_at": datetime(2026, 11, 5, tzinfo=UTC),
        "external_id": "1",
        "report_month": date(2026, 11, 1),
        "type": "training",
        "activity_code": "TIP/TRN",
        "activity_detail": "dos sesiones",
        "org_leader": "A",
        "org_leader_type": "NNGO",
        "org_implementer": "A",
        "org_implementer_type": "NNGO",
        "project_code": None,
        "project_name": None,
        "adm1_pcode": "VE23",
        "adm2_pcode": "VE2313",
        "adm3_pcode": None,
        "tlocation": "community",
        "location_name": "Plaza",
        "start": date(2026, 11, 3),
        "end": None,
        "status": "Completed",
        "quantity": 2,
        "women": 1,
        "men": 2,
        "girls": 3,
        "boys": 4,
        "other_adults": None,
        "other_children": None,
        "reached": 10,
    }
    return Activity(**(values | changes))  # type: ignore[arg-type]  # keyword facts of a test


def test_no_indicator_counts_recipients_of_a_service() -> None:
    allowed_types = {indicator.type for indicator in ALLOWED}
    assert "protection_service" not in allowed_types
    assert ("information_point", "reached") not in {(i.type, i.measure) for i in ALLOWED}
    assert allowed_types <= set(terms("type"))


@pytest.mark.parametrize(
    "code", [c for c in activity_codes().values() if c.counts != "participants"]
)
@pytest.mark.parametrize("claimed", list(terms("type")))
def test_a_row_cannot_make_recipients_exact_by_calling_itself_a_training(
    code: ActivityCode, claimed: str
) -> None:
    assert not is_exact(claimed, code.code, "reached")


def test_sessions_of_care_make_no_training_sessions() -> None:
    care = activity(type="training", activity_code="CLPRO/CA2.13", quantity=844)
    held = total(
        [activity(), care],
        BY_CODE["trainings-held"],
        start=date(2026, 11, 1),
        end=date(2026, 11, 15),
        area=None,
        places=PLACES,
    )
    assert held == 2
    assert published(care).quantity is None


@pytest.mark.parametrize("code", activity_codes().values(), ids=lambda each: each.code)
def test_the_usual_type_of_a_code_fits_it(code: ActivityCode) -> None:
    assert code.type in types_of(code.code)
    assert ("protection_service" in types_of(code.code)) is (code.counts == "recipients")


def test_published_rows_of_a_service_keep_no_people_and_no_way_to_the_place() -> None:
    row = activity(type="protection_service", activity_code="CLPRO/CA2.07", adm3_pcode="VE231301")
    shown = published(row)
    assert shown.masked
    numbers = (shown.women, shown.men, shown.girls, shown.boys, shown.reached, shown.quantity)
    assert numbers == (None,) * 6
    assert (shown.adm3_pcode, shown.location_name, shown.activity_detail) == (None, None, None)
    assert shown.adm2_pcode == "VE2313"


def test_published_training_stays_as_it_is() -> None:
    row = activity()
    assert published(row) == row


def test_total_counts_each_activity_once_by_its_start_inside_the_area() -> None:
    rows = [
        activity(),
        activity(start=date(2026, 10, 31), end=date(2026, 11, 2)),
        activity(adm1_pcode="VE20", adm2_pcode=None),
        activity(status="Planned"),
        activity(activity_code="CLPRO/CA2.19"),
    ]

    def trained(counted: list[Activity], area: str | None) -> int:
        return total(
            counted,
            BY_CODE["people-trained"],
            start=date(2026, 11, 1),
            end=date(2026, 11, 15),
            area=area,
            places=PLACES,
        )

    assert trained(rows, "VE23") == 10
    assert trained(rows, None) == 20
    assert trained([*rows, replace(rows[0], id=uuid4())], "VE23") == 20


def test_codes_are_those_of_the_response_plan() -> None:
    ours = {code.code for code in activity_codes().values() if code.source == "hrp2024"}
    assert ours == set(shipped_json("fivews/words.json")["ven_activity_codes"])
