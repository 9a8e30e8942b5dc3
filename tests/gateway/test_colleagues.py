"""A person can read only the names of people in their own organisation."""

from typing import Any

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response

from tests.gateway.conftest import ISSUER
from tests.support.principals import bearer, keyed, organisation

REFUGIO, SALUD = str(organisation(1)), str(organisation(2))


async def ask(app: FastAPI, who: str, query: str = "", **claims: Any) -> Response:
    headers = bearer(who, audience="ruta-issuer", **claims)
    async with AsyncClient(transport=ASGITransport(app), base_url=ISSUER) as http:
        return await http.get(f"/identity/v1/colleagues{query}", headers=headers)


async def add(app: FastAPI, name: str, of: str) -> str:
    headers = keyed(bearer("im-officer", audience="ruta-issuer"))
    body = {
        "sign_in_name": name,
        "organisation_id": of,
        "roles": ["caseworker"],
        "scopes": ["referrals:read"],
    }
    async with AsyncClient(transport=ASGITransport(app), base_url=ISSUER) as http:
        made = await http.post("/identity/v1/people", json=body, headers=headers)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def test_each_organisation_sees_its_own_people_and_nobody_else(issuer_app: FastAPI) -> None:
    ours = [await add(issuer_app, name, REFUGIO) for name in ("a.rojas", "b.rojas")]
    theirs = await add(issuer_app, "c.salas", SALUD)
    page = (await ask(issuer_app, "ngo-refugio")).json()
    assert [each["sign_in_name"] for each in page["items"]] == ["a.rojas", "b.rojas"]
    assert page["items"][0] == {
        "id": ours[0],
        "sign_in_name": "a.rojas",
        "active": True,
        "roles": ["caseworker"],
    }
    asked = f"?id={ours[1]}&id={theirs}"
    found = (await ask(issuer_app, "ngo-refugio", asked)).json()["items"]
    assert [each["id"] for each in found] == [ours[1]]
    first = (await ask(issuer_app, "ngo-refugio", "?limit=1")).json()
    rest = (await ask(issuer_app, "ngo-refugio", f"?cursor={first['next_cursor']}")).json()
    assert [each["id"] for each in (*first["items"], *rest["items"])] == ours


async def test_who_reads_no_referrals_asks_for_nobody(issuer_app: FastAPI) -> None:
    assert (await ask(issuer_app, "anonymous")).status_code == 401
    assert (await ask(issuer_app, "health-cluster")).status_code == 403
    assert (await ask(issuer_app, "ngo-refugio", "?name=a")).status_code == 422


async def test_an_auditor_reads_names_of_all_whom_the_record_names(issuer_app: FastAPI) -> None:
    theirs = await add(issuer_app, "c.salas", SALUD)
    for query in (f"?id={theirs}", "?sign_in_name=c.salas"):
        found = (await ask(issuer_app, "auditor", query)).json()["items"]
        assert [each["id"] for each in found] == [theirs]
    assert (await ask(issuer_app, "auditor")).json()["items"] == []
    assert (await ask(issuer_app, "ngo-refugio", "?sign_in_name=c.salas")).json()["items"] == []


async def test_roles_carry_their_permissions_and_a_coordinator_needs_an_area(
    issuer_app: FastAPI,
) -> None:
    new = {"sign_in_name": "d.mora", "organisation_id": REFUGIO, "roles": ["coordinator"]}
    path = "/identity/v1/people"
    async with AsyncClient(transport=ASGITransport(issuer_app), base_url=ISSUER) as http:

        def headers() -> dict[str, str]:
            return keyed(bearer("im-officer", audience="ruta-issuer"))

        refused = await http.post(path, json=new, headers=headers())
        assert refused.status_code == 422, refused.text
        assert refused.json()["pointer"] == "/aors"
        made = await http.post(path, json={**new, "aors": ["GBV"]}, headers=headers())
        assert made.status_code == 201, made.text
        assert "directory:curate" in made.json()["scopes"]
        assert "referrals:write" not in made.json()["scopes"]
        one = f"{path}/{made.json()['id']}"
        version = {"If-Match": made.headers["ETag"]}
        taken = await http.patch(one, json={"aors": []}, headers=headers() | version)
        assert taken.status_code == 422, taken.text
        changes = (await http.get("/identity/v1/changes", headers=headers())).json()["items"]
    assert changes[0]["target_name"].startswith("d.mora")


async def test_an_administrator_finds_people_by_name_organisation_role_and_state(
    issuer_app: FastAPI,
) -> None:
    ours = await add(issuer_app, "e.luna_x", REFUGIO)
    await add(issuer_app, "e.lunaax", SALUD)
    asked = {
        "search=luna_x": ["e.luna_x"],
        f"search=LUNA&organisation_id={SALUD}": ["e.lunaax"],
        "search=luna&role=supervisor": [],
        "search=luna&role=caseworker&active=true": ["e.luna_x", "e.lunaax"],
        "search=luna&active=false": [],
    }
    headers = bearer("im-officer", audience="ruta-issuer")
    async with AsyncClient(transport=ASGITransport(issuer_app), base_url=ISSUER) as http:
        for query, names in asked.items():
            listed = await http.get(f"/identity/v1/people?{query}", headers=headers)
            assert [one["sign_in_name"] for one in listed.json()["items"]] == names, query
        clients = await http.get("/identity/v1/clients?search=im-OFF&role=im", headers=headers)
        assert [one["id"] for one in clients.json()["items"]] == ["im-officer"]
        changes = await http.get(f"/identity/v1/changes?target={ours}", headers=headers)
        assert {one["target"] for one in changes.json()["items"]} == {ours}
        refused = await http.get("/identity/v1/people?role=boss", headers=headers)
    assert refused.status_code == 422
