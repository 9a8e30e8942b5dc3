"""A release from events to the public: it is closed, signed off, published and read."""

from typing import Any

import pytest
from common.db.session import Database
from httpx import AsyncClient
from reporting.recording.service import Recorder

from tests.services.reporting.conftest import AUDIENCE
from tests.services.reporting.events import LEGAL, REFUGIO, SALUD, caseload, record_together
from tests.support.principals import bearer, keyed

PERIOD = {"programme": "referrals", "period": "2026-10a"}


def as_(client: str, **changes: object) -> dict[str, str]:
    return keyed(bearer(client, audience=AUDIENCE, **changes))


@pytest.fixture
async def closed(api: AsyncClient, database: Database, recorder: Recorder) -> dict[str, Any]:
    await record_together(database, recorder, list(caseload(persons=400, seed=7)))
    answer = await api.post("/reports/v1/releases", json=PERIOD, headers=as_("im-officer"))
    assert answer.status_code == 201, answer.text
    closed: dict[str, Any] = answer.json()
    return closed


async def published(api: AsyncClient, release: dict[str, Any]) -> str:
    url = f"/reports/v1/releases/{release['id']}"
    for client in ("ngo-refugio", "ngo-salud", "ngo-legal"):
        assert (await api.post(f"{url}/sign-offs", headers=as_(client))).status_code == 200
    answer = await api.post(f"{url}/publish", headers=as_("im-officer"))
    assert answer.json()["status"] == "published", answer.text
    return url


async def test_every_published_number_is_a_multiple_of_k_and_margins_add_up(
    api: AsyncClient, closed: dict[str, Any]
) -> None:
    url = await published(api, closed)
    asked = f"{url}/query?tier=internal&by=area,sex,age_band"
    fine = (await api.get(asked, headers=as_("im-officer"))).json()
    assert fine["rows"], "four hundred persons leave something to show"
    assert all(row["count"] % 11 == 0 for row in fine["rows"])
    assert sum(row["count"] for row in fine["rows"]) == fine["total"]
    asked = f"{url}/query?tier=internal&by=sex&area=VE23"
    by_sex = (await api.get(asked, headers=as_("im-officer"))).json()
    assert by_sex["total"] == sum(
        row["count"] for row in fine["rows"] if row["at"]["area"] == "VE23"
    )
    assert abs(fine["total"] - 400) < 80


async def test_a_draft_is_invisible_to_the_public_and_to_those_who_contribute_nothing(
    api: AsyncClient, closed: dict[str, Any]
) -> None:
    url = f"/reports/v1/releases/{closed['id']}"
    for client in ("anonymous", "gbv-coordinator"):
        for path in (url, f"{url}/query"):
            assert (await api.get(path, headers=as_(client))).status_code == 404
        for asked in ("", "?status=draft"):
            listed = await api.get(f"/reports/v1/releases{asked}", headers=as_(client))
            assert listed.json()["items"] == []
    for status, many in (("draft", 1), ("published", 0)):
        listed = await api.get(f"/reports/v1/releases?status={status}", headers=as_("ngo-salud"))
        assert len(listed.json()["items"]) == many
    assert (await api.get(url, headers=as_("ngo-salud"))).status_code == 200


@pytest.mark.parametrize("client", ["im-officer", "ngo-salud"])
async def test_an_application_that_was_let_into_the_directory_only_sees_no_draft(
    api: AsyncClient, closed: dict[str, Any], client: str
) -> None:
    """The role and the organisation belong to the person. The scopes limit what the application may do for them."""
    narrow = as_(client, client_id="an-application", scope="directory:read")
    url = f"/reports/v1/releases/{closed['id']}"
    assert (await api.get("/reports/v1/releases", headers=narrow)).json()["items"] == []
    for path in (url, f"{url}/query"):
        assert (await api.get(path, headers=narrow)).status_code == 404
    assert (await api.get(url, headers=as_(client))).status_code == 200


