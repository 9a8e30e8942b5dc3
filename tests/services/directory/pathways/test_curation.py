"""Drafts, review, publication and versions of pathways, through the API."""

from typing import Any

import pytest
import sqlalchemy as sa
from common.db.session import Database
from directory.pathways.versions.models import pathway_versions
from directory.tables import COMMON
from httpx import AsyncClient, Response
from sqlalchemy.exc import IntegrityError

from tests.services.directory.conftest import as_

V1 = "/directory/v1/pathways"
TEXT = {"es": "Texto", "en": "Text"}


def body(aor: str = "GBV", area: str = "VE23", **changes: Any) -> dict[str, Any]:
    return {
        "aor": aor,
        "area": area,
        "title": TEXT,
        "steps": [
            {"key": "safety", "need": "HOT", "safety": True, "urgency": "at_once"},
            {"key": "care", "need": "GBV-CMR", "urgency": "at_once", "window_hours": 72},
            {"key": "cash", "need": "CVA", "after": ["care"]},
        ],
        **changes,
    }


async def drafted(api: AsyncClient, who: str = "gbv-coordinator", **changes: Any) -> Response:
    return await api.post(V1, json=body(**changes), headers=as_(who))


async def act(
    api: AsyncClient, made: Response, step: str, who: str = "gbv-coordinator"
) -> Response:
    headers = {**as_(who), "If-Match": made.headers["ETag"]}
    given = {"because": "Falta la línea"} if step == "return" else None
    return await api.post(f"{V1}/{made.json()['pathway_id']}/{step}", json=given, headers=headers)


async def published(api: AsyncClient, **changes: Any) -> Response:
    made = await drafted(api, **changes)
    assert made.status_code == 201, made.text
    submitted = await act(api, made, "submit", "im-officer")
    assert submitted.status_code == 200, submitted.text
    answer = await act(api, submitted, "publish")
    assert answer.status_code == 200, answer.text
    return answer


async def test_a_pathway_goes_from_draft_over_review_to_published(api: AsyncClient) -> None:
    made = await drafted(api)
    assert (made.json()["number"], made.json()["state"]) == (1, "draft")
    pathway_id = made.json()["pathway_id"]
    assert (await api.get(f"{V1}/{pathway_id}", headers=as_("anonymous"))).status_code == 404
    early = await act(api, made, "publish")
    assert (early.status_code, early.json()["code"]) == (409, "pathway_state")
    submitted = await act(api, made, "submit", "im-officer")
    answer = await act(api, submitted, "publish")
    assert answer.json()["state"] == "published"
    seen = await api.get(f"{V1}/{pathway_id}", headers=as_("anonymous"))
    assert [step["key"] for step in seen.json()["effective"]["steps"]] == ["safety", "care", "cash"]


async def test_who_wrote_a_pathway_is_for_those_who_draft_with_them(api: AsyncClient) -> None:
    own = f"{V1}/{(await published(api)).json()['pathway_id']}"
    for path in (own, f"{own}/versions", f"{own}/versions/1"):
        told = {}
        for who in ("anonymous", "ngo-salud", "cp-coordinator", "im-officer"):
            answer = await api.get(path, headers=as_(who))
            assert answer.status_code == 200, (path, who)
            told[who] = "gbv-coordinator" in answer.text
        assert [who for who in told if told[who]] == ["im-officer"], path


async def test_whoever_submitted_a_pathway_does_not_publish_it(api: AsyncClient) -> None:
    submitted = await act(api, await drafted(api), "submit")
    refused = await act(api, submitted, "publish")
    assert (refused.status_code, refused.json()["code"]) == (403, "second_person_needed")
    headers = {**as_("gbv-coordinator", sub="somebody else"), "If-Match": submitted.headers["ETag"]}
    url = f"{V1}/{submitted.json()['pathway_id']}/publish"
    assert (await api.post(url, headers=headers)).status_code == 200


