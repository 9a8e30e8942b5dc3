"""Resolve through the API: what it refuses, that it stores nothing, and what each caller sees."""

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from common import clock
from common.db.session import Database
from directory.ground.reading.models import restricted_reads
from directory.pathways.gaps.announcements import announce_observed
from directory.pathways.gaps.models import gap_observations
from directory.pathways.schemas import Resolution
from directory.record.services.upsert import upsert_service
from directory.tables import COMMON
from httpx import AsyncClient
from pydantic import TypeAdapter

from tests.services.directory.conftest import as_
from tests.services.directory.pathways.scenario import ALWAYS, document
from tests.support.principals import principal

URL = "/directory/v1/pathways/resolve"
WOMAN: dict[str, Any] = {
    "area": "VE2313",
    "age": 27,
    "sex": "female",
    "situations": ["sexual_violence"],
    "hours_since_incident": 20,
    "languages": ["guc"],
    "populations": ["IND"],
    "immediate_danger": True,
}


async def ask(api: AsyncClient, who: str = "ngo-refugio", **changes: Any) -> dict[str, Any]:
    answer = await api.post(URL, json={**WOMAN, **changes}, headers=as_(who))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def step_of(answer: dict[str, Any], need: str) -> dict[str, Any]:
    return next(step for step in answer["steps"] if step["need"] == need)


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"area": "VE9999"}, "unknown_code", "/area"),
        ({"area": "Maracaibo"}, "string_pattern_mismatch", "/area"),
        ({"age": -1}, "greater_than_equal", "/age"),
        ({"age": 121}, "less_than_equal", "/age"),
        ({"age": "27"}, "int_type", "/age"),
        ({"age": True}, "int_type", "/age"),
        ({"age": 27.5}, "int_type", "/age"),
        ({"needs": ["XX-YY"]}, "unknown_code", "/needs"),
        ({"needs": ["una casa segura"]}, "string_pattern_mismatch", "/needs/0"),
        ({"situations": ["golpes"]}, "unknown_code", "/situations"),
        ({"populations": ["ABC"]}, "unknown_code", "/populations"),
        ({"languages": ["xyz"]}, "unknown_code", "/languages"),
        ({"languages": ["habla wayuu"]}, "string_pattern_mismatch", "/languages/0"),
        ({"age": 12, "populations": ["WOM"]}, "profile_contradictory", "/populations"),
        ({"sex": "male", "populations": ["WOM"]}, "profile_contradictory", "/populations"),
        ({"hours_since_incident": -5}, "greater_than_equal", "/hours_since_incident"),
        ({"moment": {"weekday": 8, "time": "10:00"}}, "less_than_equal", "/moment/weekday"),
        ({"moment": {"weekday": 1, "time": "25:00"}}, "string_pattern_mismatch", "/moment/time"),
        ({"name": "Ana Pérez"}, "extra_forbidden", "/name"),
        ({"date_of_birth": "1999-01-01"}, "extra_forbidden", "/date_of_birth"),
        ({"phone": "+58 414 0000000"}, "extra_forbidden", "/phone"),
        ({"notes": "vive cerca de la plaza"}, "extra_forbidden", "/notes"),
    ],
)
async def test_a_bad_profile_is_refused_with_a_pointer_and_never_repeated(
    api: AsyncClient, change: dict[str, Any], code: str, pointer: str
) -> None:
    answer = await api.post(URL, json={**WOMAN, **change}, headers=as_("ngo-refugio"))
    assert answer.status_code == 422
    assert pointer in {error["pointer"] for error in answer.json()["errors"]}
    assert code in {error["code"] for error in answer.json()["errors"]}
    for secret in ("Ana Pérez", "1999-01-01", "0000000", "plaza", "una casa segura", "habla"):
        assert secret not in answer.text


async def test_the_answer_has_the_described_shape(
    api: AsyncClient, scenario: dict[str, UUID]
) -> None:
    answer = await api.post(URL, json=WOMAN, headers=as_("ngo-refugio"))
    TypeAdapter(Resolution).validate_json(answer.content, strict=False)
    described = Resolution.model_validate(answer.json()).model_dump(
        mode="json", exclude_none=True, exclude_defaults=False
    )
    assert described["steps"][0]["need"] == answer.json()["steps"][0]["need"]
    assert set(answer.json()) <= set(Resolution.model_fields)