async def test_a_contributor_is_not_told_who_else_recorded_somebody(
    api: AsyncClient, closed: dict[str, Any]
) -> None:
    """A contributor does not learn who else recorded somebody. A request to sign reveals that the organisation recorded
    somebody in that period, perhaps only one person."""
    headers = as_("ngo-salud")
    url = f"/reports/v1/releases/{closed['id']}"
    one = (await api.get(url, headers=headers)).json()
    listed = (await api.get("/reports/v1/releases", headers=headers)).json()["items"][0]
    signed = (await api.post(f"{url}/sign-offs", headers=headers)).json()
    for shown in (one, listed, signed):
        assert [each["organisation_id"] for each in shown["contributors"]] == [str(SALUD)]
    whole = (await api.get(url, headers=as_("im-officer"))).json()
    assert len(whole["contributors"]) == 3


async def possible(api: AsyncClient, url: str, client: str, **who: str) -> list[str]:
    steps: list[str] = (await api.get(url, headers=as_(client, **who))).json()["possible_steps"]
    return steps


async def test_each_step_is_offered_to_those_who_may_take_it(
    api: AsyncClient, closed: dict[str, Any]
) -> None:
    url = f"/reports/v1/releases/{closed['id']}"
    assert await possible(api, url, "im-officer") == ["waive"]
    for client in ("ngo-refugio", "ngo-salud", "ngo-legal"):
        assert await possible(api, url, client) == ["sign_off"]
        assert (await api.post(f"{url}/sign-offs", headers=as_(client))).status_code == 200
        assert await possible(api, url, client) == []
    assert await possible(api, url, "im-officer") == ["publish"]
    assert (await api.post(f"{url}/publish", headers=as_("im-officer"))).status_code == 200
    reason = {"reason": {"es": "Un error.", "en": "A mistake."}}
    for client, steps in (("im-officer", ["withdraw"]), ("anonymous", []), ("ngo-refugio", [])):
        assert await possible(api, url, client) == steps
    asked = await api.post(f"{url}/withdrawal", json=reason, headers=as_("gbv-coordinator"))
    assert asked.status_code == 200
    assert await possible(api, url, "gbv-coordinator") == ["withdraw"]
    assert await possible(api, url, "im-officer") == ["withdraw", "agree"]
    agreed = await api.post(f"{url}/withdrawal/agreement", headers=as_("im-officer"))
    assert agreed.status_code == 200
    assert await possible(api, url, "im-officer") == []


async def test_publication_waits_for_every_contributor_or_a_waiver_with_a_reason(
    api: AsyncClient, closed: dict[str, Any]
) -> None:
    url = f"/reports/v1/releases/{closed['id']}"
    names = {each["organisation_id"] for each in closed["contributors"]}
    assert names == {str(REFUGIO), str(SALUD), str(LEGAL)}
    refused = await api.post(f"{url}/publish", headers=as_("im-officer"))
    assert refused.status_code == 409
    assert refused.json()["code"] == "sign_off_missing"
    for client in ("ngo-refugio", "ngo-salud-supervisor"):
        assert (await api.post(f"{url}/sign-offs", headers=as_(client))).status_code == 200
    waiver = {"organisation_id": str(LEGAL), "reason": "no answer in ten days"}
    assert (
        await api.post(f"{url}/waivers", json=waiver, headers=as_("im-officer"))
    ).status_code == 200
    assert (await api.post(f"{url}/publish", headers=as_("im-officer"))).status_code == 200
    again = await api.post(f"{url}/publish", headers=as_("im-officer"))
    assert again.json()["code"] == "already_published"


