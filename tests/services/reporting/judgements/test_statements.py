"""Judgements with published figures. Cited figures exist, typed numbers equal them, a second person approves, and
superseded figures are marked."""

from datetime import UTC, datetime
from typing import Any

import pytest
from common.db.session import Database
from httpx import AsyncClient, Response
from reporting.recording.service import Recorder

from tests.services.reporting.conftest import AUDIENCE
from tests.services.reporting.events import caseload, record_together
from tests.support.principals import bearer, keyed

URL = "/reports/v1/context/statements"
SERIES: dict[str, Any] = {
    "code": "risk-index",
    "title": {"es": "Índice de riesgo", "en": "Risk index"},
    "unit": {"es": "puntos", "en": "points"},
    "source": "Observatorio de ejemplo",
    "url": "https://example.org/risk",
    "licence": "CC BY 4.0",
    "retrieved_on": "2026-10-20",
    "points": [{"day": "2026-10-01", "area": "VE23", "value": "63.25"}],
}
BODY: dict[str, Any] = {
    "analysis": "trata-2027",
    "place": "core-problem",
    "text": {"es": "Nadie ve los indicios a tiempo.", "en": "Nobody sees the signs in time."},
    "basis": [{"kind": "judgement"}],
}


def as_(client: str, **more: str) -> dict[str, str]:
    return keyed(bearer(client, audience=AUDIENCE)) | more


async def write(api: AsyncClient, client: str = "tip-coordinator", **changes: Any) -> Response:
    return await api.post(URL, json={**BODY, **changes}, headers=as_(client))


async def written(api: AsyncClient, client: str = "tip-coordinator", **changes: Any) -> Any:
    made = await write(api, client, **changes)
    assert made.status_code == 201, made.text
    return made.json()


async def agree(api: AsyncClient, statement: dict[str, Any], client: str) -> Response:
    tag = f'"{statement["version"]}"'
    return await api.post(
        f"{URL}/{statement['id']}/agreement", headers=as_(client, **{"If-Match": tag})
    )


async def closed(api: AsyncClient, period: str, *, publish: bool = True) -> str:
    body = {"programme": "referrals", "period": period}
    made = await api.post("/reports/v1/releases", json=body, headers=as_("im-officer"))
    assert made.status_code == 201, made.text
    url = f"/reports/v1/releases/{made.json()['id']}"
    if publish:
        for contributor in made.json()["contributors"]:
            number = int(contributor["organisation_id"][-1])
            client = {1: "ngo-refugio", 2: "ngo-salud", 3: "ngo-legal"}[number]
            assert (await api.post(f"{url}/sign-offs", headers=as_(client))).status_code == 200
        done = await api.post(f"{url}/publish", headers=as_("im-officer"))
        assert done.status_code == 200, done.text
    return str(made.json()["id"])


@pytest.fixture
async def recorded(database: Database, recorder: Recorder) -> None:
    await record_together(database, recorder, list(caseload(persons=200, seed=5)))


@pytest.fixture
async def release(api: AsyncClient, recorded: None) -> str:
    return await closed(api, "2026-10a")


async def test_a_statement_shows_the_figure_that_it_cites_with_its_interval(
    api: AsyncClient, release: str
) -> None:
    basis = [{"kind": "figure", "release": release, "where": {"progress": ["delivered"]}}]
    (cited,) = (await written(api, basis=basis))["cited"]
    asked = await api.get(
        f"/reports/v1/releases/{release}/query?progress=delivered", headers=as_("ngo-refugio")
    )
    assert asked.json()["total"] == cited["value"] > 0
    assert cited["low"] <= cited["value"] <= cited["high"]
    assert cited["written"]["en"] == f"{cited['value']} ({cited['low']}–{cited['high']})"
    assert "octubre de 2026 (Servicio prestado)" in cited["source"]["es"]


