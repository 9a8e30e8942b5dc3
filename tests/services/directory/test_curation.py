"""Curation: history, verification and staleness, reminders, duplicates, merges and events."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from common import clock
from common.db.clock_looks import Dates
from common.db.session import Database
from common.events.directory import SightChanged
from common.events.referrals import ReferralData
from common.process.telemetry import Metrics
from directory.curation.consumers import on_declined
from directory.curation.sweep import mark_stale, remind, sweep
from directory.tables import CLOCK_LOOKS, COMMON
from httpx import AsyncClient

from tests.services.directory.conftest import V1, Publish, as_, ids_seen, service_document
from tests.support.principals import organisation


async def _events(database: Database, service_id: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the published events; restrictions have their own tests."""
    outbox = COMMON.outbox.c
    async with database.transaction() as session:
        rows = await session.execute(
            sa.select(outbox.type, outbox.payload)
            .where(
                outbox.aggregateid == service_id,
                outbox.type != SightChanged.SUBJECT,
            )
            .order_by(outbox.version)
        )
        return [(row.type.split(".", 2)[2], row.payload) for row in rows]


async def test_every_change_is_an_event_with_a_rising_version(
    api: AsyncClient, publish: Publish, database: Database
) -> None:
    own = await publish()
    await api.put(f"{V1}/services/{own}/capacity", json={"state": "full"}, headers=as_("ngo-salud"))
    await api.post(f"{V1}/records/services/{own}/withdraw", headers=as_("ngo-salud"))
    events = await _events(database, own)
    assert [name for name, _ in events] == [
        "service.published.v1", "service.changed.v1", "capacity.changed.v1",
        "service.withdrawn.v1",
    ]  # fmt: skip
    assert [data["version"] for _, data in events] == [1, 2, 3, 4]
    first = events[0][1]
    assert first["areas"] == ["VE2313"]
    assert first["referable"] is True
    assert first["endorsed_by"] == ["GBV"]
    assert events[-1][1]["referable"] is False


async def test_an_event_of_a_confidential_service_is_coarse(
    api: AsyncClient, publish: Publish, database: Database
) -> None:
    own = await publish(
        visibility="pathway",
        service_at_locations=[{"location": {"location_type": "physical", "pcode": "VE231301"}}],
    )
    ((_, data),) = await _events(database, own)
    assert data["areas"] == ["VE2313"]
    assert data["visibility"] == "pathway"


async def test_an_event_tells_who_sees_the_service_and_in_which_country_it_is(
    api: AsyncClient, publish: Publish, database: Database
) -> None:
    """An event contains the visibility and the country, because a copy needs both to hide the service as the directory
    does. A restricted service's event contains nothing else."""
    own = await publish(
        visibility="restricted",
        categories=["GBV-SHELTER"],
        phones=[],
        service_areas=[],
        service_at_locations=[{"location": {"location_type": "physical", "pcode": "VE231301"}}],
    )
    ((_, data),) = await _events(database, own)
    assert data["managed_by"] == str(organisation(5)), "who entered it"
    assert data["organisation_id"] == str(organisation(2))
    assert (data["states"], data["countries"]) == (["VE23"], ["VE"])
    assert data["areas"] == ["VE23"]


async def test_an_event_names_nobody(
    api: AsyncClient, publish: Publish, database: Database
) -> None:
    """Events outlive a service's public visibility, so they contain only ids and codes, even for public services."""
    own = await publish(visibility="public")
    seen = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
    ((_, data),) = await _events(database, own)
    assert data["organisation_id"] == seen["organization"]["id"]
    assert seen["organization"]["name"] not in str(data)
    assert seen["name"] not in str(data)


async def test_history_tells_who_when_old_and_new(api: AsyncClient, publish: Publish) -> None:
    own = await publish()
    record = f"{V1}/records/services/{own}"
    etag = (await api.get(record, headers=as_("ngo-salud"))).headers["etag"]
    await api.patch(
        record,
        json={"name": "Nuevo nombre", "fees": "gratis"},
        headers={**as_("gbv-coordinator"), "If-Match": etag},
    )
    items = (await api.get(f"{record}/history", headers=as_("ngo-salud"))).json()["items"]
    changed = {item["pointer"]: (item["old"], item["new"]) for item in items if item["pointer"]}
    assert changed == {
        "/name": ("Atención psicológica", "Nuevo nombre"),
        "/fees": (None, "gratis"),
    }
    assert {item["client_id"] for item in items} == {"gbv-coordinator"}
    assert (await api.get(f"{record}/history", headers=as_("ngo-legal"))).status_code == 404


