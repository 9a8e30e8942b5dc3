"""Milestones of the work plan. Earlier states stay readable and late ones are marked. Ruta refuses impossible changes
and names the possible ones."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from common import clock
from common.db.session import Database
from httpx import AsyncClient, Response
from reporting.count.milestones.models import milestone_changes, milestones
from reporting.count.milestones.plan import NEXT, late
from sqlalchemy.exc import ProgrammingError

from tests.services.reporting.conftest import AUDIENCE
from tests.support.principals import bearer, keyed, organisation

URL = "/reports/v1/context/milestones"
BODY: dict[str, Any] = {
    "plan": "2026",
    "what": {"es": "El protocolo está firmado.", "en": "The protocol is signed."},
    "responsible": {"es": "Grupo de trabajo de trata", "en": "Counter-trafficking group"},
    "due": "2026-Q3",
    "indicator": "officials-trained",
}


def as_(client: str, **more: str) -> dict[str, str]:
    return keyed(bearer(client, audience=AUDIENCE)) | more


async def add(api: AsyncClient, client: str = "tip-coordinator", **changes: Any) -> Response:
    return await api.post(URL, json={**BODY, **changes}, headers=as_(client))


async def change(api: AsyncClient, milestone: dict[str, Any], **changes: Any) -> Response:
    tag = {"If-Match": f'"{milestone["version"]}"'}
    url = f"{URL}/{milestone['id']}"
    return await api.put(url, json={**BODY, **changes}, headers=as_("im-officer", **tag))


def test_late_is_what_is_open_after_its_quarter() -> None:
    end = date(2026, 9, 30)
    assert not late("planned", end, end)
    assert late("under-way", end, date(2026, 10, 1))
    assert not any(late(status, end, date(2027, 1, 1)) for status in ("done", "dropped"))


async def test_a_milestone_goes_its_way_and_what_it_was_is_kept(
    api: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 9, 1, tzinfo=UTC))
    made = (await add(api)).json()
    assert (made["status"], made["late"], made["last_day"]) == ("planned", False, "2026-09-30")
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 10, 2, tzinfo=UTC))
    late_ones = (await api.get(f"{URL}?late=true", headers=as_("ngo-refugio"))).json()["items"]
    assert [each["id"] for each in late_ones] == [made["id"]]
    under_way = (await change(api, made, status="under-way", due="2026-Q4")).json()
    assert (under_way["version"], under_way["late"]) == (2, False)
    assert (await api.get(f"{URL}?late=true", headers=as_("ngo-refugio"))).json()["items"] == []
    why = {"es": "Sin fondos.", "en": "No funds."}
    dropped = (await change(api, under_way, status="dropped", due="2026-Q4", reason=why)).json()
    assert (dropped["reason"], dropped["status_label"]["es"]) == (why, "descartado")
    states = await api.get(f"{URL}/{made['id']}/history", headers=as_("ngo-refugio"))
    assert [(each["status"], each["due"], each["late"]) for each in states.json()] == [
        ("planned", "2026-Q3", True),
        ("under-way", "2026-Q4", False),
        ("dropped", "2026-Q4", False),
    ]
    same = await change(api, dropped, status="dropped", due="2026-Q4", reason=why)
    assert same.json()["version"] == 3


@pytest.mark.parametrize(
    ("start", "end"), [(a, b) for a in NEXT for b in NEXT if b != a and b not in NEXT[a]]
)
async def test_where_a_milestone_cannot_go_it_is_told_where_it_can(
    api: AsyncClient, start: str, end: str
) -> None:
    why = {"es": "Sin fondos.", "en": "No funds."}

    def at(status: str) -> dict[str, Any]:
        return {"status": status, "reason": why if status == "dropped" else None}

    made = (await add(api, **at(start))).json()
    answer = await change(api, made, **at(end))
    assert (answer.status_code, answer.json()["code"]) == (409, "milestone_status")
    assert set(answer.json()["allowed"]) == {start, *NEXT[start]}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"what": {"es": "Formar a 30 personas.", "en": "Train people."}}, "/what/es"),
        ({"responsible": {"es": "ana@example.org", "en": "Ana"}}, "/responsible/es"),
        ({"responsible": None}, ""),
        ({"organisation_id": str(organisation(1))}, ""),
        ({"status": "dropped"}, ""),
        ({"reason": {"es": "Porque sí.", "en": "Because."}}, ""),
        ({"due": "2026-11"}, "/due"),
        ({"indicator": "people-helped"}, "/indicator"),
    ],
)
async def test_what_is_not_whole_or_holds_a_number_is_refused_with_its_place(
    api: AsyncClient, changes: dict[str, Any], pointer: str
) -> None:
    answer = await add(api, **changes)
    assert answer.status_code == 422
    assert pointer in [each["pointer"] for each in answer.json()["errors"]], answer.text


async def test_an_edit_of_what_changed_meanwhile_is_refused_and_partners_do_not_write(
    api: AsyncClient,
) -> None:
    made = (await add(api)).json()
    assert (await change(api, made, due="2026-Q4")).status_code == 200
    assert (await change(api, made, due="2027-Q1")).status_code == 412
    assert (await add(api, "ngo-refugio")).status_code == 403


async def test_who_is_responsible_by_link_is_told_to_those_who_prepare_reports(
    api: AsyncClient,
) -> None:
    own = str(organisation(1))
    made = (await add(api, responsible=None, organisation_id=own)).json()
    for client, told in (("gbv-coordinator", own), ("ngo-salud", None)):
        read = await api.get(f"{URL}/{made['id']}", headers=as_(client))
        assert read.json()["organisation_id"] == told
        past = await api.get(f"{URL}/{made['id']}/history", headers=as_(client))
        assert past.json()[0]["organisation_id"] == told


@pytest.mark.parametrize("table", [milestones, milestone_changes])
async def test_the_database_lets_nobody_take_out_what_was(
    api: AsyncClient, database: Database, table: sa.Table
) -> None:
    assert (await add(api)).status_code == 201
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with database.transaction() as session:
            await session.execute(table.delete())


async def test_lists_narrow_by_plan_and_status_and_go_on_by_cursor(api: AsyncClient) -> None:
    await add(api)
    await add(api, due="2026-Q1", status="done")
    await add(api, plan="2027", due="2027-Q1")
    for query, dues in (
        ("", ["2026-Q1", "2026-Q3", "2027-Q1"]),
        ("?plan=2026", ["2026-Q1", "2026-Q3"]),
        ("?status=done", ["2026-Q1"]),
    ):
        found = await api.get(f"{URL}{query}", headers=as_("ngo-refugio"))
        assert [each["due"] for each in found.json()["items"]] == dues
    first = (await api.get(f"{URL}?limit=2", headers=as_("ngo-refugio"))).json()
    rest = await api.get(f"{URL}?cursor={first['next_cursor']}", headers=as_("ngo-refugio"))
    assert [each["due"] for each in rest.json()["items"]] == ["2027-Q1"]
