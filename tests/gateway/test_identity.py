"""Administration of organisations, clients and people through REST."""

import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pyotp
import pytest
import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.db.session import Database
from common.errors import STALE, Problem
from fastapi import FastAPI
from gateway.issuer.clients import service as clients
from gateway.issuer.clients.schemas import ClientChange
from gateway.issuer.keys.ring import MOST_KEYS
from gateway.issuer.organisations import service as organisations
from gateway.issuer.organisations.schemas import OrganisationChange
from gateway.issuer.revocations.queries import document
from httpx import ASGITransport, AsyncClient
from jose import jwt

from tests.gateway.conftest import ISSUER, secret_of
from tests.support.principals import bearer, internal_token, organisation

REFUGIO = str(organisation(1))


@pytest.fixture
async def admin(issuer_app: FastAPI) -> AsyncIterator[AsyncClient]:
    headers = bearer("im-officer", audience="ruta-issuer")
    async with AsyncClient(
        transport=ASGITransport(issuer_app), base_url=ISSUER, headers=headers
    ) as client:
        yield client


NEW_CLIENT = {
    "id": "ngo-puente",
    "organisation_id": REFUGIO,
    "name": "Case management system",
    "roles": ["partner"],
    "scopes": ["directory:read", "referrals:read"],
}


async def token_of(issuer: AsyncClient, client: str, secret: str) -> int:
    answer = await issuer.post(
        "/oauth/token",
        data={"grant_type": "client_credentials", "client_id": client, "client_secret": secret},
    )
    return answer.status_code


@pytest.mark.parametrize("client", ["anonymous", "ngo-refugio", "gbv-coordinator", "auditor"])
async def test_only_an_administrator_gets_in(issuer_app: FastAPI, client: str) -> None:
    headers = bearer(client, audience="ruta-issuer")
    async with AsyncClient(
        transport=ASGITransport(issuer_app), base_url=ISSUER, headers=headers
    ) as http:
        for path in ("clients", "organisations", "people", "changes"):
            answer = await http.get(f"/identity/v1/{path}")
            assert answer.status_code == (401 if client == "anonymous" else 403)
        assert (await http.post("/identity/v1/clients", json=NEW_CLIENT)).status_code in {401, 403}
        assert (await http.post("/identity/v1/keys/rotate")).status_code in {401, 403}


async def test_a_new_client_gets_a_secret_once_and_can_use_it(
    admin: AsyncClient, issuer: AsyncClient, issuer_db: Database
) -> None:
    made = await admin.post("/identity/v1/clients", json=NEW_CLIENT)
    assert made.status_code == 201
    secret = made.json()["secret"]
    assert secret.startswith("ruta_")
    assert made.headers["cache-control"] == "no-store"
    assert await token_of(issuer, "ngo-puente", secret) == 200

    shown = (await admin.get("/identity/v1/clients/ngo-puente")).json()
    assert "secret" not in shown
    assert "secret_hash" not in shown
    async with issuer_db.transaction() as session:
        stored = await session.scalar(
            sa.text("SELECT secret_hash FROM clients WHERE id = 'ngo-puente'")
        )
    assert stored.startswith("$argon2id$")
    assert secret not in stored


async def test_a_renewed_secret_voids_the_old_one(admin: AsyncClient, issuer: AsyncClient) -> None:
    renewed = await admin.post("/identity/v1/clients/ngo-salud/secret")
    assert await token_of(issuer, "ngo-salud", secret_of("ngo-salud")) == 401
    assert await token_of(issuer, "ngo-salud", renewed.json()["secret"]) == 200


async def test_a_client_that_is_switched_off_gets_no_token_and_is_in_the_revocations(
    admin: AsyncClient, issuer: AsyncClient
) -> None:
    etag = (await admin.get("/identity/v1/clients/ngo-legal")).headers["etag"]
    changed = await admin.patch(
        "/identity/v1/clients/ngo-legal", json={"active": False}, headers={"If-Match": etag}
    )
    assert changed.status_code == 200
    assert await token_of(issuer, "ngo-legal", secret_of("ngo-legal")) == 401
    path = "/internal/issuer/revocations"
    assert (await issuer.get(path)).status_code == 403
    claims: dict[str, object] = {
        "sub": "ruta-gateway",
        "client_id": "ruta-gateway",
        "scope": "internal",
    }
    front = {"Authorization": f"Bearer {internal_token('ruta-issuer', claims)}"}
    assert "ngo-legal" in (await issuer.get(path, headers=front)).json()["clients"]


async def test_an_edit_needs_the_version_that_was_read(admin: AsyncClient) -> None:
    path = "/identity/v1/clients/ngo-legal"
    assert (await admin.patch(path, json={"name": "x"})).status_code == 428
    stale = await admin.patch(path, json={"name": "x"}, headers={"If-Match": '"99"'})
    assert stale.status_code == 412