async def test_the_directory_version_changes_with_what_was_read_and_only_then(
    api: AsyncClient, scenario: dict[str, UUID]
) -> None:
    before = await ask(api)
    elsewhere = scenario["Consejo de Protección de San Antonio (ficticio)"]
    await set_capacity(api, "cp-coordinator", elsewhere, "full")
    assert (await ask(api))["directory_version"] == before["directory_version"]
    here = scenario["Hospital Ficticio del Lago, atención clínica"]
    await set_capacity(api, "gbv-coordinator", here, "full")
    after = await ask(api)
    assert after["directory_version"] != before["directory_version"]
    names = [service["name"] for service in step_of(after, "GBV-CMR")["services"]]
    assert names == ["Ambulatorio Ficticio Norte"]


async def set_capacity(api: AsyncClient, who: str, service_id: UUID, state: str) -> None:
    answer = await api.put(
        f"/directory/v1/services/{service_id}/capacity", json={"state": state}, headers=as_(who)
    )
    assert answer.status_code in (200, 204), answer.text


async def test_a_batch_answers_each_profile_as_resolve_does_and_names_the_bad_one(
    api: AsyncClient, scenario: dict[str, UUID]
) -> None:
    girl = {"area": "VE2004", "age": 14, "situations": ["trafficking"]}
    headers = as_("ngo-refugio")
    answer = await api.post(f"{URL}/batch", json={"profiles": [WOMAN, girl]}, headers=headers)
    alone = await api.post(URL, json=girl, headers=headers)
    assert answer.json()["items"] == [await ask(api), alone.json()]
    bad = {"profiles": [WOMAN, {**girl, "area": "VE9999"}]}
    refused = await api.post(f"{URL}/batch", json=bad, headers=headers)
    assert refused.json()["pointer"] == "/profiles/1/area"
    for profiles in ([], [girl] * 101):
        answer = await api.post(f"{URL}/batch", json={"profiles": profiles}, headers=headers)
        assert answer.status_code == 422


async def test_a_safe_house_is_reached_through_an_intermediary_except_by_its_coordinator(
    api: AsyncClient, scenario: dict[str, UUID], database: Database
) -> None:
    for who in ("anonymous", "ngo-refugio", "cp-coordinator"):
        step = step_of(await ask(api, who), "GBV-SHELTER")
        assert (step["coverage"], step["services"]) == ("through_intermediary", [])
        assert "gestión de casos" in step["intermediaries"][0]["es"]
    step = step_of(await ask(api, "gbv-coordinator"), "GBV-SHELTER")
    assert [service["name"] for service in step["services"]] == ["Casa de abrigo Zulia"]
    async with database.transaction() as session:
        logged = (await session.execute(sa.select(restricted_reads))).all()
    assert {(row.client_id, row.service_id, row.route) for row in logged} == {
        ("gbv-coordinator", scenario["Casa de abrigo Zulia"], URL)
    }


async def test_a_coordinator_is_told_of_a_gap_where_others_are_sent_to_the_intermediary(
    api: AsyncClient,
) -> None:
    assert step_of(await ask(api, "gbv-coordinator"), "GBV-SHELTER")["coverage"] == "gap"
    tachira = as_("gbv-coordinator", areas=["VE20"])
    answer = await api.post(URL, json=WOMAN, headers=tachira)
    step = step_of(answer.json(), "GBV-SHELTER")
    assert step["coverage"] == "intermediary_gap"  # No intermediary is available.
    assert step["coverage_says"]["es"].startswith("Brecha: se llega por medio de otro servicio")
    assert "GBV-SHELTER" in answer.json()["gaps"]


async def test_a_gap_names_the_near_miss_its_cause_and_the_nearest_alternative(
    api: AsyncClient, scenario: dict[str, UUID]
) -> None:
    gap = step_of(await ask(api), "GBV-PSS")["gap"]
    assert gap["nearest"]["name"] == "Acompañamiento emocional Perijá"
    assert 100 < gap["nearest"]["kilometres"] < 150
    miss = gap["near_misses"][0]
    assert miss["name"] == "Apoyo psicosocial Relámpago"
    assert [reason["says"] for reason in miss["excluded_by"]] == [{"es": "Sin cupo", "en": "Full"}]
    assert gap["excluded"] == [{"code": "capacity_full", "services": 1}]


async def test_nothing_of_a_question_is_kept_but_a_coarse_counter(
    api: AsyncClient, database: Database
) -> None:
    headers = {**as_("ngo-refugio"), "Idempotency-Key": "a-question-leaves-no-trace"}
    for _ in range(2):
        assert (await api.post(URL, json=WOMAN, headers=headers)).status_code == 200
    async with database.transaction() as session:
        assert (await session.execute(sa.select(COMMON.stored_results))).all() == []
        assert (await session.execute(sa.select(COMMON.outbox))).all() == []
        rows = (await session.execute(sa.select(gap_observations))).all()
    assert {(row.area, row.grp, row[4]) for row in rows} == {("VE2313", "woman", 2)}
    assert {row.week for row in rows} == {clock.utc_day(clock.now()).isoformat()}
    assert {column.name for column in gap_observations.columns} == {
        "area", "need", "grp", "week", "count", "announced", "event_version",
    }  # fmt: skip


