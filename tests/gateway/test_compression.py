"""The front compresses text for clients that accept it, but never next to a secret."""

import gzip

import httpx
import pytest
from gateway.front.edge.compression import marked, takes_gzip
from gateway.front.routes import RouteTable

from tests.gateway.whole_gateway import Gateway

LONG = "q=" + "agua" * 500
GZIP = {"Accept-Encoding": "gzip"}


def raw(
    gateway: Gateway, path: str, method: str = "GET", **headers: str
) -> tuple[httpx.Response, bytes]:
    """Return the response and its body before decompression."""
    with gateway.client() as http, http.stream(method, path, headers=headers) as answer:
        return answer, b"".join(answer.iter_raw())


@pytest.mark.parametrize(
    ("given", "takes"),
    [
        (None, False), (b"", False), (b"identity", False), (b"gzip", True), (b"br, GZIP;q=0.5", True),
        (b"*", True), (b"gzip;q=0, *", False), (b"*;q=0", False), (b"gzip;q=none", False),
        (b"x-gzip", True), (b"deflate, br", False),
    ],
)  # fmt: skip
def test_who_takes_gzip(given: bytes | None, takes: bool) -> None:
    assert takes_gzip(given) is takes


def test_a_long_text_is_compressed_and_a_short_one_is_not(gateway: Gateway) -> None:
    answer, body = raw(gateway, f"/directory/v1/services?{LONG}", **GZIP)
    assert answer.headers["content-encoding"] == "gzip"
    # A body that arrives after its headers is compressed as a stream, without a known length.
    assert int(answer.headers.get("content-length", len(body))) == len(body) < 1024
    assert "agua" * 500 in gzip.decompress(body).decode()
    assert answer.headers["vary"] == "Accept-Encoding"
    plain, body = raw(gateway, f"/directory/v1/services?{LONG}", **{"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == "Accept-Encoding"
    assert b"agua" in body
    short, _ = raw(gateway, "/directory/v1/early", **GZIP)
    assert "content-encoding" not in short.headers


def test_a_weak_etag_is_the_same_for_every_encoding() -> None:
    assert marked(b'W/"7"') == b'W/"7"'
    assert marked(b'"7"') == b'"7-gzip"'


def test_each_representation_has_its_own_etag_and_the_service_sees_only_its_own(
    gateway: Gateway,
) -> None:
    answer, _ = raw(gateway, f"/directory/v1/services?{LONG}", **GZIP)
    assert answer.headers["etag"] == '"7-gzip"'
    with gateway.client() as http:
        for name in ("If-Match", "If-None-Match"):
            seen = http.get("/directory/v1/x", headers={name: '"7-gzip", "8"'}).json()
            assert dict(seen["headers"])[name.lower()] == '"7", "8"'


def test_a_part_of_an_answer_is_sent_as_it_is(gateway: Gateway) -> None:
    answer, _ = raw(gateway, f"/directory/v1/services?{LONG}", **GZIP, Range="bytes=0-5")
    assert "content-encoding" not in answer.headers


def test_a_stream_is_compressed_as_it_passes(gateway: Gateway) -> None:
    answer, body = raw(gateway, "/directory/v1/lines-2", **GZIP)
    assert answer.headers["content-encoding"] == "gzip"
    assert len(body) < 100_000
    assert gzip.decompress(body) == b"x" * 2 * 1024 * 1024


def test_what_is_no_text_is_left_alone(gateway: Gateway) -> None:
    answer, body = raw(gateway, "/directory/v1/stream-1", **GZIP)
    assert "content-encoding" not in answer.headers
    assert len(body) == 1024 * 1024


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/referrals/v1/line"),
        ("POST", "/referrals/v1/consents"),
        ("GET", "/referrals/v1/answer/abc"),
        ("POST", "/oauth/token"),
        ("GET", "/oauth/authorize"),
        ("POST", "/identity/v1/clients"),
    ],
)
def test_nothing_is_compressed_beside_a_secret(method: str, path: str) -> None:
    route = RouteTable().find(path)
    assert route is not None
    assert route.holds_secrets(method, path)


def test_an_answer_of_a_secret_route_goes_as_it_is(gateway: Gateway) -> None:
    answer, _ = raw(gateway, f"/referrals/v1/answer/abc?{LONG}", **GZIP)
    assert answer.status_code == 200
    assert "content-encoding" not in answer.headers


def test_the_api_description_and_its_page_are_compressed_and_the_parts_kept(
    gateway: Gateway,
) -> None:
    page = httpx.get(f"{gateway.url}/docs").text
    script = next(part for part in page.split('"') if part.endswith("swagger-ui-bundle.js"))
    answer, body = raw(gateway, script, **GZIP)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert len(body) < 500_000 < len(gzip.decompress(body))
    description, _ = raw(gateway, "/openapi.json", **GZIP)
    assert description.status_code == 200