@pytest.mark.parametrize(
    ("of", "path"),
    [
        (clients, "/identity/v1/clients/ngo-legal"),
        (organisations, f"/identity/v1/organisations/{organisation(2)}"),
    ],
)
async def test_whoever_was_not_seen_by_the_other_is_not_undone(
    admin: AsyncClient, issuer_db: Database, of: Any, path: str
) -> None:
    """Two administrators save the same version at once. One disables a person's account and the other sends the older
    form."""
    by = Principal(client_id="im-officer", subject="im-officer")
    name = path.rpartition("/")[2]
    async with issuer_db.transaction() as session:
        seen = await of.found(session, name if of is clients else UUID(name))
    etag = (await admin.get(path)).headers["etag"]
    off = await admin.patch(path, json={"active": False}, headers={"If-Match": etag})
    assert off.status_code == 200
    wanted = ClientChange if of is clients else OrganisationChange
    with pytest.raises(Problem) as refused:
        async with issuer_db.transaction() as session:
            await of.change(session, by, seen, wanted(name="Another name", active=True))
    assert refused.value.kind is STALE
    assert (await admin.get(path)).json()["active"] is False


async def test_keys_are_rotated_so_often_only_that_whoever_verifies_still_reads_them(
    admin: AsyncClient,
) -> None:
    """Rotation has a limit. Otherwise an hour of rotations would create a key list that the front refuses, and new
    tokens would fail."""
    answers = [await admin.post("/identity/v1/keys/rotate") for _ in range(MOST_KEYS)]
    assert {answer.status_code for answer in answers[:-2]} == {200}
    assert answers[-1].status_code == 409
    assert len(answers[-3].json()["published_kids"]) <= MOST_KEYS


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"scopes": ["everything"]}, "/scopes"),
        ({"roles": ["root"]}, "/roles"),
        ({"aors": ["XX"]}, "/aors"),
        ({"areas": ["VE9999"]}, "/areas"),
        ({"id": "No Good"}, "/id"),
        ({"organisation_id": str(uuid4())}, "/organisation_id"),
        ({"redirect_uris": ["http://evil.example/"]}, "/redirect_uris/0"),
        ({"redirect_uris": ["https://a.example/#x"]}, "/redirect_uris/0"),
        ({"secret": "mine"}, "/secret"),
        ({"name": "a\x00b"}, "/name"),
    ],
)
async def test_a_bad_client_is_refused_with_a_pointer(
    admin: AsyncClient, change: dict[str, object], pointer: str
) -> None:
    answer = await admin.post("/identity/v1/clients", json={**NEW_CLIENT, **change})
    assert answer.status_code == 422
    assert pointer in {error["pointer"] for error in answer.json()["errors"]}
    assert (await admin.get("/identity/v1/clients/ngo-puente")).status_code == 404


async def test_the_same_client_twice_is_a_conflict(admin: AsyncClient) -> None:
    assert (await admin.post("/identity/v1/clients", json=NEW_CLIENT)).status_code == 201
    assert (await admin.post("/identity/v1/clients", json=NEW_CLIENT)).status_code == 409


async def test_an_organisations_memberships_bound_its_clients(
    admin: AsyncClient, issuer: AsyncClient
) -> None:
    path = f"/identity/v1/organisations/{organisation(7)}"
    etag = (await admin.get(path)).headers["etag"]
    answer = await admin.patch(path, json={"aors": ["TIP"]}, headers={"If-Match": etag})
    assert answer.json()["aors"] == ["TIP"]
    token = await issuer.post(
        "/oauth/token",
        data={
            "grant_type": "client_credentials",
            "client_id": "tip-coordinator",
            "client_secret": secret_of("tip-coordinator"),
        },
    )
    seen = await issuer.get("/.well-known/jwks.json")
    assert seen.status_code == 200
    from jose import jwt

    assert jwt.get_unverified_claims(token.json()["access_token"])["aors"] == ["TIP"]


async def test_an_organisations_tokens_end_when_they_say_what_is_no_longer_so(
    admin: AsyncClient, issuer_db: Database
) -> None:
    path = f"/identity/v1/organisations/{organisation(7)}"
    before = (await admin.get(path)).json()

    async def changed(**wanted: object) -> bool:
        """Return whether the change revoked tokens."""
        etag = (await admin.get(path)).headers["etag"]
        body = {"name": before["name"], "aors": before["aors"], **wanted}
        answer = await admin.patch(path, json=body, headers={"If-Match": etag})
        assert answer.status_code == 200, answer.text
        async with issuer_db.transaction() as session:
            return str(organisation(7)) in (await document(session))["organisations"]

    assert not await changed(name="Otro nombre")
    assert not await changed(aors=before["aors"][::-1])
    assert await changed(aors=["TIP"])