async def test_an_operation_of_one_person_says_so(api: AsyncClient, alone: None) -> None:
    submitted = await act(api, await drafted(api), "submit")
    path = f"{V1}/{submitted.json()['pathway_id']}/draft"
    read = await api.get(path, headers=as_("gbv-coordinator"))
    assert read.json()["possible_steps"] == ["return", "publish"]
    assert (await act(api, submitted, "publish")).status_code == 200


async def test_a_version_names_what_its_reader_can_do_and_each_step_asks_the_same(
    api: AsyncClient,
) -> None:
    """The API accepts every step that it offers, and refuses every other step."""
    made = await drafted(api, who="im-officer")
    path = f"{V1}/{made.json()['pathway_id']}"
    readers = {
        "im": as_("im-officer"),
        "coordinator": as_("gbv-coordinator"),
        "elsewhere": as_("gbv-coordinator", areas=["VE20"]),
        "no scope": as_("gbv-coordinator", scope="directory:read"),
    }

    async def named(state: str, who: str) -> list[str]:
        answer = await api.get(path + state, headers=readers[who])
        return list(answer.json().get("possible_steps") or [])

    told = {who: await named("/draft", who) for who in readers}
    assert told == {
        "im": ["draft", "submit"],
        "coordinator": ["draft", "submit"],
        "elsewhere": [],
        "no scope": [],
    }
    submitted = await act(api, made, "submit", "gbv-coordinator")
    told = {who: await named("/draft", who) for who in readers}
    assert told == {"im": [], "coordinator": ["return"], "elsewhere": [], "no scope": []}
    for who, reader in readers.items():
        headers = {**reader, "If-Match": submitted.headers["ETag"]}
        for step in {"submit", "publish"} - set(told[who]):
            refused = await api.post(f"{path}/{step}", headers=headers)
            assert refused.status_code in (403, 409), (who, step)
    readers["second"] = as_("gbv-coordinator", sub="somebody else")
    assert await named("/draft", "second") == ["return", "publish"]
    headers = {**readers["second"], "If-Match": submitted.headers["ETag"]}
    assert (await api.post(f"{path}/publish", headers=headers)).status_code == 200
    told = {who: await named("", who) for who in readers}
    assert [who for who in told if told[who] == ["draft"]] == ["im", "coordinator", "second"]
    assert (await api.get(path, headers=as_("anonymous"))).json()["possible_steps"] == []


async def test_a_returned_version_goes_back_to_its_writer_with_the_reason(api: AsyncClient) -> None:
    submitted = await act(api, await drafted(api, who="im-officer"), "submit", "im-officer")
    returned = await act(api, submitted, "return")
    assert (returned.json()["state"], returned.json()["returned_because"]) == (
        "returned",
        "Falta la línea",
    )
    again = await act(api, returned, "submit", "im-officer")
    assert again.json()["state"] == "submitted"


@pytest.mark.parametrize(
    ("who", "status"),
    [("anonymous", 401), ("ngo-refugio", 403), ("health-cluster", 403), ("cp-coordinator", 403)],
)
async def test_only_the_aor_drafts_its_pathway(api: AsyncClient, who: str, status: int) -> None:
    assert (await drafted(api, who)).status_code == status


async def test_only_the_aors_coordinator_publishes(api: AsyncClient) -> None:
    submitted = await act(api, await drafted(api), "submit")
    for who in ("im-officer", "cp-coordinator", "ngo-refugio"):
        assert (await act(api, submitted, "publish", who)).status_code in (403, 404)


async def test_a_mandate_for_one_state_ends_at_its_border(api: AsyncClient) -> None:
    zulia = as_("gbv-coordinator", areas=["VE23"])
    assert (await api.post(V1, json=body(area="VE20"), headers=zulia)).status_code == 403
    assert (await api.post(V1, json=body(area="VE2313"), headers=zulia)).status_code == 201