@pytest.mark.parametrize(
    ("where", "pointer"),
    [
        ({"shoe_size": ["38"]}, "/basis/0/where"),
        ({"progress": ["teleported"]}, "/basis/0/where"),
    ],
)
async def test_a_figure_that_the_release_does_not_have_is_refused(
    api: AsyncClient, release: str, where: dict[str, list[str]], pointer: str
) -> None:
    basis = [{"kind": "figure", "release": release, "where": where}]
    answer = await write(api, basis=basis)
    assert (answer.status_code, answer.json()["pointer"]) == (422, pointer)


async def test_a_draft_release_is_no_basis(api: AsyncClient, recorded: None) -> None:
    basis = [{"kind": "figure", "release": await closed(api, "2026-10a", publish=False)}]
    answer = await write(api, "im-officer", basis=basis)
    assert answer.status_code == 422, answer.text
    assert answer.json()["pointer"] == "/basis/0/release"


async def test_a_typed_number_is_a_cited_one_with_its_interval(
    api: AsyncClient, release: str
) -> None:
    basis = [{"kind": "figure", "release": release}]
    number = (await written(api, basis=basis))["cited"][0]["written"]
    es, en = f"De {number['es']} personas, pocas.", f"Of {number['en']} people, few."
    changes: dict[str, Any] = {"analysis": "otra", "basis": basis}
    assert (await write(api, text={"es": es, "en": en}, **changes)).status_code == 201
    bare = en.replace(number["en"], number["en"].split(" ")[0])
    for wrong, pointer in (
        ({"es": es, "en": bare}, "/text/en"),
        ({"es": es, "en": "Of 37 people, few."}, "/text/en"),
        ({"es": "Escriba a ana@example.org", "en": en}, "/text/es"),
    ):
        answer = await write(api, text=wrong, **{**changes, "analysis": "tercera"})
        assert answer.status_code == 422, answer.text
        assert pointer in [each["pointer"] for each in answer.json()["errors"]]


async def test_the_next_release_and_the_next_edition_make_it_to_be_reviewed(
    api: AsyncClient, database: Database, recorder: Recorder, release: str
) -> None:
    made = await api.post("/reports/v1/context/series", json=SERIES, headers=as_("im-officer"))
    point = {"kind": "series", "series": made.json()["id"], "day": "2026-10-01", "area": "VE23"}
    on_series = await written(api, place="threat", basis=[point])
    on_release = await written(
        api, place="weakness", basis=[{"kind": "figure", "release": release}]
    )
    assert on_series["cited"][0]["written"]["es"] == "63,25"

    async def to_be_reviewed() -> dict[str, bool]:
        found = await api.get(URL, headers=as_("im-officer"))
        return {each["place"]: each["to_be_reviewed"] for each in found.json()["items"]}

    assert await to_be_reviewed() == {"threat": False, "weakness": False}
    later = datetime(2026, 10, 18, 12, tzinfo=UTC)
    await record_together(database, recorder, list(caseload(persons=60, seed=6, start=later)))
    await closed(api, "2026-10b")
    assert await to_be_reviewed() == {"threat": False, "weakness": True}
    await api.post("/reports/v1/context/series", json=SERIES, headers=as_("im-officer"))
    assert await to_be_reviewed() == {"threat": True, "weakness": True}
    kept = await api.get(f"{URL}/{on_release['id']}", headers=as_("im-officer"))
    assert kept.json()["cited"][0]["value"] == on_release["cited"][0]["value"]

    lacking = await write(api, place="threat", basis=[{**point, "day": "2026-10-02"}])
    assert (lacking.status_code, lacking.json()["pointer"]) == (422, "/basis/0/series")