async def test_a_stale_entry_is_unverified_and_not_referable_until_verified(
    api: AsyncClient, publish: Publish, database: Database
) -> None:
    today = clock.today()
    own = await publish(verification={"valid_until": (today + timedelta(days=3)).isoformat()})
    async with database.transaction() as session:
        assert await remind(session, 14) == 1
        assert await remind(session, 14) == 0
    listed = (await api.get(f"{V1}/records/reminders", headers=as_("ngo-salud"))).json()
    assert [item["service_id"] for item in listed["items"]] == [own]
    with clock.shifted(timedelta(days=5)):
        # Even before the sweep, no list offers it as referable.
        assert await ids_seen(api, "anonymous", referable="true") == []
        async with database.transaction() as session:
            assert await mark_stale(session) == 1
            assert await mark_stale(session) == 0
        shown = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
        assert shown["functional_status"]["code"] == "unknown"
        assert "referable" not in shown
        verified = await api.post(
            f"{V1}/records/services/{own}/verify", json={}, headers=as_("ngo-salud")
        )
        assert verified.status_code == 200, verified.text
        shown = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
        assert shown["referable"] is True
        assert shown["functional_status"]["code"] == "fully_functional"


@pytest.fixture
def dates(api: AsyncClient, database: Database) -> Dates:
    """Return the dates of a worker whose clock has agreed with the database for a long time."""
    return Dates(database, CLOCK_LOOKS, Metrics())


async def test_a_clock_that_was_ahead_for_a_minute_ends_nothing_that_it_does_not_undo(
    api: AsyncClient, publish: Publish, database: Database, dates: Dates
) -> None:
    """This test moves the clock itself, so the worker does not doubt the jump."""
    until = (clock.today() + timedelta(days=3)).isoformat()
    own = await publish(verification={"valid_until": until})
    before = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
    assert before["referable"] is True
    with clock.shifted(timedelta(days=5)):
        assert await sweep(database, dates, 14) == 1
        shown = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
        assert (shown.get("referable"), shown["functional_status"]["code"]) == (None, "unknown")
    assert await sweep(database, dates, 14) == 1
    assert await sweep(database, dates, 14) == 0
    after = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
    assert {**after, "last_modified": ""} == {**before, "last_modified": ""}
    assert await ids_seen(api, "anonymous", referable="true") == [own]
    told = [data["referable"] for _, data in await _events(database, own) if "referable" in data]
    assert told == [True, False, False, True, True]
    listed = (await api.get(f"{V1}/records/reminders", headers=as_("ngo-salud"))).json()["items"]
    assert [each["kind"] for each in listed] == ["verification_due"]


@pytest.mark.parametrize("step", [timedelta(days=30), timedelta(hours=-1)])
async def test_a_clock_in_doubt_ends_no_entry_for_three_days_and_reminds_nobody(
    api: AsyncClient, publish: Publish, database: Database, dates: Dates, step: timedelta
) -> None:
    today = clock.today()
    over = await publish(verification={"valid_until": (today + timedelta(days=1)).isoformat()})
    soon = await publish(verification={"valid_until": (today + timedelta(days=9)).isoformat()})

    async def looked(**changes: Any) -> int:
        async with database.transaction() as session:
            await session.execute(CLOCK_LOOKS.update().values(**changes))
        return await sweep(database, dates, 14)

    looks = CLOCK_LOOKS.c
    with clock.shifted(timedelta(days=2)):
        assert await looked(at=sa.func.now() - step) == 0
        # Later writes do not make the expiry visible any earlier.
        curator = as_("gbv-coordinator")
        ended = await api.delete(f"{V1}/endorsements/{over}/GBV", headers=curator)
        assert ended.status_code == 204, ended.text
        again = {"service_id": over, "aor": "GBV"}
        given = await api.post(f"{V1}/endorsements", json=again, headers=curator)
        assert given.status_code == 201, given.text
        shown = (await api.get(f"{V1}/services/{over}", headers=as_("anonymous"))).json()
        assert shown["functional_status"]["code"] == "fully_functional"
        assert await ids_seen(api, "anonymous", referable="true") == [
            soon
        ]  # The other service's date has passed, so it is not referable.
        assert await looked(believed_from=looks.believed_from - timedelta(days=3)) == 1
        shown = (await api.get(f"{V1}/services/{over}", headers=as_("anonymous"))).json()
        assert shown["functional_status"]["code"] == "unknown"