async def test_an_invalid_draft_is_kept_but_cannot_be_submitted(api: AsyncClient) -> None:
    ring = body()
    ring["steps"][1]["after"] = ["cash"]
    made = await api.post(V1, json=ring, headers=as_("gbv-coordinator"))
    assert made.json()["findings"][0]["code"] == "cycle"
    refused = await act(api, made, "submit")
    assert refused.status_code == 422
    assert refused.json()["steps"] == ["care"]
    assert refused.json()["pointer"] == "/steps/1/after"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"steps": [{"key": "A b", "need": "HOT"}]}, "/steps/0/key"),
        ({"steps": [{"key": "a", "need": "HOT", "urgency": "soon"}]}, "/steps/0/urgency"),
        ({"steps": [{"key": "a", "need": "HOT", "condition": {"minimum_age": -1}}]},
         "/steps/0/condition/minimum_age"),
        ({"title": {"es": "Solo español"}}, "/title/en"),
        ({"colour": "red"}, "/colour"),
        ({"area": "VE9999"}, "/area"),
        ({"aor": "WASH"}, "/aor"),
    ],
)  # fmt: skip
async def test_a_malformed_body_is_refused_with_a_pointer(
    api: AsyncClient, change: dict[str, Any], pointer: str
) -> None:
    answer = await api.post(V1, json=body(**change), headers=as_("gbv-coordinator"))
    assert answer.status_code == 422
    assert answer.json()["pointer"] == pointer


async def test_two_editors_do_not_overwrite_each_other(api: AsyncClient) -> None:
    made = await drafted(api)
    url = f"{V1}/{made.json()['pathway_id']}/draft"
    headers = as_("gbv-coordinator")
    assert (await api.put(url, json=body(), headers=headers)).status_code == 428
    first = await api.put(url, json=body(), headers={**headers, "If-Match": made.headers["ETag"]})
    assert first.status_code == 200
    late = await api.put(url, json=body(), headers={**headers, "If-Match": made.headers["ETag"]})
    assert late.status_code == 412


async def test_an_area_has_one_pathway_per_aor(api: AsyncClient) -> None:
    await drafted(api)
    again = await drafted(api)
    assert (again.status_code, again.json()["code"]) == (409, "pathway_exists")


async def test_a_published_version_never_changes(api: AsyncClient, database: Database) -> None:
    done = await published(api)
    async with database.transaction() as session:
        with pytest.raises(IntegrityError, match="stays as it is"):
            async with session.begin_nested():
                await session.execute(
                    sa.update(pathway_versions)
                    .where(
                        pathway_versions.c.pathway_id == sa.text(f"'{done.json()['pathway_id']}'")
                    )
                    .values(body={"tampered": True})
                )


async def test_a_difference_between_versions_names_steps_and_fields(api: AsyncClient) -> None:
    done = await published(api)
    pathway_id = done.json()["pathway_id"]
    newer = body()
    newer["steps"][2] = {"key": "legal", "need": "GBV-LEGAL", "after": ["care"]}
    newer["steps"][1]["urgency"] = "within_24_hours"
    draft = await api.put(f"{V1}/{pathway_id}/draft", json=newer, headers=as_("gbv-coordinator"))
    assert draft.json()["number"] == 2
    url = f"{V1}/{pathway_id}/diff"
    hidden = await api.get(url, params={"old": 1, "new": 2}, headers=as_("anonymous"))
    assert hidden.status_code == 404
    found = await api.get(url, params={"old": 1, "new": 2}, headers=as_("gbv-coordinator"))
    assert [(step["step"], step["kind"]) for step in found.json()["steps"]] == [
        ("care", "changed"),
        ("cash", "removed"),
        ("legal", "added"),
    ]


async def test_a_municipality_inherits_from_its_state_and_a_parent_cannot_break_its_heir(
    api: AsyncClient,
) -> None:
    state = await published(api)
    town = await published(
        api,
        area="VE2313",
        steps=[{"key": "legal", "need": "GBV-LEGAL", "after": ["care"]}],
        omits=["cash"],
    )
    seen = await api.get(f"{V1}/{town.json()['pathway_id']}", headers=as_("anonymous"))
    keys = [step["key"] for step in seen.json()["effective"]["steps"]]
    assert keys == ["safety", "care", "legal"]
    url = f"{V1}/{town.json()['pathway_id']}/draft"
    again = {**body(area="VE2313"), "steps": [], "omits": ["care"]}
    again["steps"] = [{"key": "legal", "need": "GBV-LEGAL"}]
    made = await api.put(url, json=again, headers=as_("gbv-coordinator"))
    assert made.status_code == 200, made.text
    read = await api.get(url, headers=as_("gbv-coordinator"))
    assert [step["key"] for step in read.json()["effective"]["steps"]] == [
        "safety",
        "cash",
        "legal",
    ]
    smaller = body()
    smaller["steps"] = smaller["steps"][:1]
    url = f"{V1}/{state.json()['pathway_id']}/draft"
    draft = await api.put(url, json=smaller, headers=as_("gbv-coordinator"))
    refused = await act(api, await act(api, draft, "submit", "im-officer"), "publish")
    assert refused.status_code == 409
    assert (refused.json()["area"], refused.json()["step"]) == ("VE2313", "legal")