async def test_a_second_person_agrees_to_what_was_read_and_a_change_is_a_draft_again(
    api: AsyncClient,
) -> None:
    statement = await written(api)
    entry = f"{URL}/{statement['id']}"
    assert (await api.get(entry, headers=as_("ngo-refugio"))).status_code == 404
    alone = await agree(api, statement, "tip-coordinator")
    assert (alone.status_code, alone.json()["code"]) == (403, "second_person_needed")
    agreed = await agree(api, statement, "gbv-coordinator")
    assert agreed.status_code == 200, agreed.text
    assert (agreed.json()["state"], agreed.json()["agreed_by"]) == ("agreed", "gbv-coordinator")
    public = (await api.get(entry, headers=as_("ngo-refugio"))).json()
    assert (public["state"], public["written_by"], public["agreed_by"]) == ("agreed", None, None)
    assert (await agree(api, statement, "im-officer")).status_code == 412
    assert (await agree(api, agreed.json(), "im-officer")).status_code == 409

    tag = {"If-Match": agreed.headers["etag"]}
    changed = await api.put(entry, json=BODY, headers=as_("gbv-coordinator", **tag))
    assert (changed.json()["state"], changed.json()["written_by"]) == ("draft", "gbv-coordinator")
    again = await agree(api, changed.json(), "gbv-coordinator")
    assert again.status_code == 403
    assert (await agree(api, changed.json(), "tip-coordinator")).status_code == 200


async def test_a_tree_has_one_core_problem_and_no_branch_beneath_itself(api: AsyncClient) -> None:
    core = await written(api)
    assert (await write(api)).status_code == 409
    cause = await written(api, place="cause", parent=core["id"])
    deeper = await written(api, place="cause", parent=cause["id"])
    effect = await written(api, place="effect", parent=core["id"])
    for changes, pointer in (
        ({"place": "effect", "parent": cause["id"]}, "/parent"),
        ({"place": "cause", "parent": core["id"], "analysis": "otra"}, "/parent"),
        ({"place": "cause"}, ""),
        ({"place": "strength", "parent": core["id"]}, ""),
    ):
        answer = await write(api, **changes)
        assert (answer.status_code, answer.json()["pointer"]) == (422, pointer), answer.text
    moved = {**BODY, "place": "cause", "parent": deeper["id"]}
    circle = await api.put(
        f"{URL}/{cause['id']}", json=moved, headers=as_("im-officer", **{"If-Match": "*"})
    )
    assert (circle.status_code, circle.json()["pointer"]) == (422, "/parent")
    other = {**BODY, "place": "threat"}
    elsewhere = await api.put(
        f"{URL}/{effect['id']}", json=other, headers=as_("im-officer", **{"If-Match": "*"})
    )
    assert (elsewhere.status_code, elsewhere.json()["pointer"]) == (422, "/place")

    async def removed(statement: dict[str, Any]) -> int:
        url, any_ = f"{URL}/{statement['id']}", as_("im-officer", **{"If-Match": "*"})
        return (await api.delete(url, headers=any_)).status_code

    assert await removed(cause) == 409
    assert [await removed(each) for each in (deeper, cause, effect, core)] == [204] * 4


async def test_a_judgement_without_data_says_so_and_stands_alone(
    api: AsyncClient, release: str
) -> None:
    alone = await written(api)
    assert alone["without_data"]
    assert alone["cited"][0]["source"]["es"] == "juicio sin datos"
    both = [{"kind": "judgement"}, {"kind": "figure", "release": release}]
    assert (await write(api, analysis="otra", basis=both)).status_code == 422
    assert (await write(api, analysis="otra", basis=[])).status_code == 422


async def test_lists_narrow_by_analysis_and_part_and_partners_do_not_write(
    api: AsyncClient,
) -> None:
    await written(api)
    await written(api, place="strength")
    await written(api, place="strength", analysis="otra")
    for query, count in (
        ("", 3),
        ("?analysis=otra", 1),
        ("?part=swot", 2),
        ("?part=problem-tree", 1),
    ):
        found = await api.get(f"{URL}{query}", headers=as_("im-officer"))
        assert len(found.json()["items"]) == count, query
    first = (await api.get(f"{URL}?limit=2", headers=as_("im-officer"))).json()
    rest = await api.get(f"{URL}?cursor={first['next_cursor']}", headers=as_("im-officer"))
    assert len(rest.json()["items"]) == 1
    assert (await write(api, "ngo-refugio")).status_code == 403