async def test_an_excluded_organisation_is_named_nowhere_and_the_question_leaves_no_trace(
    api: AsyncClient, scenario: dict[str, UUID], database: Database
) -> None:
    before = step_of(await ask(api), "GBV-CMR")["services"]
    accused = (
        await api.get(
            f"/directory/v1/services/{before[0]['service_id']}", headers=as_("ngo-refugio")
        )
    ).json()["organization"]
    async with database.transaction() as session:
        await session.execute(gap_observations.delete())
        told = len((await session.execute(sa.select(COMMON.outbox))).all())
    answer = await ask(api, exclude_organisations=[accused["id"]])
    assert accused["name"] not in str(answer)
    left = step_of(answer, "GBV-CMR")["services"]
    assert {each["organisation"] for each in left} == {
        each["organisation"] for each in before if each["organisation"] != accused["name"]
    }
    async with database.transaction() as session:
        assert (await session.execute(sa.select(gap_observations))).all() == []
        assert len((await session.execute(sa.select(COMMON.outbox))).all()) == told
    kept = {
        "aor": "GBV",
        "name": "Prueba",
        "profiles": [{"area": "VE", "exclude_organisations": [accused["id"]]}],
    }
    refused = await api.post(
        "/directory/v1/pathways/profile-sets", json=kept, headers=as_("gbv-coordinator")
    )
    assert refused.status_code == 422
    assert accused["id"] not in refused.text


async def test_excluding_tells_nothing_of_an_organisation_that_the_caller_may_not_see(
    api: AsyncClient, database: Database
) -> None:
    """The response omits a service without a visible organisation, whichever organisation the caller excludes."""
    hidden = document(
        "Consulta sin nombre", ["GBV-CMR"], "VE2313", ["VE23"], organisation="Org oculta",
        schedule=ALWAYS,
    )  # fmt: skip
    assert hidden.organization is not None
    hidden.organization.visibility = "restricted"
    async with database.transaction() as session:
        await upsert_service(session, principal("gbv-coordinator"), hidden)
    shown = step_of(await ask(api), "GBV-CMR")["services"]
    assert [(each["name"], each.get("organisation")) for each in shown] == [
        ("Consulta sin nombre", None)
    ]
    answers = [
        step_of(await ask(api, exclude_organisations=[each]), "GBV-CMR")["services"]
        for each in (str(hidden.organization.id), str(UUID(int=1)))
    ]
    assert answers == [[], []]


async def test_who_asks_the_same_for_many_counts_each_of_them(
    api: AsyncClient, database: Database
) -> None:
    answer = await api.post(
        f"{URL}/batch", json={"profiles": [WOMAN] * 3}, headers=as_("ngo-refugio")
    )
    first, *others = answer.json()["items"]
    assert others == [first, first]
    async with database.transaction() as session:
        rows = (await session.execute(sa.select(gap_observations))).all()
    assert {row[4] for row in rows} == {3}


async def test_anonymous_questions_do_not_count_and_confidential_needs_count_by_state(
    api: AsyncClient, database: Database
) -> None:
    await ask(api, "anonymous")
    async with database.transaction() as session:
        assert (await session.execute(sa.select(gap_observations))).all() == []
    await ask(api, "gbv-coordinator")
    async with database.transaction() as session:
        rows = (await session.execute(sa.select(gap_observations))).all()
    areas = {row.need: row.area for row in rows}
    assert areas["GBV-SHELTER"] == "VE23"
    assert areas["GBV-CM"] == "VE2313"


async def test_counters_reach_reporting_as_totals_by_event(
    api: AsyncClient, database: Database
) -> None:
    await ask(api)
    async with database.transaction() as session:
        told = await announce_observed(session)
        assert told > 5
        assert await announce_observed(session) == 0
    await ask(api)
    async with database.transaction() as session:
        assert await announce_observed(session) == told
        events = (
            await session.execute(
                sa.select(COMMON.outbox).where(
                    COMMON.outbox.c.payload["need"].astext == "GBV-CM"
                ).order_by(COMMON.outbox.c.version)
            )
        ).all()  # fmt: skip
    assert [(event.version, event.payload["count"]) for event in events] == [(1, 1), (2, 2)]
    assert set(events[0].payload) == {"area", "need", "group", "week", "day", "count", "version"}


