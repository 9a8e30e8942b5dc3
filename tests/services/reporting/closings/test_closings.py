"""A period's programmes are closed in one call, signed off in one call, and published by a worker."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from common.auth import Principal, Role
from common.db.session import Database
from httpx import ASGITransport, AsyncClient, Response
from reporting.app import create_app
from reporting.ground.programmes.catalogue import Catalogue, load
from reporting.protect.closings import closing_tasks
from reporting.protect.closings.closing_tasks import Means, one
from reporting.protect.releases import service as releases
from reporting.recording.service import Recorder
from reporting.settings import Settings

from tests.services.reporting.conftest import AUDIENCE
from tests.services.reporting.events import LEGAL, SALUD, caseload, record_together
from tests.support.apps import with_built_routes
from tests.support.principals import bearer, keyed
from tests.support.rights import told

URL = "/reports/v1/closings"
PERIOD = "2026-10a"
OF_HALF_MONTHS = {"referrals", "unmet-needs", "gaps"}


def as_(client: str) -> dict[str, str]:
    """Return a caller; `another-im` is a second person with the same role as the first."""
    if client == "another-im":
        return keyed(bearer("im-officer", audience=AUDIENCE, sub=client))
    return keyed(bearer(client, audience=AUDIENCE))


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load(None)


@pytest.fixture
async def people(database: Database, recorder: Recorder) -> None:
    await record_together(database, recorder, list(caseload(persons=120, seed=7)))


class Worker:
    def __init__(self, database: Database, catalogue: Catalogue, settings: Settings) -> None:
        self._given = (database, Means(catalogue, settings.rounding_key_bytes, alone=False))

    async def step(self) -> bool:
        return await one(*self._given)

    async def all(self) -> int:
        steps = 0
        while await self.step():
            steps += 1
        return steps


@pytest.fixture
def worker(database: Database, catalogue: Catalogue, settings: Settings) -> Worker:
    return Worker(database, catalogue, settings)


async def ask(api: AsyncClient, client: str = "im-officer", **body: Any) -> Response:
    return await api.post(URL, json={"period": PERIOD, **body}, headers=as_(client))


async def look(api: AsyncClient, place: str, client: str = "im-officer") -> dict[str, Any]:
    found: dict[str, Any] = (await api.get(place, headers=as_(client))).json()
    return found


def states(closing: dict[str, Any]) -> dict[str, str]:
    return {each["programme"]: each["state"] for each in closing["steps"]}


async def closed(api: AsyncClient, worker: Worker) -> str:
    place: str = (await ask(api)).headers["location"]
    await worker.all()
    return place


async def signed(api: AsyncClient, place: str, *clients: str) -> None:
    for client in clients or ("ngo-refugio", "ngo-salud", "ngo-legal"):
        answer = await api.post(f"{place}/sign-offs", headers=as_(client))
        assert answer.status_code == 200, answer.text


@pytest.mark.usefixtures("people")
async def test_one_call_each_closes_signs_off_and_publishes_all_programmes_of_a_period(
    api: AsyncClient, worker: Worker
) -> None:
    asked = await ask(api)
    assert (asked.status_code, asked.json()["state"]) == (202, "closing")
    assert states(asked.json()) == dict.fromkeys(OF_HALF_MONTHS, "to_close")
    place = asked.headers["location"]
    assert await worker.step()
    half = await look(api, place)
    assert (half["done"]["closed"], half["state"]) == (1, "closing")
    await worker.all()
    assert (await look(api, place))["state"] == "awaiting_sign_offs"
    await signed(api, place)
    assert (await look(api, place))["state"] == "ready"
    published = await api.post(f"{place}/publications", headers=as_("another-im"))
    assert (published.status_code, published.json()["state"]) == (202, "publishing")
    await worker.all()
    whole = await look(api, place)
    assert whole["state"] == "published"
    assert whole["done"] == {"programmes": 3, "closed": 3, "signed_off": 3, "published": 3}
    for each in whole["steps"]:
        url = f"/reports/v1/releases/{each['release_id']}"
        assert (await api.get(url, headers=as_("anonymous"))).json()["status"] == "published"


@pytest.mark.usefixtures("people")
async def test_nothing_is_published_in_the_name_of_somebody_suspended_since(
    api: AsyncClient, worker: Worker
) -> None:
    place = await closed(api, worker)
    await signed(api, place)
    assert (await api.post(f"{place}/publications", headers=as_("another-im"))).is_success
    await told(api, "reporting", suspended={"subject": ["another-im"]})
    await worker.all()
    refused = await look(api, place)
    assert set(states(refused).values()) == {"not_published"}
    assert {each["problem"]["code"] for each in refused["steps"]} == {"rights_ended"}
    await told(api, "reporting")  # The refused publications do not run later.
    assert await worker.all() == 0
    await api.post(f"{place}/publications", headers=as_("another-im"))
    await worker.all()
    assert (await look(api, place))["state"] == "published"


async def test_one_programme_that_fails_undoes_no_other(
    api: AsyncClient, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = releases.close

    async def close(session: Any, principal: Any, order: releases.Order, key: bytes) -> Any:
        made = await right(session, principal, order, key)
        if order.programme.id == "unmet-needs":
            raise RuntimeError("after it has written")
        return made

    monkeypatch.setattr(releases, "close", close)
    monkeypatch.setattr(closing_tasks, "STEPS", replace(closing_tasks.STEPS, pause=timedelta(0)))
    place = await closed(api, worker)
    whole = await look(api, place)
    assert states(whole) == {"referrals": "closed", "gaps": "closed", "unmet-needs": "not_closed"}
    assert whole["state"] == "needs_attention"
    failed = next(each for each in whole["steps"] if each["programme"] == "unmet-needs")
    assert (failed["problem"]["code"], failed["release_id"]) == ("step_failed", None)
    monkeypatch.setattr(releases, "close", right)
    await closed(api, worker)
    assert set(states(await look(api, place)).values()) == {"closed"}


@pytest.mark.usefixtures("people")
async def test_what_lacks_a_sign_off_stays_a_draft_and_hinders_no_other(
    api: AsyncClient, worker: Worker
) -> None:
    place = await closed(api, worker)
    await signed(api, place, "ngo-refugio", "ngo-salud")
    await api.post(f"{place}/publications", headers=as_("another-im"))
    await worker.all()
    whole = await look(api, place)
    assert states(whole) == {
        "referrals": "not_published",
        "unmet-needs": "not_published",
        "gaps": "published",
    }
    problem = whole["steps"][0]["problem"] or whole["steps"][1]["problem"]
    assert (problem["code"], problem["organisations"]) == ("sign_off_missing", [str(LEGAL)])
    # A contributor must not learn which other organisations recorded a person in this period.
    for step in (await look(api, place, "ngo-salud"))["steps"]:
        assert step["problem"] is None
        assert {each["organisation_id"] for each in step["contributors"] or ()} <= {str(SALUD)}
    await signed(api, place, "ngo-legal")
    await api.post(f"{place}/publications", headers=as_("another-im"))
    await worker.all()
    assert (await look(api, place))["state"] == "published"


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("source", ["by the operator", "by the restore"])
async def test_what_a_lost_machine_may_have_published_is_closed_by_nobody_unseen(
    database: Database, catalogue: Catalogue, settings: Settings, tmp_path: Path, source: str
) -> None:
    """The backup may lack the publication, so nobody may close the period without knowing that. Another rounding would
    give a second table about the same people."""
    file = tmp_path / "record-lost-until"
    day = date(2026, 10, 20)
    if source == "by the restore":
        file.write_text(day.isoformat())
        day = date(2026, 1, 1)
    lost = settings.model_copy(update={"record_lost_until": day, "record_lost_file": file})
    means = Means(catalogue, settings.rounding_key_bytes, False, lost.lost_until())
    transport = ASGITransport(with_built_routes(create_app(lost, database=database)))
    async with AsyncClient(transport=transport, base_url="http://reporting") as api:
        place = (await ask(api)).headers["location"]
        while await one(database, means):
            pass
        for step in (await look(api, place))["steps"]:
            assert (step["problem"] or {}).get("code") == "period_maybe_published"
        body = {"programme": "referrals", "period": PERIOD}
        url, im = "/reports/v1/releases", as_("im-officer")
        refused = await api.post(url, json=body, headers=im)
        assert (refused.status_code, refused.json()["code"]) == (409, "period_maybe_published")
        later = await api.post(url, json={**body, "period": "2026-10b"}, headers=as_("im-officer"))
        assert later.status_code == 201, "it had not ended then"
        seen = await api.post(url, json={**body, "never_closed": True}, headers=as_("im-officer"))
        assert seen.status_code == 201, seen.text


async def test_a_period_has_one_closing_however_often_it_is_asked_for(
    api: AsyncClient, worker: Worker
) -> None:
    first = await ask(api, programmes=["referrals"])
    assert states(first.json()) == {"referrals": "to_close"}
    again = await ask(api, programmes=["referrals"])
    assert again.headers["location"] == first.headers["location"]
    assert await worker.all() == 1
    whole = await ask(api)
    assert whole.headers["location"] == first.headers["location"]
    assert states(whole.json()) == {
        "referrals": "closed",
        "unmet-needs": "to_close",
        "gaps": "to_close",
    }
    assert await worker.all() == 2
    listed = await look(api, f"{URL}?period={PERIOD}")
    assert [each["id"] for each in listed["items"]] == [first.json()["id"]]


async def test_what_was_closed_and_published_singly_meanwhile_is_done(
    api: AsyncClient, worker: Worker
) -> None:
    place = (await ask(api)).headers["location"]
    singly = await api.post(
        "/reports/v1/releases",
        json={"programme": "referrals", "period": PERIOD},
        headers=as_("im-officer"),
    )
    release = f"/reports/v1/releases/{singly.json()['id']}"
    await worker.all()
    assert set(states(await look(api, place)).values()) == {"closed"}
    await api.post(f"{place}/publications", headers=as_("another-im"))
    assert (await api.post(f"{release}/publish", headers=as_("another-im"))).status_code == 200
    await worker.all()
    whole = await look(api, place)
    assert whole["state"] == "published"
    again = await api.post(f"{place}/publications", headers=as_("another-im"))
    assert (again.status_code, again.json()["state"]) == (202, "published")
    assert await worker.all() == 0


@pytest.mark.usefixtures("people")
async def test_nobody_agrees_or_publishes_before_all_is_closed(
    api: AsyncClient, worker: Worker
) -> None:
    place = (await ask(api)).headers["location"]
    await worker.step()
    for path, client in (("sign-offs", "ngo-salud"), ("publications", "im-officer")):
        answer = await api.post(f"{place}/{path}", headers=as_(client))
        assert (answer.status_code, answer.json()["code"]) == (409, "closing_at_work")


@pytest.mark.usefixtures("people")
async def test_others_see_only_the_steps_whose_release_they_may_see(
    api: AsyncClient, worker: Worker
) -> None:
    place = await closed(api, worker)
    assert set(states(await look(api, place, "ngo-salud"))) == {"referrals", "unmet-needs"}
    assert states(await look(api, place, "gbv-coordinator")) == {}
    answer = await api.get(place, headers=as_("anonymous"))
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({"period": "2026-10"}, 422, "invalid", "/period"),
        ({"period": "2026-13a"}, 422, "invalid", "/period"),
        ({"period": "2926-10a"}, 409, "period_not_ended", None),
        ({"programmes": ["referrals", "nothing"]}, 422, "invalid", "/programmes/1"),
        ({"programmes": ["trafficking"]}, 422, "invalid", "/programmes/0"),
        ({"programmes": ["gaps", "gaps"]}, 422, "invalid", "/programmes/1"),
        ({"programmes": []}, 422, "invalid", "/programmes"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_leaves_nothing(
    *, api: AsyncClient, body: dict[str, Any], status: int, code: str, pointer: str | None
) -> None:
    answer = await ask(api, **body)
    given = answer.json()
    assert (answer.status_code, given["code"], given.get("pointer")) == (status, code, pointer)
    assert (await look(api, URL))["items"] == []


async def test_roles_are_those_of_single_releases(api: AsyncClient, worker: Worker) -> None:
    for client in ("ngo-refugio", "gbv-coordinator", "auditor"):
        assert (await ask(api, client)).status_code == 403
    place = await closed(api, worker)
    for client in ("ngo-refugio", "gbv-coordinator", "auditor"):
        answer = await api.post(f"{place}/publications", headers=as_(client))
        assert answer.status_code == 403
    # No organisation contributed, so none has to sign off.
    answer = await api.post(f"{place}/sign-offs", headers=as_("ngo-refugio"))
    assert answer.status_code == 404
    answer = await api.post(f"{place}/sign-offs", headers=as_("im-officer"))
    assert answer.status_code == 403


async def test_the_release_names_who_asked_for_it(
    api: AsyncClient, database: Database, worker: Worker
) -> None:
    await closed(api, worker)
    async with database.transaction(Principal("x", "x", roles=frozenset({Role.IM}))) as session:
        from reporting.protect.releases.models import releases as table

        names = set(await session.scalars(table.select().with_only_columns(table.c.closed_by)))
    assert names == {"im-officer"}


@pytest.mark.usefixtures("people")
async def test_whoever_closed_alone_publishes_only_what_a_contributor_signed(
    api: AsyncClient, worker: Worker
) -> None:
    place = await closed(api, worker)
    assert (await look(api, place))["possible_steps"] == []
    assert (await look(api, place, "ngo-refugio"))["possible_steps"] == ["sign_off"]
    await signed(api, place)
    assert (await look(api, place, "ngo-refugio"))["possible_steps"] == []
    assert (await look(api, place))["possible_steps"] == ["publish"]
    await api.post(f"{place}/publications", headers=as_("im-officer"))
    await worker.all()
    whole = await look(api, place)
    assert states(whole) == {
        "referrals": "published",
        "unmet-needs": "published",
        "gaps": "not_published",
    }
    alone = next(each for each in whole["steps"] if each["programme"] == "gaps")
    assert alone["problem"]["code"] == "second_person_needed"
    assert whole["possible_steps"] == []
    assert (await look(api, place, "another-im"))["possible_steps"] == ["publish"]
    await api.post(f"{place}/publications", headers=as_("another-im"))
    await worker.all()
    assert (await look(api, place))["state"] == "published"


async def test_closings_are_paged_newest_period_first(api: AsyncClient) -> None:
    for period in ("2026-09a", "2026-10a", "2026-09b"):
        assert (await ask(api, period=period)).status_code == 202
    seen: list[str] = []
    page = await look(api, f"{URL}?limit=1")
    while True:
        seen += [each["period"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        page = await look(api, f"{URL}?limit=1&cursor={page['next_cursor']}")
    assert seen == ["2026-10a", "2026-09b", "2026-09a"]
    forged = await api.get(f"{URL}?cursor=AAAA", headers=as_("im-officer"))
    assert (forged.status_code, forged.json()["code"]) == (400, "bad_cursor")
