"""The parts of a request that reach a service, and the parts of a response that reach the client."""

import hashlib
import re
from uuid import UUID

import httpx
import pytest
from gateway.front.edge.headers import SecurityHeaders

from tests.gateway.whole_gateway import Gateway


def test_a_service_learns_who_calls_only_from_the_internal_token(gateway: Gateway) -> None:
    with gateway.client() as http:
        seen = http.get(
            "/directory/v1/services?q=agua%20potable&page=2",
            headers=gateway.bearer("gbv-coordinator")
            | {
                "X-Organisation": "forged",
                "X_Tenant": "forged",
                "X-Forwarded-For": "203.0.113.9",
                "Ruta-Source": "forged",
                "Ruta-Client-Authorization": "forged",
                "Connection": "X-Tenant",
                "X-Tenant": "forged",
                "Accept-Language": "es",
                "Cookie": "a=b",
            },
        ).json()
    assert (seen["path"], seen["query"]) == ("/directory/v1/services", "q=agua%20potable&page=2")
    names = {name for name, _ in seen["headers"]}
    assert names <= {
        "host",
        "accept",
        "accept-language",
        "authorization",
        "x-request-id",
        "traceparent",
    }
    assert not any("forged" in value for _, value in seen["headers"])
    claims = seen["claims"]
    assert claims["client_id"] == "gbv-coordinator"
    assert claims["aud"] == "ruta-directory"
    assert claims["exp"] - claims["iat"] <= 60
    assert claims["aors"] == ["GBV"]


def test_each_service_gets_a_token_for_itself(gateway: Gateway) -> None:
    with gateway.client() as http:
        for prefix, audience in (
            ("/referrals/v1", "ruta-referrals"),
            ("/reports/v1", "ruta-reporting"),
        ):
            seen = http.get(f"{prefix}/x", headers=gateway.bearer()).json()
            assert seen["claims"]["aud"] == audience


def test_an_anonymous_caller_gets_a_token_that_says_so(gateway: Gateway) -> None:
    claims = httpx.get(f"{gateway.url}/directory/v1/services").json()["claims"]
    assert (claims["sub"], claims["scope"], claims["roles"]) == ("anonymous", "", [])


def test_an_answer_shows_nothing_of_the_service_and_is_data_only(gateway: Gateway) -> None:
    identity = {"Accept-Encoding": "identity"}
    answer = httpx.get(f"{gateway.url}/directory/v1/services", headers=identity)
    assert answer.headers["etag"] == '"7"'
    for hidden in ("x-internal-host", "x-powered-by", "set-cookie", "server"):
        assert hidden not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["cache-control"] == "no-store"


def test_a_request_id_is_the_clients_or_a_new_one(gateway: Gateway) -> None:
    url = f"{gateway.url}/directory/v1/x"
    mine = httpx.get(url, headers={"X-Request-Id": "my-request-0001"})
    assert mine.headers["x-request-id"] == "my-request-0001"
    assert dict(mine.json()["headers"])["x-request-id"] == "my-request-0001"
    other = httpx.get(url, headers={"X-Request-Id": "bad id!"})
    assert UUID(other.headers["x-request-id"])


def test_trace_context_is_passed_on_or_begun(gateway: Gateway) -> None:
    url = f"{gateway.url}/directory/v1/x"
    given = f"00-{'a' * 32}-{'b' * 16}-01"
    assert (
        dict(httpx.get(url, headers={"traceparent": given}).json()["headers"])["traceparent"]
        == given
    )
    for bad in (f"00-{'0' * 32}-{'b' * 16}-01", "nonsense", f"01-{'a' * 32}-{'b' * 16}-01"):
        begun = dict(httpx.get(url, headers={"traceparent": bad}).json()["headers"])["traceparent"]
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", begun)
        assert begun != bad


@pytest.mark.parametrize("size", [0, 5, 70_000, 3_000_000])
def test_a_body_arrives_whole_with_length_and_in_chunks(gateway: Gateway, size: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    body = body[:size]
    url = f"{gateway.url}/directory/v1/imports"
    headers = gateway.bearer() | {"Content-Type": "text/csv"}
    whole = httpx.post(url, content=body, headers=headers).json()
    pieces = [body[i : i + 10_000] for i in range(0, size, 10_000)]
    chunked = httpx.post(url, content=iter(pieces), headers=headers).json()
    for seen in (whole, chunked):
        assert (seen["size"], seen["sha256"]) == (size, hashlib.sha256(body).hexdigest())


def test_a_long_answer_streams(gateway: Gateway) -> None:
    with httpx.stream("GET", f"{gateway.url}/reports/v1/stream-20") as answer:
        assert sum(len(chunk) for chunk in answer.iter_raw()) == 20 * 1024 * 1024


def test_a_body_beyond_the_limit_is_refused_with_a_pointer(gateway: Gateway) -> None:
    url = f"{gateway.url}/oauth/token"
    declared = httpx.post(url, content=b"x" * 20_000)
    assert declared.status_code == 413
    assert declared.json()["pointer"] == ""
    chunked = httpx.post(url, content=iter([b"x" * 10_000, b"y" * 10_000]))
    assert (chunked.status_code, chunked.json()["code"]) == (413, "too_large")


def test_a_service_that_answers_before_the_body_is_sent_is_heard(gateway: Gateway) -> None:
    answer = httpx.post(
        f"{gateway.url}/directory/v1/early", content=b"x" * 5_000_000, headers=gateway.bearer()
    )
    assert (answer.status_code, answer.json()) == (413, {"early": True})


def test_a_head_request_has_the_head_only(gateway: Gateway) -> None:
    answer = httpx.head(f"{gateway.url}/directory/v1/services")
    assert answer.status_code == 200
    assert answer.content == b""
    assert int(answer.headers["content-length"]) > 0


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/directory", "/directory/v2/services", "/internal/directory/openapi.json"],
)
def test_what_is_not_in_the_route_table_does_not_exist(gateway: Gateway, path: str) -> None:
    before = gateway.counts()["seen"]
    answer = httpx.get(gateway.url + path, headers=gateway.bearer())
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert gateway.counts()["seen"] == before