async def test_reminders_reach_the_owner_the_coordinator_and_whoever_reads_events(
    api: AsyncClient, publish: Publish, database: Database
) -> None:
    today = clock.today()
    soon = (today + timedelta(days=3)).isoformat()
    own = await publish(verification={"valid_until": soon})

    async def listed(client: str, of: str) -> list[tuple[str, str]]:
        answer = await api.get(f"{V1}/records/reminders?of={of}", headers=as_(client))
        assert answer.status_code == 200, answer.text
        return [(each["service_id"], each["kind"]) for each in answer.json()["items"]]

    async with database.transaction() as session:
        assert await remind(session, 14) == 1
    due = [(own, "verification_due")]
    assert await listed("ngo-salud", "own") == due
    assert await listed("gbv-coordinator", "own") == due  # This client entered it.
    assert await listed("ngo-legal", "own") == []
    assert await listed("gbv-coordinator", "curated") == due
    assert await listed("cp-coordinator", "curated") == []
    assert await listed("ngo-legal", "curated") == []
    with clock.shifted(timedelta(days=5)):
        async with database.transaction() as session:
            assert await mark_stale(session) == 1
        assert await listed("ngo-salud", "own") == [(own, "verification_expired")]
    async with database.transaction() as session:
        sent = await session.scalars(
            sa.select(COMMON.outbox.c.payload)
            .where(COMMON.outbox.c.type == "ruta.directory.verification.due.v1")
            .order_by(COMMON.outbox.c.version)
        )
        told = list(sent)
    assert [each["expired"] for each in told] == [False, True]
    assert {each["organisation_id"] for each in told} == {str(organisation(2))}
    assert {each["due_on"] for each in told} == {soon}
    # The name of a confidential service would reveal more than its id.
    assert all("name" not in each for each in told)


async def test_a_referral_declined_for_want_of_capacity_asks_the_owner_for_it(
    api: AsyncClient, publish: Publish, database: Database
) -> None:
    own = await publish()

    async def declined(reason: str) -> None:
        event = ReferralData(
            version=4, referral_id=uuid4(), case_id=uuid4(), state="declined",
            from_organisation=organisation(1), to_organisation=organisation(2),
            service_id=UUID(own), category="GBV-PSS", aor="GBV", urgency="routine",
            occurred_at=clock.now(), reason=reason,
        )  # fmt: skip
        async with database.transaction() as session:
            await on_declined(session, event, None)  # type: ignore[arg-type]  # it is not looked at

    async def kinds() -> list[str]:
        answer = await api.get(f"{V1}/records/reminders", headers=as_("ngo-salud"))
        return [each["kind"] for each in answer.json()["items"]]

    await declined("eligibility")
    assert await kinds() == []
    await declined("capacity")
    await declined("capacity")
    assert await kinds() == ["capacity_doubted"]
    told = await api.put(
        f"{V1}/services/{own}/capacity", json={"state": "accepting"}, headers=as_("ngo-salud")
    )
    assert told.status_code == 200, told.text
    assert await kinds() == []