async def test_an_endorsement_makes_a_service_referable_and_its_withdrawal_ends_that(
    api: AsyncClient, scenario: dict[str, UUID]
) -> None:
    service_id = scenario["Gestión de casos VBG Zulia"]
    url = "/directory/v1/endorsements"
    headers = as_("gbv-coordinator")
    gone = await api.delete(f"{url}/{service_id}/GBV", headers=headers)
    assert gone.status_code == 204
    missed = step_of(await ask(api), "GBV-CM")["gap"]["near_misses"]
    assert [[r["code"] for r in miss["excluded_by"]] for miss in missed] == [["not_endorsed"]]
    suggested = await api.get(
        f"{url}/suggestions", params={"aor": "GBV", "area": "VE2313"}, headers=headers
    )
    named = {(each["name"], each["need"]) for each in suggested.json()["items"]}
    assert ("Gestión de casos VBG Zulia", "GBV-CM") in named
    made = await api.post(url, json={"service_id": str(service_id), "aor": "GBV"}, headers=headers)
    assert made.status_code == 201
    assert step_of(await ask(api), "GBV-CM")["coverage"] == "available"


@pytest.mark.parametrize(
    ("who", "status"), [("anonymous", 401), ("ngo-refugio", 403), ("cp-coordinator", 403)]
)
async def test_only_the_aors_coordinator_endorses(
    api: AsyncClient, scenario: dict[str, UUID], who: str, status: int
) -> None:
    body = {"service_id": str(scenario["Gestión de casos VBG Zulia"]), "aor": "GBV"}
    answer = await api.post("/directory/v1/endorsements", json=body, headers=as_(who))
    assert answer.status_code == status


async def test_a_service_that_one_cannot_see_cannot_be_endorsed(
    api: AsyncClient, scenario: dict[str, UUID]
) -> None:
    body = {"service_id": str(scenario["Casa de abrigo Zulia"]), "aor": "TIP"}
    answer = await api.post("/directory/v1/endorsements", json=body, headers=as_("tip-coordinator"))
    assert answer.status_code == 404


async def test_endorsements_are_listed_for_visible_services_only(
    api: AsyncClient, scenario: dict[str, UUID]
) -> None:
    url, hidden = "/directory/v1/endorsements", str(scenario["Casa de abrigo Zulia"])
    seen = await api.get(url, params={"limit": 500}, headers=as_("health-cluster"))
    ids = [item["service_id"] for item in seen.json()["items"]]
    assert len(ids) > 20
    assert hidden not in ids
    mine = await api.get(url, params={"limit": 500}, headers=as_("gbv-coordinator"))
    assert hidden in [item["service_id"] for item in mine.json()["items"]]
    page = await api.get(url, params={"limit": 3}, headers=as_("health-cluster"))
    more = await api.get(
        url, params={"limit": 500, "cursor": page.json()["next_cursor"]},
        headers=as_("health-cluster"),
    )  # fmt: skip
    assert len(more.json()["items"]) == len(seen.json()["items"]) - 3


@pytest.mark.usefixtures("scenario")
async def test_only_the_best_few_services_of_each_step_are_told_if_that_is_asked(
    api: AsyncClient,
) -> None:
    whole = await ask(api)
    few = (
        await api.post(f"{URL}?services_per_step=1", json=WOMAN, headers=as_("ngo-refugio"))
    ).json()
    assert any(len(step["services"]) > 1 for step in whole["steps"])

    def cut(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {
                **step,
                "services": step["services"][:1],
                **({"fallbacks": cut(step["fallbacks"])} if "fallbacks" in step else {}),
            }
            for step in steps
        ]

    assert few == {**whole, "steps": cut(whole["steps"])}
    several = await api.post(
        f"{URL}/batch?services_per_step=1",
        json={"profiles": [WOMAN, WOMAN]},
        headers=as_("ngo-refugio"),
    )
    assert several.json() == {"items": [few, few]}
    # The framework validates a request with an idempotency key, with the same result.
    keyed = {**as_("ngo-refugio"), "Idempotency-Key": "pocos"}
    long = await api.post(f"{URL}?services_per_step=1", json=WOMAN, headers=keyed)
    assert long.json() == few
    twice = f"{URL}?services_per_step=1&services_per_step=x"
    refused = await api.post(twice, json=WOMAN, headers=as_("ngo-refugio"))
    assert refused.status_code == 422
    for number in ("0", "11", "x"):
        refused = await api.post(f"{URL}?services_per_step={number}", json=WOMAN)
        assert refused.status_code in (401, 422)
    unknown = await api.post(f"{URL}?per_step=1", json=WOMAN, headers=as_("ngo-refugio"))
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_parameter")
