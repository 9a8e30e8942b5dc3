"""Trafficking statistics: who counts, and with which codes, routes and CTDC columns."""

import csv
import io
import json
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from common.db.session import Database
from common.events.codes import ReportingAttributes
from common.events.referrals import (
    AssistanceGiven,
    CaseErased,
    ScreeningAttached,
    ScreeningConcluded,
    ScreeningErased,
    ScreeningOpened,
    ScreeningProgress,
    ScreeningReferred,
    ScreeningStopped,
)
from common.ids import new_id
from httpx import AsyncClient
from reporting.ground.htcds import BOTH, LISTS, MULTIPLE, exploitation_code, htcds
from reporting.ground.programmes.catalogue import programme
from reporting.publish.exports.ctdc import columns
from reporting.recording.service import Recorder

from tests.services.reporting.events import (
    REFUGIO,
    SALUD,
    Arrived,
    enveloped,
    record,
    record_together,
)
from tests.services.reporting.releases.test_story import as_
from tests.services.reporting.releases.true_counts import true_view
from tests.support.reference import shipped_data

DAY = datetime(2026, 8, 10, 9, tzinfo=UTC)
ABOUT = ReportingAttributes(
    sex="female",
    age_band="12-17",
    exploitation_types=("SexualExploitation",),
    origin="VE2313",
    transit=("CO54",),
    destination="TT",
)


def screening(case_id: UUID | None = None, **changes: Any) -> Arrived:
    facts: dict[str, Any] = {
        "version": 1,
        "screening_id": new_id(),
        "case_id": case_id,
        "organisation_id": REFUGIO,
        "area": "VE0601",
        "act": "strong",
        "means": "some",
        "purpose": "strong",
        "judgement": "possible_victim",
        "occurred_at": DAY,
        "attributes": ABOUT,
    }
    event = ScreeningConcluded(**(facts | changes))
    return enveloped(event, event.screening_id, DAY)


def assistance(case_id: UUID, kind: str = "Health", **changes: Any) -> Arrived:
    facts: dict[str, Any] = {
        "version": 1,
        "assistance_id": new_id(),
        "case_id": case_id,
        "organisation_id": SALUD,
        "type": kind,
        "area": "VE0601",
        "date": date(2026, 8, 20),
        "attributes": ABOUT,
    }
    event = AssistanceGiven(**(facts | changes))
    return enveloped(event, event.assistance_id, DAY)


async def counted(database: Database, name: str) -> dict[tuple[str, ...], int]:
    return dict((await true_view(database, name, "2026-Q3")).cells)


async def test_a_person_screened_and_assisted_twice_counts_once_everywhere(
    database: Database, recorder: Recorder
) -> None:
    case = new_id()
    events = [screening(case), assistance(case), assistance(case, "Legal"), screening(case)]
    await record(database, recorder, events)
    assert await counted(database, "trafficking") == {
        ("VE06", "female", "12-17", "SexualExploitation", "both"): 1
    }
    assert await counted(database, "routes") == {("VE23", "CO", "TT"): 1}
    assert await counted(database, "assistance") == {("female", "Multiple"): 1}


async def test_screenings_without_indication_or_without_consent_do_not_count(
    database: Database, recorder: Recorder
) -> None:
    events = [
        screening(new_id(), judgement="no_indication"),
        screening(new_id(), attributes=None),
        screening(None, judgement="not_a_victim"),
    ]
    await record(database, recorder, events)
    assert await counted(database, "trafficking") == {}


async def test_assistance_entered_in_error_counts_no_more(
    database: Database, recorder: Recorder
) -> None:
    """Assistance entered in error no longer counts, even if the correction arrives before the entry."""
    case, wrong = new_id(), new_id()
    given = assistance(case, assistance_id=wrong)
    corrected = assistance(case, assistance_id=wrong, version=2, attributes=None)
    await record(database, recorder, [corrected, given, assistance(case, "Legal")])
    assert await counted(database, "assistance") == {("female", "Legal"): 1}