async def test_duplicates_are_suggested_and_merged_without_losing_ids(
    api: AsyncClient, publish: Publish
) -> None:
    first = await publish()
    second = await publish(name="Atencion psicologica (Maracaibo)", phones=[])
    third = await publish(name="Otra cosa", phones=[{"number": "0261-5550101"}])
    await publish(name="Carpintería", phones=[])
    found = await api.get(
        f"{V1}/records/services/{first}/duplicates", headers=as_("gbv-coordinator")
    )
    assert {item["id"] for item in found.json()["items"]} == {second, third}
    assert all(item["mergeable"] for item in found.json()["items"])
    own = await api.get(f"{V1}/records/services/{first}/duplicates", headers=as_("ngo-salud"))
    assert not any(item["mergeable"] for item in own.json()["items"]), "its owner may not"
    named = await api.get(
        f"{V1}/records/services",
        params={"search": "PSICOLÓGICA (Mar"},
        headers=as_("gbv-coordinator"),
    )
    assert [item["id"] for item in named.json()["items"]] == [second]
    refused = await api.post(
        f"{V1}/records/services/{second}/merge", json={"into": first}, headers=as_("ngo-salud")
    )
    assert refused.status_code == 403
    merged = await api.post(
        f"{V1}/records/services/{second}/merge",
        json={"into": first},
        headers=as_("gbv-coordinator"),
    )
    assert merged.json()["state"] == "merged", merged.text
    old = await api.get(f"{V1}/services/{second}", headers=as_("anonymous"))
    assert (old.status_code, old.headers["location"]) == (308, f"{V1}/services/{first}")
    again = await api.post(
        f"{V1}/records/services/{second}/merge",
        json={"into": third},
        headers=as_("gbv-coordinator"),
    )
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("level", "known_to"),
    [
        ("public", {"anonymous", "ngo-refugio", "gbv-coordinator", "ngo-salud"}),
        ("partners", {"ngo-refugio", "gbv-coordinator", "ngo-salud"}),
        ("restricted", {"gbv-coordinator", "ngo-salud"}),
    ],
)
async def test_the_old_id_of_a_hidden_entry_leads_nobody_on_who_did_not_see_it(
    api: AsyncClient, publish: Publish, level: str, known_to: set[str]
) -> None:
    place = {"location_type": "physical", "pcode": "VE23"}
    stays = await publish()
    hidden = await publish(
        name="Casa de paso", visibility=level, service_at_locations=[{"location": place}]
    )
    merged = await api.post(
        f"{V1}/records/services/{hidden}/merge",
        json={"into": stays},
        headers=as_("gbv-coordinator"),
    )
    assert merged.status_code == 200, merged.text
    told = {}
    for who in ("anonymous", "ngo-refugio", "gbv-coordinator", "ngo-salud"):
        old, unknown = [
            await api.get(f"{V1}/services/{each}", headers=as_(who)) for each in (hidden, uuid4())
        ]
        told[who] = old.status_code
        assert old.status_code == 308 or old.json() == unknown.json(), "as one that never was"
    assert told == {who: 308 if who in known_to else 404 for who in told}


async def test_a_newer_draft_does_not_change_what_is_published(
    api: AsyncClient, publish: Publish
) -> None:
    own = await publish()
    record = f"{V1}/records/services/{own}"
    etag = (await api.get(record, headers=as_("ngo-salud"))).headers["etag"]
    answer = await api.patch(
        record, json={"name": "Borrador"}, headers={**as_("ngo-salud"), "If-Match": etag}
    )
    assert answer.json()["state"] == "draft", answer.text
    shown = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
    assert shown["name"] == "Atención psicológica"
    record_now = (await api.get(record, headers=as_("ngo-salud"))).json()
    assert (record_now["published"], record_now["approved_differs"]) == (True, True)
    waiting = await api.get(f"{V1}/records/services?state=draft", headers=as_("gbv-coordinator"))
    assert [item["id"] for item in waiting.json()["items"]] == [own]
    await api.post(f"{record}/submit", headers=as_("ngo-salud"))
    returned = await api.post(
        f"{record}/return", json={"reason": "falta horario"}, headers=as_("gbv-coordinator")
    )
    assert returned.json()["state"] == "returned"
    await api.post(f"{record}/submit", headers=as_("ngo-salud"))
    await api.post(f"{record}/approve", headers=as_("gbv-coordinator"))
    shown = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
    assert shown["name"] == "Borrador"


async def test_an_impossible_step_names_the_possible_ones(
    api: AsyncClient, publish: Publish
) -> None:
    own = await publish()
    answer = await api.post(f"{V1}/records/services/{own}/submit", headers=as_("ngo-salud"))
    assert answer.status_code == 409
    assert answer.json()["possible_steps"] == ["withdraw"]


async def test_a_changed_organisation_shows_in_its_services(
    api: AsyncClient, publish: Publish
) -> None:
    own = await publish()
    shown = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
    path = f"{V1}/records/organizations/{shown['organization']['id']}"
    etag = (await api.get(path, headers=as_("ngo-salud"))).headers["etag"]
    document = {"name": "Salud Nueva", "description": "Otra", "email": "a@example.org"}
    missing = await api.put(path, json=document, headers=as_("ngo-salud"))
    assert missing.status_code == 428
    answer = await api.put(path, json=document, headers={**as_("ngo-salud"), "If-Match": etag})
    assert answer.status_code == 200, answer.text
    shown = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
    assert shown["organization"]["name"] == "Salud Nueva"