async def test_a_release_that_one_person_closed_signed_off_and_waived_waits_for_another(
    api: AsyncClient, closed: dict[str, Any]
) -> None:
    url = f"/reports/v1/releases/{closed['id']}"
    by_the_same = as_("ngo-refugio", sub="im-officer")
    assert (await api.post(f"{url}/sign-offs", headers=by_the_same)).status_code == 200
    for each in (SALUD, LEGAL):
        waiver = {"organisation_id": str(each), "reason": "no answer in ten days"}
        waived = await api.post(f"{url}/waivers", json=waiver, headers=as_("im-officer"))
        assert waived.status_code == 200
    alone = await api.post(f"{url}/publish", headers=as_("im-officer"))
    assert alone.status_code == 403, alone.text
    assert alone.json()["code"] == "second_person_needed"
    assert alone.json()["detail"].startswith("Only you")
    assert await possible(api, url, "im-officer") == []
    assert await possible(api, url, "im-officer", sub="somebody else") == ["publish"]


async def test_a_closed_period_is_never_rounded_again(
    api: AsyncClient, closed: dict[str, Any]
) -> None:
    again = await api.post("/reports/v1/releases", json=PERIOD, headers=as_("im-officer"))
    assert again.status_code == 409
    assert again.json()["code"] == "period_closed"
    assert again.json()["release_id"] == closed["id"]


async def test_a_question_outside_the_programme_is_refused_with_what_is_allowed(
    api: AsyncClient, closed: dict[str, Any]
) -> None:
    url = await published(api, closed)
    for query, allowed in (
        ("by=name", "area"),
        ("by=area,area", "sex"),
        ("area=VE99", "VE23"),
        ("nationality=VE", "age_band"),
        ("age_band=children,babies", "60+"),
    ):
        answer = await api.get(f"{url}/query?{query}", headers=as_("anonymous"))
        assert answer.status_code == 422, query
        assert allowed in answer.json()["allowed"]
    unknown = await api.get(f"{url}/query?from=2026-10a", headers=as_("anonymous"))
    assert unknown.json()["code"] == "unknown_parameter", "of several periods, not of this one"
    named = "from: no such parameter; known: age_band, "
    assert unknown.json()["detail"].startswith(named), unknown.text


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"programme": "referrals", "period": "2026-10"}, 422, "invalid"),
        ({"programme": "referrals", "period": "2026-13a"}, 422, "invalid"),
        ({"programme": "nothing", "period": "2026-10a"}, 422, "invalid"),
        ({"programme": "referrals", "period": "2926-10a"}, 409, "period_not_ended"),
        ({"programme": "referrals", "period": "2026-10a", "k": 3}, 422, "invalid"),
        ({"programme": "referrals\x00", "period": "2026-10a"}, 422, "invalid"),
    ],
)
async def test_a_closing_that_makes_no_sense_is_refused_and_changes_nothing(
    api: AsyncClient, body: dict[str, Any], status: int, code: str
) -> None:
    answer = await api.post("/reports/v1/releases", json=body, headers=as_("im-officer"))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await api.get("/reports/v1/releases", headers=as_("im-officer"))).json()["items"] == []


@pytest.mark.parametrize("client", ["ngo-refugio", "gbv-coordinator", "auditor", "health-cluster"])
async def test_only_the_im_role_closes_and_publishes(api: AsyncClient, client: str) -> None:
    answer = await api.post("/reports/v1/releases", json=PERIOD, headers=as_(client))
    assert answer.status_code == 403


async def test_an_empty_period_closes_as_an_empty_release(api: AsyncClient) -> None:
    answer = await api.post("/reports/v1/releases", json=PERIOD, headers=as_("im-officer"))
    url = f"/reports/v1/releases/{answer.json()['id']}"
    alone = await api.post(f"{url}/publish", headers=as_("im-officer"))
    assert (alone.status_code, alone.json()["code"]) == (403, "second_person_needed")
    second = as_("im-officer", sub="somebody else")
    assert (await api.post(f"{url}/publish", headers=second)).status_code == 200
    given = (await api.get(f"{url}/query?by=area", headers=as_("anonymous"))).json()
    assert (given["total"], given["rows"]) == (0, [])
    assert given["share_absent_because"]