async def test_an_erased_person_is_in_no_cube(database: Database, recorder: Recorder) -> None:
    case = new_id()
    erased = enveloped(CaseErased(version=5, case_id=case), case, DAY)
    await record(database, recorder, [screening(case), erased, assistance(case)])
    assert await counted(database, "trafficking") == {}
    assert await counted(database, "routes") == {}


def step(
    kind: type[ScreeningProgress], version: int, screening_id: UUID, **changes: Any
) -> Arrived:
    event = kind(
        **{
            "version": version,
            "screening_id": screening_id,
            "organisation_id": REFUGIO,
            "area": "VE0601",
            "occurred_at": DAY,
            "attributes": ABOUT,
            **changes,
        }
    )
    return enveloped(event, screening_id, DAY)


async def test_the_funnel_counts_a_person_once_by_the_furthest_point(
    database: Database, recorder: Recorder
) -> None:
    begun, stopped, judged, joined = (new_id() for _ in range(4))
    case = new_id()
    events = [
        step(ScreeningOpened, 1, begun),
        step(ScreeningOpened, 1, stopped),
        step(ScreeningStopped, 2, stopped),
        step(ScreeningOpened, 1, judged),
        screening(None, screening_id=judged, version=2, judgement="no_indication"),
        step(ScreeningOpened, 1, joined),
        screening(None, screening_id=joined, version=2),
        step(ScreeningAttached, 3, joined, case_id=case),
        step(ScreeningReferred, 4, joined, case_id=case),
        step(ScreeningOpened, 1, new_id(), attributes=None),
    ]
    random.Random(3).shuffle(events)  # noqa: S311 - test data, no secret
    await record(database, recorder, events)
    found = {stage: n for (_, stage), n in (await counted(database, "screening")).items()}
    assert found == {"opened": 1, "stopped": 1, "concluded": 1, "referred": 1}
    assert sum((await counted(database, "trafficking")).values()) == 1


async def test_who_is_assisted_after_a_screening_without_a_case_is_one_person(
    database: Database, recorder: Recorder
) -> None:
    case, screened = new_id(), new_id()
    events = [
        screening(None, screening_id=screened, version=2),
        step(ScreeningAttached, 3, screened, case_id=case),
        assistance(case),
    ]
    await record(database, recorder, events)
    assert await counted(database, "screening") == {("VE06", "assisted"): 1}
    assert await counted(database, "trafficking") == {
        ("VE06", "female", "12-17", "SexualExploitation", "both"): 1
    }


async def test_an_erased_screening_is_in_no_cube(database: Database, recorder: Recorder) -> None:
    gone, also = new_id(), new_id()
    case = new_id()
    events = [
        step(ScreeningOpened, 1, gone),
        screening(None, screening_id=also, version=2),
        step(ScreeningAttached, 3, also, case_id=case),
        enveloped(CaseErased(version=4, case_id=case), case, DAY),
        enveloped(ScreeningErased(version=2, screening_id=gone), gone, DAY),
    ]
    await record(database, recorder, events)
    assert await counted(database, "screening") == {}
    assert await counted(database, "trafficking") == {}


@pytest.mark.parametrize(
    ("types", "code"),
    [
        ((), "unknown"),
        (("nonsense",), "unknown"),
        (("ForcedBegging",), "ForcedBegging"),
        (("purpose.begging",), "ForcedBegging"),
        (("purpose.sexual", "SexualExploitation"), "SexualExploitation"),
        (("SexualExploitation", "ForcedLabour"), BOTH),
        (("SexualExploitation", "ForcedLabour", "OrganRemoval"), MULTIPLE),
    ],
)
def test_several_types_of_exploitation_become_one_code(types: tuple[str, ...], code: str) -> None:
    assert exploitation_code(types) == code
    assert code in programme("trafficking").dimensions[3].dimension.codes


def standard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shipped_data("htcds/codes.json").read_text(encoding="utf-8"))
    return found