@pytest.mark.parametrize("client", ["ngo-legal", "cp-coordinator", "im-officer"])
async def test_a_hidden_organisation_is_answered_like_one_that_does_not_exist(
    api: AsyncClient, publish: Publish, client: str
) -> None:
    hidden, nobody = str(uuid4()), str(uuid4())
    named = {"name": "Casa oculta", "description": "Casa", "visibility": "restricted"}
    await publish(
        organization={**named, "id": hidden}, categories=["GBV-SHELTER"], visibility="restricted",
        service_at_locations=[], service_areas=[], phones=[],
    )  # fmt: skip
    other = {"name": "Otra", "description": "Otra"}
    unnamed = {key: value for key, value in service_document().items() if key != "organization"}

    async def answers(own: str) -> list[tuple[int, str]]:
        path = f"{V1}/records/organizations"
        sent = [
            await api.get(f"{path}/{own}", headers=as_(client)),
            await api.get(f"{V1}/organizations/{own}", headers=as_(client)),
            await api.put(f"{path}/{own}", json=other, headers=as_(client)),
            await api.put(f"{path}/{own}", json=other, headers={**as_(client), "If-Match": '"1"'}),
            await api.post(path, json={**other, "id": own}, headers=as_(client)),
            await api.post(
                f"{V1}/records/services",
                json={**unnamed, "organization_id": own},
                headers=as_(client),
            ),
        ]
        return [(each.status_code, each.text.replace(own, "ID")) for each in sent]

    assert await answers(hidden) == await answers(nobody)


async def test_a_shared_place_is_changed_once_for_all(api: AsyncClient, publish: Publish) -> None:
    place = {
        "id": "0190c000-0000-7000-8000-000000000001",
        "location_type": "physical",
        "name": "Centro viejo",
        "pcode": "VE2313",
    }
    first = await publish(service_at_locations=[{"location": place}])
    await publish(
        name="Otra", service_at_locations=[{"location": {**place, "name": "Centro nuevo"}}]
    )
    shown = (await api.get(f"{V1}/services/{first}", headers=as_("anonymous"))).json()
    assert shown["service_at_locations"][0]["location"]["name"] == "Centro nuevo"


async def test_texts_come_in_the_language_that_is_asked_for(
    api: AsyncClient, publish: Publish
) -> None:
    own = await publish(translations={"en": {"name": "Psychological care"}})
    english = {**as_("anonymous"), "Accept-Language": "en-GB,en;q=0.9,es;q=0.5"}
    one = await api.get(f"{V1}/services/{own}", headers=english)
    assert one.json()["name"] == "Psychological care"
    listed = await api.get(f"{V1}/services", headers=english)
    assert listed.json()["contents"][0]["name"] == "Psychological care"
    spanish = await api.get(
        f"{V1}/services/{own}", headers={**as_("anonymous"), "Accept-Language": "es"}
    )
    assert spanish.json()["name"] == "Atención psicológica"
    assert one.headers["etag"] != spanish.headers["etag"]
    found = await ids_seen(api, "anonymous", search="psychological")
    assert found == [own]


@pytest.mark.parametrize(
    ("language", "name"), [("en", "Psychological care"), ("es", "Atención psicológica")]
)
async def test_every_list_names_a_service_in_the_language_that_is_asked_for(
    api: AsyncClient, publish: Publish, database: Database, language: str, name: str
) -> None:
    soon = (clock.today() + timedelta(days=3)).isoformat()
    own = await publish(
        translations={"en": {"name": "Psychological care"}}, verification={"valid_until": soon}
    )
    async with database.transaction() as session:
        assert await remind(session, 14) == 1
    headers = {**as_("ngo-salud"), "Accept-Language": language}
    for path in ("services?minimal=true", "records/services", "records/reminders"):
        listed = (await api.get(f"{V1}/{path}", headers=headers)).json()
        assert [each["name"] for each in listed.get("contents", listed.get("items"))] == [name]
    area = (await api.get(f"{V1}/services/{own}", headers=headers)).json()["service_areas"][0]
    profile = {"area": area["extent"], "age": 30, "needs": ["HLT-MH", "GBV-PSS"]}
    asked = await api.post(f"{V1}/pathways/resolve", json=profile, headers=headers)
    text = asked.text
    assert asked.status_code == 200, text
    assert name in text
    assert ("Atención psicológica" in text) == (language == "es")


