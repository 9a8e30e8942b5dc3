"""Activities over HTTP: each caller sees only their own part, and bad input changes nothing."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from common import clock
from common.db.session import Database
from common.events.referrals import TrainingHeld
from httpx import AsyncClient
from reporting.count.activities.trainings import record_training

from tests.services.reporting.activities.rows import body
from tests.services.reporting.events import enveloped
from tests.support.principals import bearer, organisation

AUDIENCE = "ruta-reporting"
PATH = "/reports/v1/activities"
REFUGIO = bearer("ngo-refugio", audience=AUDIENCE)
SALUD = bearer("ngo-salud", audience=AUDIENCE)
IM = bearer("im-officer", audience=AUDIENCE)
SERVICE: dict[str, Any] = {
    "activity_code": "CLPRO/CA2.07",
    "location_name": "Casa Azul",
    "adm2_pcode": "VE2313",
}


async def record(api: AsyncClient, number: int = 1, **changes: Any) -> dict[str, Any]:
    answer = await api.post(PATH, json=body(number, **changes), headers=REFUGIO)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_anonymous_and_scopeless_callers_are_refused(api: AsyncClient) -> None:
    anonymous = bearer("anonymous", audience=AUDIENCE)
    assert (await api.get(PATH, headers=anonymous)).status_code == 401
    reader = bearer("health-cluster", audience=AUDIENCE)
    assert (await api.get(PATH, headers=reader)).status_code == 403
    auditor = bearer("auditor", audience=AUDIENCE)
    assert (await api.post(PATH, json=body(), headers=auditor)).status_code == 403


async def test_a_recorded_activity_gets_its_defaults(api: AsyncClient) -> None:
    made = await record(api)
    assert made["type"] == "training"
    assert made["reached"] == 30
    assert made["report_month"] == "2026-11-01"
    assert made["org_implementer"] == "Fundación Refugio"
    assert (made["version"], made["masked"]) == (1, False)


async def test_an_organisation_sees_its_own_numbers_and_others_see_none(api: AsyncClient) -> None:
    made = await record(api, **SERVICE)
    own = (await api.get(f"{PATH}/{made['id']}", headers=REFUGIO)).json()
    other = (await api.get(f"{PATH}/{made['id']}", headers=SALUD)).json()
    assert own["reached"] == 30
    assert own["location_name"] == "Casa Azul"
    assert other["masked"]
    assert other["reached"] is other["women"] is other["location_name"] is None


async def test_a_training_that_somebody_corrected_here_still_ends_where_it_was_recorded(
    api: AsyncClient, database: Database
) -> None:
    """A cancelled training no longer counts, in whatever order its events arrive, because a public bulletin counts
    trainings exactly."""
    training = UUID("0190c000-0000-7000-8000-000000000001")

    async def told(
        version: int, when: datetime, *, women: int = 9, cancelled: bool = False
    ) -> None:
        event = TrainingHeld(
            version=version, training_id=training, organisation_id=organisation(1), topic="screening",
            area="VE2313", starts_on=date(2026, 11, 3), ends_on=date(2026, 11, 3), sessions=1,
            women=women, men=4, others=0, cancelled=cancelled,
        )  # fmt: skip
        async with database.transaction() as session:
            await record_training(session, event, enveloped(event, training, when)[1])

    async def counted() -> int:
        asked = f"{PATH}/indicators/people-trained?from=2026-11-01&to=2026-11-30"
        value: int = (await api.get(asked, headers=SALUD)).json()["value"]
        return value

    before = datetime(2026, 11, 4, 12, tzinfo=UTC)
    await told(1, before)
    row = (await api.get(f"{PATH}?own=true", headers=REFUGIO)).json()["items"][0]
    named = body(external_id=row["external_id"], women=9, men=4, girls=None, boys=None)
    corrected = await api.put(f"{PATH}/{row['id']}", json=named, headers=REFUGIO)
    assert (corrected.status_code, await counted()) == (200, 13), corrected.text
    await told(2, before + timedelta(minutes=1), women=90)
    assert await counted() == 13, "what was recorded before the correction"
    since = clock.now() + timedelta(minutes=1)
    await told(2, since, cancelled=True)
    assert await counted() == 0
    await told(1, before)
    assert await counted() == 0


async def test_a_foreign_activity_cannot_be_changed_or_withdrawn(api: AsyncClient) -> None:
    made = await record(api)
    path = f"{PATH}/{made['id']}"
    assert (await api.put(path, json=body(), headers=SALUD)).status_code == 404
    assert (await api.delete(path, headers=SALUD)).status_code == 404
    assert (await api.get(path, headers=REFUGIO)).json()["version"] == 1


async def test_bad_rows_are_422_with_a_pointer(api: AsyncClient) -> None:
    cases: dict[str, dict[str, Any]] = {
        "/adm1_pcode": {"adm1_pcode": "VE99"},
        "/adm2_pcode": {"adm2_pcode": "VE2001"},
        "/end": {"end": "2026-11-01"},
        "/status": {"status": "Finished"},
        "/activity_code": {"activity_code": "XX"},
        "/type": {"type": "protection_service"},
        "/reached": {"reached": 31},
        "/women": {"women": -1},
        "/start": {"start": "2026-13-01"},
        "/colour": {"colour": "red"},
        "/org_leader": {"org_leader": "a\u0000b"},
    }
    for pointer, changes in cases.items():
        answer = await api.post(PATH, json=body(**changes), headers=REFUGIO)
        assert answer.status_code == 422, (pointer, answer.text)
        pointers = {error["pointer"] for error in answer.json()["errors"]}
        assert any(each.startswith(pointer) or each == "" for each in pointers), (pointer, pointers)
    assert (await api.get(PATH, headers=IM)).json()["items"] == []


async def test_the_same_external_id_twice_is_a_conflict(api: AsyncClient) -> None:
    await record(api)
    assert (await api.post(PATH, json=body(), headers=REFUGIO)).status_code == 409
    assert (await api.post(PATH, json=body(), headers=SALUD)).status_code == 201


async def test_corrections_raise_the_version_and_withdrawals_stop_counting(
    api: AsyncClient,
) -> None:
    made = await record(api)
    path = f"{PATH}/{made['id']}"
    changed = await api.put(path, json=body(women=22), headers=REFUGIO)
    assert changed.json()["version"] == 2
    value = f"{PATH}/indicators/people-trained?from=2026-11-01&to=2026-11-15"
    assert (await api.get(value, headers=SALUD)).json()["value"] == 40
    assert (await api.delete(path, headers=REFUGIO)).status_code == 204
    assert (await api.get(value, headers=SALUD)).json()["value"] == 0
    assert (await api.get(path, headers=REFUGIO)).status_code == 404


async def test_indicators_outside_the_allow_list_do_not_exist(api: AsyncClient) -> None:
    answer = await api.get(
        f"{PATH}/indicators/people-served?from=2026-11-01&to=2026-11-15", headers=IM
    )
    assert answer.status_code == 404
    assert "people-trained" in answer.json()["allowed"]


async def test_pages_walk_all_activities_once(api: AsyncClient) -> None:
    for number in range(5):
        await record(api, number)
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page = (await api.get(f"{PATH}?limit=2{cursor}", headers=REFUGIO)).json()
        seen += [item["external_id"] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert sorted(seen) == [f"row-{n}" for n in range(5)]
    bad = await api.get(f"{PATH}?cursor=WyJ4IiwieSJd", headers=REFUGIO)
    assert bad.status_code == 400


async def test_progress_is_measured_against_the_work_plan(api: AsyncClient) -> None:
    target = {
        "plan": "2026",
        "indicator": "people-trained",
        "area": "VE23",
        "start": "2026-01-01",
        "end": "2026-12-31",
        "target": 120,
    }
    assert (await api.put(f"{PATH}/targets", json=target, headers=REFUGIO)).status_code == 403
    assert (await api.put(f"{PATH}/targets", json=target, headers=IM)).status_code == 200
    again = await api.put(f"{PATH}/targets", json=target | {"target": 60}, headers=IM)
    assert again.json()["target"] == 60
    bad = await api.put(f"{PATH}/targets", json=target | {"indicator": "reached"}, headers=IM)
    assert bad.status_code == 422
    await record(api)
    await record(api, 2, adm1_pcode="VE20")
    (reached,) = (await api.get(f"{PATH}/progress?until=2026-11-30", headers=REFUGIO)).json()
    assert (reached["done"], reached["share"]) == (30, "0.500")


async def test_who_used_to_report_and_has_nothing_in_a_month_is_listed(api: AsyncClient) -> None:
    await record(api, start="2026-09-03", end=None, report_month="2026-09")
    one = (await api.get(f"{PATH}/unreported?month=2026-10-05", headers=IM)).json()
    assert one == [{"organisation_id": str(organisation(1)), "last_month": "2026-09-01"}]
    await record(api, number=2, start="2026-10-03", end=None, report_month="2026-10")
    assert (await api.get(f"{PATH}/unreported?month=2026-10-05", headers=IM)).json() == []
    later = (await api.get(f"{PATH}/unreported?month=2027-06-01", headers=IM)).json()
    assert later == [], "silent for longer than six months"
    assert (await api.get(f"{PATH}/unreported", headers=REFUGIO)).status_code == 403