async def test_findings_of_an_heir_point_into_what_was_written(api: AsyncClient) -> None:
    await published(api)
    made = await drafted(
        api, area="VE2313", steps=[{"key": "legal", "need": "NOPE", "after": ["nowhere"]}]
    )
    assert {(each["code"], each["pointer"]) for each in made.json()["findings"]} == {
        ("need_unknown", "/steps/0/need"),
        ("unreachable_step", "/steps/0/after/0"),
    }


async def test_the_published_pathway_is_the_one_that_resolve_uses(api: AsyncClient) -> None:
    await published(api)
    profile = {"area": "VE2313", "situations": ["sexual_violence"], "age": 30, "sex": "female"}
    answer = (await api.post(f"{V1}/resolve", json=profile, headers=as_("anonymous"))).json()
    assert [(each["aor"], each["version"], each["proposal"]) for each in answer["pathways"]] == [
        ("GBV", "VE23:1", False)
    ]
    assert [step["need"] for step in answer["steps"]] == ["HOT", "GBV-CMR", "CVA"]


async def test_the_list_shows_drafts_only_to_their_aor(api: AsyncClient) -> None:
    await published(api)
    await drafted(api, area="VE20")
    for who, areas in (("anonymous", ["VE23"]), ("cp-coordinator", ["VE23"]),
                       ("gbv-coordinator", ["VE20", "VE23"])):  # fmt: skip
        items = (await api.get(V1, headers=as_(who))).json()["items"]
        assert [item["area"] for item in items] == areas
    first = (await api.get(V1, params={"limit": 1}, headers=as_("gbv-coordinator"))).json()
    rest = await api.get(
        V1, params={"cursor": first["next_cursor"]}, headers=as_("gbv-coordinator")
    )
    assert [item["area"] for item in rest.json()["items"]] == ["VE23"]


async def test_proposals_can_be_read_and_taken_as_the_first_draft(api: AsyncClient) -> None:
    shipped = await api.get(f"{V1}/proposals", params={"area": "VE"}, headers=as_("anonymous"))
    assert [each["aor"] for each in shipped.json()["items"]] == ["CP", "GBV", "TIP", "GP"]
    assert all(each["pathway"]["proposal"] for each in shipped.json()["items"])
    made = await api.post(
        f"{V1}/proposals/TIP", json={"area": "VE20"}, headers=as_("tip-coordinator")
    )
    assert made.status_code == 201
    assert "proposal" not in made.json()["pathway"]
    answer = await act(api, await act(api, made, "submit", "im-officer"), "publish",
                       "tip-coordinator")  # fmt: skip
    assert answer.json()["state"] == "published"


async def test_a_simulated_draft_says_what_would_change_and_for_whom(api: AsyncClient) -> None:
    done = await published(api)
    pathway_id = done.json()["pathway_id"]
    newer = body()
    newer["steps"].append({"key": "space", "need": "GBV-WGSS", "condition": {"sexes": ["female"]}})
    newer["steps"][1]["urgency"] = "within_24_hours"
    await api.put(f"{V1}/{pathway_id}/draft", json=newer, headers=as_("gbv-coordinator"))
    woman = {"area": "VE2313", "situations": ["sexual_violence"], "sex": "female"}
    man = {**woman, "sex": "male"}
    elsewhere = {**woman, "area": "VE20"}
    url = f"{V1}/{pathway_id}/simulate"
    profiles = {"profiles": [woman, man, elsewhere]}
    answer = await api.post(url, json=profiles, headers=as_("gbv-coordinator"))
    found = answer.json()
    assert (found["affected"], found["published"], found["draft"]) == (2, "VE23:1", 2)
    assert [each["gained"] for each in found["items"]] == [["GBV-WGSS"], [], []]
    assert found["items"][1]["urgency"] == [
        {"need": "GBV-CMR", "before": "at_once", "after": "within_24_hours"}
    ]
    assert (await api.post(url, json=profiles, headers=as_("cp-coordinator"))).status_code == 404