async def test_facets_count_everything_that_matches(api: AsyncClient, publish: Publish) -> None:
    await publish()
    await publish(name="Otra", capacity_state="full")
    body = (
        await api.get(
            f"{V1}/services?facets=category,capacity_state,area&per_page=1",
            headers=as_("anonymous"),
        )
    ).json()
    assert body["facets"]["category"] == {"GBV-PSS": 2}
    assert body["facets"]["capacity_state"] == {"accepting": 1, "full": 1}
    assert body["facets"]["area"] == {"VE": 2, "VE23": 2, "VE2313": 2}


async def test_the_ranking_is_explained(api: AsyncClient, publish: Publish) -> None:
    full = await publish(name="Apoyo psicosocial", capacity_state="full")
    accepting = await publish(name="Apoyo psicosocial")
    body = (
        await api.get(
            f"{V1}/services?search=apoyo&near=10.65,-71.62&explain=true",
            headers=as_("anonymous"),
        )
    ).json()
    assert [item["id"] for item in body["ranking"]] == [accepting, full]
    assert body["ranking"][0]["distance_m"] == 0
    assert body["ranking"][0]["quality"] == 9.0
    assert body["ranking"][0]["text"] > 0


async def test_open_now_knows_nights_and_weekends(api: AsyncClient, publish: Publish) -> None:
    own = await publish(
        schedules=[{"freq": "WEEKLY", "byday": "SU", "opens_at": "22:00", "closes_at": "06:00"}]
    )
    for moment, is_open in (
        ("2026-11-29T23:00:00", True),  # Sunday
        ("2026-11-30T05:59:00", True),  # Monday
        ("2026-11-30T06:00:00", False),
        ("2026-11-29T21:00:00", False),
    ):
        assert (await ids_seen(api, "anonymous", open_at=moment) == [own]) is is_open, moment


async def test_hours_count_as_open_on_their_days_alone(api: AsyncClient, publish: Publish) -> None:
    """Ruta sends nobody to a house that has closed for the season or has not opened for it."""
    rule = {"freq": "WEEKLY", "byday": "MO", "opens_at": "08:00", "closes_at": "16:00"}
    own = await publish(schedules=[rule | {"valid_from": "2026-11-23", "until": "2026-12-07"}])
    for day, is_open in (
        ("2026-11-16", False), ("2026-11-23", True), ("2026-11-24", False), ("2026-12-07", True),
        ("2026-12-14", False),
    ):  # fmt: skip
        found = await ids_seen(api, "anonymous", open_at=f"{day}T10:00:00")
        assert (found == [own]) is is_open, day
    await publish(schedules=[rule | {"until": str(clock.today() - timedelta(days=9))}])
    soon = await publish(schedules=[rule | {"until": str(clock.today() + timedelta(days=9))}])
    for asked in ({"open_on": "MO"}, {"day": "MO", "start_time": "07:00"}):
        found = await ids_seen(api, "anonymous", **asked)
        assert soon in found, asked
        assert len(found) == 1 + (own in found), asked


@pytest.mark.parametrize(
    ("asked", "is_open"),
    [
        ({"open_on": "SU"}, True),
        ({"open_on": "SA"}, False),
        ({"open_on": "SA,MO", "open_from": "05:00"}, True),
        ({"open_on": "MO", "open_from": "06:00"}, False),
        ({"open_on": "SU", "open_until": "22:00"}, False),
        ({"open_on": "SU", "open_until": "22:01"}, True),
        ({"open_from": "05:00", "open_until": "07:00"}, True),
        ({"open_from": "07:00", "open_until": "21:00"}, False),
    ],
)
async def test_open_in_a_window_of_days_and_times(
    api: AsyncClient, publish: Publish, asked: dict[str, str], is_open: bool
) -> None:
    own = await publish(
        schedules=[{"freq": "WEEKLY", "byday": "SU", "opens_at": "22:00", "closes_at": "06:00"}]
    )
    assert (await ids_seen(api, "anonymous", **asked) == [own]) is is_open