def test_who_opens_an_address_gets_a_page_when_something_is_wrong(gateway: Gateway) -> None:
    opened = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Mode": "navigate"}
    for path, status in (("/ayuda", 404), ("/identity/v1/clients", 401)):
        for language, word in (("es", "inicio"), ("en", "start")):
            headers = opened | {"Accept-Language": language}
            answer = httpx.get(f"{gateway.url}{path}", headers=headers)
            assert answer.status_code == status
            assert answer.headers["content-type"] == "text/html; charset=utf-8"
            assert answer.text.count(f'<html lang="{language}">') == 1
            assert word in answer.text
            assert answer.headers["x-request-id"] in answer.text
    phone = httpx.get(f"{gateway.url}/ayuda", headers={"Accept": "text/html"})
    assert phone.headers["content-type"] == "text/html; charset=utf-8", (
        "an old one, without Sec-Fetch"
    )
    script = httpx.get(f"{gateway.url}/ayuda", headers=opened | {"Sec-Fetch-Mode": "cors"})
    assert script.headers["content-type"] == "application/problem+json"


def test_a_services_problem_is_a_page_for_a_person_too(gateway: Gateway) -> None:
    opened = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
    answer = httpx.get(f"{gateway.url}/directory/v1/problem", headers=opened)
    assert (answer.status_code, "etag" in answer.headers) == (404, False)
    assert "Aquí no hay nada" in answer.text
    assert "There is nothing here" in answer.text
    assert "not_found" in answer.text
    again = httpx.get(f"{gateway.url}/directory/v1/problem")
    assert again.json()["code"] == "not_found"


def test_the_address_alone_leads_people_to_the_start_and_programs_to_the_description(
    gateway: Gateway,
) -> None:
    for language, title in (("es", "¿En qué podemos ayudarle?"), ("en", "How can we help?")):
        headers = {"Accept": "text/html", "Accept-Language": language}
        page = httpx.get(f"{gateway.url}/", headers=headers)
        assert (page.status_code, title in page.text) == (200, True)
        assert len(page.content) <= 10_000
        asked = httpx.get(f"{gateway.url}/?language={language}", headers={"Accept": "text/html"})
        assert asked.headers["content-language"] == language
    assert httpx.get(f"{gateway.url}/").headers["location"] == "/docs"


def test_no_answer_leads_a_client_to_another_address(gateway: Gateway) -> None:
    """No response redirects a client, because the client would send its body and secret to the new address."""
    for where, status in (
        ("/directory/v1/services", 307),
        (f"{gateway.url}/directory/v1/services", 307),
        (f"{gateway.witnesses['directory']}/directory/v1/services", 500),
        ("//elsewhere.example/", 500),
        ("/\\elsewhere.example/", 500),
        (f"{gateway.url}.elsewhere.example/", 500),
    ):
        answer = httpx.get(f"{gateway.url}/directory/v1/leads-{where.encode().hex()}")
        led = answer.headers.get("location")
        assert (answer.status_code, led) == (status, where if status == 307 else None), where


def test_a_slash_at_the_end_of_the_token_endpoint_leads_nowhere(gateway: Gateway) -> None:
    form = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}
    answer = httpx.post(f"{gateway.url}/oauth/token/", data=form)
    assert (answer.status_code, answer.headers.get("location")) == (404, None)


@pytest.mark.parametrize("https", [True, False])
def test_browsers_are_told_to_frame_nothing_and_to_come_by_tls_alone(https: bool) -> None:
    headers: list[tuple[bytes, bytes]] = []
    SecurityHeaders(https=https).add_to(headers)
    said = dict(headers)
    assert b"frame-ancestors 'none'" in said[b"content-security-policy"]
    assert (b"strict-transport-security" in said) is https
    assert (said[b"x-content-type-options"], said[b"cache-control"]) == (b"nosniff", b"no-store")