def test_our_code_lists_hold_exactly_the_codes_of_htcds() -> None:
    upstream = standard()["codes"]
    names = {
        "type_of_exploitation": "vic_TypeOfExploitation",
        "support_plan_type": "spl_Type",
        "gender": "prs_Gender",
        "trafficking_status": "vic_TraffickingStatus",
        "relationship_to_trafficker": "vic_RelationshipToTrafficker",
        "methods_of_control": "vic_MethodsOfControl",
        "type_of_sex_exploitation": "vic_TypeOfSexExploitation",
        "forced_labour_industry": "vic_ForcedLabourIndustry",
    }
    assert set(names) == set(LISTS)
    for ours, theirs in names.items():
        assert list(htcds(ours)) == upstream[theirs]
        assert all(each.label_es and each.label_en for each in htcds(ours).values())


def people(number: int, seed: int) -> list[Arrived]:
    chance = random.Random(seed)  # noqa: S311 - test data, no secret
    events: list[Arrived] = []
    for _ in range(number):
        about = ReportingAttributes(
            sex=chance.choice(("female", "female", "male")),
            age_band=chance.choice(("12-17", "18-59")),
            exploitation_types=chance.choice(
                (("SexualExploitation",), ("ForcedLabour",), ("SexualExploitation", "ForcedLabour"))
            ),
            origin=chance.choice(("VE2313", "VE20", "VE06")),
            transit=chance.choice(((), ("CO54",))),
            destination=chance.choice(("TT", "CO", "VE01")),
        )
        case, at = new_id(), DAY + timedelta(days=chance.randint(0, 30))
        events.append(screening(case, attributes=about, occurred_at=at))
        if chance.random() < 0.5:
            events.append(assistance(case, chance.choice(("Health", "Legal")), attributes=about))
        if chance.random() < 0.3:
            begun = step(ScreeningOpened, 1, new_id(), occurred_at=at, attributes=about)
            events.append(begun)
    return events


async def publish(api: AsyncClient, name: str) -> str:
    body = {"programme": name, "period": "2026-Q3"}
    answer = await api.post("/reports/v1/releases", json=body, headers=as_("im-officer"))
    assert answer.status_code == 201, answer.text
    url = f"/reports/v1/releases/{answer.json()['id']}"
    for client in ("ngo-refugio", "ngo-salud"):
        await api.post(f"{url}/sign-offs", headers=as_(client))
    assert (await api.post(f"{url}/publish", headers=as_("im-officer"))).status_code == 200
    return url


async def test_the_release_in_ctdc_columns_adds_up_to_the_release(
    api: AsyncClient, database: Database, recorder: Recorder
) -> None:
    await record_together(database, recorder, people(300, seed=2))
    url = await publish(api, "trafficking")
    total = (await api.get(f"{url}/query", headers=as_("anonymous"))).json()["total"]
    ctdc = "/reports/v1/trafficking/2026-Q3/ctdc"
    refused = await api.get(ctdc, headers=as_("anonymous"))
    assert refused.status_code == 422, "so few people are not shown in so much detail"
    answer = await api.get(f"{ctdc}?tier=internal", headers=as_("im-officer"))
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert (
        tuple(rows[0])
        == columns()
        == (*standard()["ctdc_columns"], "count", "count_low", "count_high")
    )
    assert sum(int(row["count"]) for row in rows) == total > 200
    assert all(int(row["count_low"]) <= int(row["count_high"]) for row in rows)
    assert all(int(row["count"]) % 11 == 0 for row in rows)
    both = [row for row in rows if row["isSexAndLabour"] == "1"]
    assert both
    assert all(row["isSexualExploit"] == row["isForcedLabour"] == "1" for row in both)
    assert {row["gender"] for row in rows} <= {"Female", "Male", ""}
    missing = await api.get("/reports/v1/trafficking/2026-Q2/ctdc", headers=as_("anonymous"))
    assert missing.status_code == 404


async def test_routes_are_a_flow_of_the_same_persons(
    api: AsyncClient, database: Database, recorder: Recorder
) -> None:
    await record_together(database, recorder, people(300, seed=3))
    await publish(api, "trafficking")
    url = await publish(api, "routes")
    flows = (
        await api.get(
            f"{url}/query?tier=internal&by=origin,destination&transit=CO", headers=as_("im-officer")
        )
    ).json()
    assert {tuple(row["at"].values()) for row in flows["rows"]} <= {
        (a, b) for a in ("VE23", "VE20", "VE06") for b in ("TT", "CO", "VE01")
    }
    assert flows["rows"]
