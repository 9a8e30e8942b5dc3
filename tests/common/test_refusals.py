"""A caller's mistake gets a problem detail with the remedy, never a 500."""

import logging
from collections.abc import AsyncIterator

import pytest
from common.db.session import Database
from common.http.problems import from_validation
from httpx import ASGITransport, AsyncClient

from tests.common import sample
from tests.support.principals import bearer, internal_token, keyed

URL = "/sample/v1/notes"


def test_an_error_says_the_limit_and_never_what_was_sent() -> None:
    long = {"loc": ("body", "name"), "type": "string_too_long", "msg": "at most 3",
            "ctx": {"max_length": 3, "actual_length": 9, "input": "Zzyzx"}, "input": "Zzyzx"}  # fmt: skip
    (said,) = from_validation([long]).body()["errors"]
    assert said["params"] == {"max_length": 3}
    missing = {"loc": ("body", "name"), "type": "missing", "msg": "Field required"}
    assert "params" not in from_validation([missing]).body()["errors"][0]


async def test_without_a_token_of_the_gateway_everything_is_401(api: AsyncClient) -> None:
    del api.headers["Authorization"]
    answer = await api.get(f"{URL}/count")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", ""])
async def test_a_bad_token_is_401(api: AsyncClient, token: str) -> None:
    answer = await api.get(f"{URL}/count", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


async def test_a_token_for_another_service_is_401(api: AsyncClient) -> None:
    other = bearer("ngo-refugio", audience="ruta-referrals")
    assert (await api.get(f"{URL}/count", headers=other)).status_code == 401


async def test_claims_of_the_wrong_shape_are_401(api: AsyncClient) -> None:
    claims: dict[str, object] = {"sub": "x", "client_id": "x", "roles": "im", "org": "not a uuid"}
    token = internal_token("ruta-directory", claims)
    headers = {"Authorization": f"Bearer {token}"}
    assert (await api.get(f"{URL}/count", headers=headers)).status_code == 401


async def test_the_scope_and_the_roles_that_are_missing_are_named(api: AsyncClient) -> None:
    reader = bearer("health-cluster", audience="ruta-directory")
    coordinator = bearer("gbv-coordinator", audience="ruta-directory")
    lacking_scope = await api.post(URL, json={"text": "a"}, headers=keyed(reader))
    lacking_role = await api.post(URL, json={"text": "a"}, headers=keyed(coordinator))
    assert {lacking_scope.status_code, lacking_role.status_code} == {403}
    assert lacking_scope.json()["needed_scope"] == "directory:write"
    assert "insufficient_scope" in lacking_scope.headers["WWW-Authenticate"]
    assert lacking_role.json()["needed_roles"] == ["partner"]


async def test_an_anonymous_caller_is_welcome_only_where_the_route_says_so(
    api: AsyncClient,
) -> None:
    anonymous = bearer("anonymous", audience="ruta-directory")
    assert (await api.get(f"{URL}/count", headers=anonymous)).status_code == 200
    assert (await api.post(URL, json={}, headers=keyed(anonymous))).status_code == 401


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"text": "a", "colour": "red"}, "/colour"),
        ({"text": "a\x00b"}, "/text"),
        ({"text": "+58 \u202e41\u202c 5"}, "/text"),
        ({"text": "\u2067a\u2069"}, "/text"),
        ({"text": "x" * 101}, "/text"),
        ({"text": "a", "size": "big"}, "/size"),
        ({}, "/text"),
        ([], ""),
    ],
)
async def test_a_bad_body_is_422_with_a_pointer(
    api: AsyncClient, body: object, pointer: str
) -> None:
    answer = await api.post(URL, json=body, headers=keyed({}))
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json().get("errors", [])][:1] == [pointer]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"text": ', 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b'{"text":"\\ud800"}', 422),
        (b'{"text":"a","size":99999999999999999999}', 422),
        (b"", 422),
    ],
)
async def test_hostile_bytes_are_a_clear_4xx(api: AsyncClient, content: bytes, status: int) -> None:
    headers = keyed({"Content-Type": "application/json"})
    answer = await api.post(URL, content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_a_bad_uuid_and_nul_are_4xx(api: AsyncClient) -> None:
    assert (await api.get(f"{URL}/not-a-uuid")).json()["pointer"] == "/path/note"
    assert (await api.get(f"{URL}/a%00b")).status_code == 400
    assert (await api.get(f"{URL}/count?x=%00")).status_code == 400


async def test_a_slash_at_the_end_leads_nowhere(api: AsyncClient) -> None:
    answer = await api.post(f"{URL}/", json={"text": "a"}, headers=keyed({}))
    assert (answer.status_code, answer.headers.get("location")) == (404, None)


async def test_ten_megabytes_are_413_declared_or_not(api: AsyncClient) -> None:
    declared = await api.post(URL, content=b"x" * 10_000_000, headers=keyed({}))

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * 1_000_000

    streamed = await api.post(URL, content=chunks(), headers=keyed({}))
    assert {declared.status_code, streamed.status_code} == {413}
    assert streamed.json()["code"] == "too_large"


async def test_a_mistake_of_ours_is_a_500_that_tells_no_value(
    api: AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        answer = await api.get(f"{URL}/broken/answer")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert "Canario" not in answer.text


async def test_without_the_database_it_is_503_with_retry_after(settings: sample.Settings) -> None:
    gone = Database.at("postgresql+asyncpg://a:b@127.0.0.1:1/none")
    app = sample.create_app(settings, gone)
    async with AsyncClient(
        transport=ASGITransport(app, raise_app_exceptions=False), base_url="http://sample"
    ) as client:
        headers = bearer("ngo-refugio", audience="ruta-directory")
        answer = await client.get(f"{URL}/count", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["Retry-After"]
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
    await gone.close()


async def test_ready_without_nats_is_degraded(api: AsyncClient) -> None:
    answer = await api.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")


async def test_metrics_name_routes_by_template(api: AsyncClient) -> None:
    await api.get(f"{URL}/0190a000-0000-7000-8000-000000000001")
    metrics = (await api.get("/metrics")).text
    assert 'route="/sample/v1/notes/{note}"' in metrics
    assert "0190a000" not in metrics


async def test_every_operation_describes_its_access(api: AsyncClient) -> None:
    paths = (await api.get("/openapi.json")).json()["paths"]
    write = paths[URL]["post"]
    assert write["x-ruta-access"] == {
        "anonymous": False,
        "scope": "directory:write",
        "roles": ["partner"],
    }
    assert write["parameters"][0]["required"] is True


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        (("body", "answers", "q1", 0), "/answers/q1/0"),
        (("body", "answers", "María Pérez", "name"), "/answers"),
        (("body", "answers", "0" * 5000), "/answers"),
        (("query", "from"), "/query/from"),
    ],
)
def test_a_pointer_ends_before_a_key_that_is_no_name_of_a_field(
    location: tuple[str | int, ...], shown: str
) -> None:
    found = {"loc": location, "type": "string_type", "msg": "Input should be a valid string"}
    problem = from_validation([found])
    assert problem.errors[0].pointer == shown
    assert len(problem.detail) < 200