async def test_lists_are_pages_and_changes_are_recorded(admin: AsyncClient) -> None:
    first = (await admin.get("/identity/v1/clients?limit=5")).json()
    assert len(first["items"]) == 5
    rest = await admin.get(
        "/identity/v1/clients", params={"limit": 500, "cursor": first["next_cursor"]}
    )
    ids = [c["id"] for c in first["items"] + rest.json()["items"]]
    assert ids == sorted(set(ids))
    assert "ngo-refugio" in ids

    await admin.post("/identity/v1/clients/ngo-refugio/revocation")
    newest = (await admin.get("/identity/v1/changes?limit=1")).json()["items"][0]
    assert (newest["what"], newest["target"], newest["by_client"]) == (
        "voided tokens",
        "ngo-refugio",
        "im-officer",
    )


async def test_a_token_of_an_issuer_whose_clock_is_ahead_is_voided_too(
    admin: AsyncClient, issuer: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replicas' clocks differ, so a revocation compares a token's time with the database's clock."""
    asked = {"grant_type": "client_credentials", "client_id": "ngo-legal"}
    with monkeypatch.context() as ahead:
        ahead.setattr(time, "time", lambda now=time.time: now() + 45)
        answer = await issuer.post(
            "/oauth/token", data={**asked, "client_secret": secret_of("ngo-legal")}
        )
    issued = jwt.get_unverified_claims(answer.json()["access_token"])["iat"]
    await admin.post("/identity/v1/clients/ngo-legal/revocation")
    claims: dict[str, object] = {
        "sub": "ruta-gateway",
        "client_id": "ruta-gateway",
        "scope": "internal",
    }
    front = {"Authorization": f"Bearer {internal_token('ruta-issuer', claims)}"}
    told = (await issuer.get("/internal/issuer/revocations", headers=front)).json()
    assert issued <= told["clients"]["ngo-legal"]


async def test_an_auditor_reads_who_changed_whom_and_the_look_is_in_the_record(
    admin: AsyncClient, issuer_app: FastAPI
) -> None:
    await admin.post("/identity/v1/clients/ngo-refugio/revocation")
    auditor = bearer("auditor", audience="ruta-issuer")
    path = "/identity/v1/changes/record?limit=1"
    first = (await admin.get(path, headers=auditor)).json()["items"][0]
    assert first["what"] == "voided tokens"
    own = (await admin.get(path, headers=auditor)).json()["items"][0]
    assert (own["what"], own["by_client"]) == ("read", "auditor")
    for other in ("im-officer", "gbv-coordinator"):
        headers = bearer(other, audience="ruta-issuer")
        assert (await admin.get(path, headers=headers)).status_code == 403, other


async def test_rotation_publishes_the_next_key_before_it_signs(
    admin: AsyncClient, issuer: AsyncClient
) -> None:
    before = {k["kid"] for k in (await issuer.get("/.well-known/jwks.json")).json()["keys"]}
    rotated = (await admin.post("/identity/v1/keys/rotate")).json()
    assert rotated["current_kid"] in before
    assert before < set(rotated["published_kids"])


async def test_a_person_gets_credentials_once_and_each_code_works_once(
    admin: AsyncClient, issuer_app: FastAPI, issuer_db: Database
) -> None:
    made = await admin.post(
        "/identity/v1/people",
        json={
            "sign_in_name": "m.rivas",
            "organisation_id": REFUGIO,
            "roles": ["caseworker"],
            "scopes": ["directory:read"],
        },
    )
    assert made.status_code == 201
    person = made.json()
    totp = pyotp.parse_uri(person["second_factor_uri"])
    assert isinstance(totp, pyotp.TOTP)
    from gateway.issuer.people import service

    parts = issuer_app.state.context.parts
    proofs = service.Proofs(*(parts[n] for n in ("second_factors", "recovery_codes", "passkeys")))

    async def signs_in(code: str, password: str = person["password"]) -> bool:
        attempt = service.Attempt("m.rivas", code, None, None, "here")
        async with issuer_db.transaction() as session:
            stored = (await service.admitted(session, proofs, attempt)).password_hash
            right = await parts["secrets"].matches(stored, password)
            row = await service.signed_in(session, proofs, attempt, stored if right else None)
        return row is not None

    code = totp.at(clock.now())
    assert not await signs_in(code, "wrong")
    assert not await signs_in("000000")
    assert await signs_in(code)
    assert not await signs_in(code), "a code must not work twice"
    with clock.shifted(timedelta(seconds=60)):
        assert await signs_in(totp.at(clock.now()))