@pytest.mark.parametrize(
    "asked",
    [
        {"open_on": "XX"},
        {"open_from": "25:00"},
        {"open_from": "9:00"},
        {"open_from": "09:00", "open_until": "09:00"},
        {"open_until": "00:00"},
    ],
)
async def test_a_window_that_is_none_is_refused(api: AsyncClient, asked: dict[str, str]) -> None:
    answer = await api.get(f"{V1}/services", params=asked, headers=as_("anonymous"))
    assert answer.status_code == 422


async def test_geojson_has_a_feature_per_site(api: AsyncClient, publish: Publish) -> None:
    await publish()
    for path in ("services", "service_at_locations"):
        answer = await api.get(f"{V1}/{path}?format=geojson", headers=as_("anonymous"))
        assert answer.headers["content-type"].startswith("application/geo+json")
        (feature,) = answer.json()["features"]
        assert feature["geometry"] == {"type": "Point", "coordinates": [-71.62, 10.65]}
        assert feature["properties"]["id"]


async def test_a_partner_cannot_enter_services_of_others(api: AsyncClient) -> None:
    foreign = service_document()
    answer = await api.post(f"{V1}/records/services", json=foreign, headers=as_("ngo-legal"))
    assert answer.status_code == 403
    reader = await api.post(f"{V1}/records/services", json=foreign, headers=as_("health-cluster"))
    assert reader.status_code == 403
    nobody = await api.post(f"{V1}/records/services", json=foreign, headers=as_("anonymous"))
    assert nobody.status_code == 401


async def test_a_place_has_a_record_of_its_own(api: AsyncClient, publish: Publish) -> None:
    own = await publish()
    shown = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
    place = shown["service_at_locations"][0]["location"]["id"]
    path = f"{V1}/records/locations/{place}"
    read = await api.get(path, headers=as_("gbv-coordinator"))
    document = {**read.json()["document"], "name": "Sede nueva"}
    headers = {**as_("gbv-coordinator"), "If-Match": read.headers["etag"]}
    answer = await api.put(path, json=document, headers=headers)
    assert answer.json()["outcome"] == "changed", answer.text
    assert (await api.put(path, json=document, headers=headers)).status_code == 412
    shown = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
    assert shown["service_at_locations"][0]["location"]["name"] == "Sede nueva"
    assert (await api.get(path, headers=as_("ngo-legal"))).status_code == 404
    unsafe = {"location_type": "physical", "visibility": "restricted", "latitude": 1.5}
    refused = await api.post(f"{V1}/records/locations", json=unsafe, headers=as_("gbv-coordinator"))
    assert refused.status_code == 422
    assert refused.json()["pointer"] == "/latitude"
    made = await api.post(
        f"{V1}/records/locations",
        json={"location_type": "virtual", "name": "Línea"},
        headers=as_("gbv-coordinator"),
    )
    assert made.status_code == 201
    used = await publish(name="Línea", service_at_locations=[{"location_id": made.json()["id"]}])
    shown = (await api.get(f"{V1}/services/{used}", headers=as_("anonymous"))).json()
    assert shown["service_at_locations"][0]["location"]["name"] == "Línea"


async def test_an_auditor_finds_who_read_what_and_the_look_is_in_the_log(
    api: AsyncClient, publish: Publish
) -> None:
    service = await publish(visibility="restricted", service_at_locations=[], phones=[])
    assert (
        await api.get(f"{V1}/services/{service}", headers=as_("gbv-coordinator"))
    ).status_code == 200
    reads, auditor = f"{V1}/records/reads", as_("auditor")
    found = (await api.get(f"{reads}?service_id={service}", headers=auditor)).json()["items"]
    assert [each["client_id"] for each in found] == ["gbv-coordinator"]
    newest = (await api.get(reads, headers=auditor)).json()["items"][0]
    assert (newest["service_id"], newest["route"]) == (None, reads)
    none = await api.get(f"{reads}?from=2099-01-01T00:00:00Z", headers=auditor)
    assert none.json()["items"] == []
    for other in ("tip-coordinator", "im-officer", "ngo-refugio"):
        assert (await api.get(reads, headers=as_(other))).status_code == 403, other