async def test_a_set_of_profiles_is_kept_for_an_aor_and_every_draft_is_tried_with_it(
    api: AsyncClient,
) -> None:
    made = await drafted(api)
    woman = {"area": "VE2313", "situations": ["sexual_violence"], "sex": "female"}
    kept = {"aor": "GBV", "name": "Maracaibo", "profiles": [woman, {**woman, "sex": "male"}]}
    sets, her = f"{V1}/profile-sets", as_("gbv-coordinator")
    answer = await api.post(sets, json=kept, headers=her)
    assert answer.status_code == 201, answer.text
    assert answer.json()["profiles"] == kept["profiles"]
    listed = (await api.get(sets, headers=her)).json()["items"]
    assert [each["name"] for each in listed] == ["Maracaibo"]
    again = await api.post(sets, json=kept, headers=her)
    assert (again.status_code, again.json()["pointer"]) == (409, "/name")
    url, one = f"{V1}/{made.json()['pathway_id']}/simulate", {"profile_set": answer.json()["id"]}
    assert len((await api.post(url, json=one, headers=her)).json()["items"]) == 2
    for wrong in ({}, {**one, "profiles": [woman]}):
        assert (await api.post(url, json=wrong, headers=her)).status_code == 422, wrong
    other = as_("cp-coordinator")
    assert (await api.get(sets, headers=other)).json() == {"items": []}
    assert (await api.post(sets, json=kept, headers=other)).status_code == 403
    gone = f"{sets}/{answer.json()['id']}"
    assert (await api.delete(gone, headers=other)).status_code == 404
    assert (await api.delete(gone, headers=her)).status_code == 204
    assert (await api.post(url, json=one, headers=her)).json()["pointer"] == "/profile_set"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"profiles": []},
        {"profiles": [{"area": "VE2313", "name": "Zzyzx"}]},
        {"profiles": [{"area": "ZZ"}]},
        {"profiles": [{"area": "VE2313"}] * 51},
    ],
)
async def test_a_set_that_could_not_be_played_is_not_kept(
    api: AsyncClient, wrong: dict[str, Any]
) -> None:
    body = {"aor": "GBV", "name": "x", "profiles": [{"area": "VE2313"}], **wrong}
    answer = await api.post(f"{V1}/profile-sets", json=body, headers=as_("gbv-coordinator"))
    assert answer.status_code == 422
    assert "Zzyzx" not in answer.text
    listed = await api.get(f"{V1}/profile-sets", headers=as_("gbv-coordinator"))
    assert listed.json() == {"items": []}


async def test_publishing_tells_the_other_services_who_the_alternatives_are(
    api: AsyncClient, database: Database, publish: Any
) -> None:
    service_id = await publish(categories=["GBV-CMR"])
    hidden = await publish(categories=["GBV-CMR"], visibility="pathway")
    done = await published(api)
    path = f"{V1}/{done.json()['pathway_id']}/versions"
    (version,) = (await api.get(path, headers=as_("anonymous"))).json()
    assert (version["number"], version["state"]) == (1, "published")
    async with database.transaction() as session:
        event = (
            await session.execute(
                sa.select(COMMON.outbox).where(
                    COMMON.outbox.c.aggregateid == done.json()["pathway_id"]
                )
            )
        ).one()
    assert event.type == "ruta.directory.pathway.published.v1"
    care = next(step for step in event.payload["steps"] if step["step"] == "care")
    assert care["alternatives"] == [service_id]
    assert hidden not in str(event.payload)
