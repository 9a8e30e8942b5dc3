"""Rates, concurrency, shedding, retries, circuits, CORS, keys and revocation, on real processes."""

import json
import os
import re
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from gateway.front.edge.limits import Sources, guarded_bytes
from gateway.keys import named_jwk, rotate_internal_keys
from stack.embedded.ports import free_port
from stack.embedded.postgres import PostgresServer

from tests.gateway.whole_gateway import MEASURING, Gateway, another_front, running_gateway
from tests.support.patience import PATIENCE
from tests.support.system import until


def eventually(check: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


FORM = "/referrals/v1/intake/forms/0190a000-0000-7000-8000-0000000000f1/submissions"


def test_a_form_tool_says_its_secret_by_basic_and_is_no_anybody(gateway: Gateway) -> None:
    with (
        another_front(gateway, rate_anonymous="2/minute", rate_form="40/minute") as front,
        front.client() as http,
    ):

        def seen(**sent: Any) -> list[str]:
            answer = http.post(FORM, json={}, **sent)
            assert answer.status_code == 200, answer.text
            return [v for k, v in answer.json()["headers"] if k == "x-form-secret"]

        assert seen(auth=("anybody", "whsec_a:b+c/d=")) == ["whsec_a:b+c/d="]
        own = {"X-Form-Secret": "whsec_own"}
        assert seen(auth=("anybody", "other"), headers=own) == ["whsec_own"]
        assert seen(headers={"Authorization": "Basic ?"}) == []
        assert seen(auth=("anybody", "con espacio")) == []
        # Submissions that a form tool stored during an outage arrive all at once.
        assert {http.post(FORM, json={}, headers=own).status_code for _ in range(30)} == {200}
        wrong = [http.post(FORM, json={}, auth=("x", "wrong")).status_code for _ in range(4)]
        assert wrong == [404, 404, 429, 429], "nobody guesses faster than anybody may ask"
    with another_front(gateway, rate_anonymous="2/minute") as front, front.client() as http:
        # Submissions refused for another reason do not bypass the limit either, however many paths they use.
        paths = (f"/referrals/v1/intake/forms/{name}/submissions" for name in "abcd")
        odd = {"X-Form-Secret": "for another form"}
        sent = [http.post(path, json={}, headers=odd).status_code for path in paths]
        assert sent == [422, 422, 429, 429]
    # On all other paths, Basic credentials prove nothing.
    other = httpx.get(f"{gateway.url}/referrals/v1/cases", auth=("anybody", "whsec_own"))
    assert other.status_code == 401


def test_of_nobody_no_more_is_taken_than_people_type(gateway: Gateway) -> None:
    """The front limits bodies from anonymous callers to the size of what people type. A service may read a body before
    it knows the sender. A few large requests used all its memory, or seconds of its time."""
    much = b'{"a": "' + b"x" * 200_000 + b'"}'

    def sent(path: str, **headers: str) -> int:
        headers = {"Content-Type": "application/json", **headers}
        return httpx.post(gateway.url + path, content=much, headers=headers).status_code

    assert sent("/directory/v1/services") == 413
    assert sent("/directory/v1/services", **gateway.bearer()) == 200
    assert sent(FORM) == 200, "what a form tool sends is as long as its form"
    assert sent("/console/cases") == 401, "whoever had been signed in is told that they are not"
    in_pieces = iter([much[:1000], much[1000:]])
    assert httpx.post(f"{gateway.url}/reports/v1/x", content=in_pieces).status_code == 413


def test_each_client_and_each_anonymous_source_has_its_own_rate(gateway: Gateway) -> None:
    with (
        another_front(
            gateway,
            rate_per_client="5/minute",
            rate_anonymous="3/minute",
            trusted_proxies='["127.0.0.0/8"]',
        ) as front,
        front.client() as http,
    ):
        salud, legal = gateway.bearer("ngo-salud"), gateway.bearer("ngo-legal")
        for left in range(4, -1, -1):
            answer = http.get("/directory/v1/x", headers=salud)
            assert answer.headers["ratelimit"].startswith(f'"client";r={left};t=')
            assert answer.headers["ratelimit-policy"] == '"client";q=5;w=60'
        refused = http.get("/directory/v1/x", headers=salud)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        assert 0 < int(refused.headers["retry-after"]) <= 61
        assert http.get("/directory/v1/x", headers=legal).status_code == 200

        def anonymous(address: str) -> int:
            headers = {"X-Forwarded-For": address}
            return http.get("/directory/v1/x", headers=headers).status_code

        assert [anonymous("198.51.100.7") for _ in range(4)] == [200, 200, 200, 429]
        assert anonymous("198.51.100.8") == 200
        # Only the hop that our proxy added counts; the earlier hops are the client's claim.
        assert anonymous("203.0.113.1, 198.51.100.7") == 429
        assert [anonymous(f"2001:db8:1:2::{i}") for i in range(4)] == [200, 200, 200, 429]


def test_a_forwarded_address_is_not_believed_by_default(gateway: Gateway) -> None:
    with another_front(gateway, rate_anonymous="3/minute") as front:
        statuses = [
            httpx.get(
                f"{front.url}/directory/v1/x", headers={"X-Forwarded-For": f"198.51.100.{i}"}
            ).status_code
            for i in range(4)
        ]
    assert statuses == [200, 200, 200, 429]


def test_bad_tokens_are_counted_as_the_source_that_sends_them(gateway: Gateway) -> None:
    with another_front(gateway, rate_anonymous="3/minute") as front:
        headers = {"Authorization": "Bearer a.b.c"}
        statuses = [
            httpx.get(f"{front.url}/identity/v1/clients", headers=headers).status_code
            for _ in range(4)
        ]
    assert statuses == [401, 401, 401, 429]


def test_open_requests_of_a_client_are_bounded_and_so_are_all(gateway: Gateway) -> None:
    with another_front(gateway, concurrency_per_client="3", concurrency="5") as front:

        def slow(client: str) -> tuple[int, str | None]:
            answer = httpx.get(
                f"{front.url}/directory/v1/slow-1.5",
                headers=gateway.bearer(client),
                timeout=PATIENCE,
            )
            return answer.status_code, answer.headers.get("retry-after")

        for client in ("ngo-salud", "ngo-legal"):
            gateway.bearer(client)
        with ThreadPoolExecutor(20) as pool:
            first = [pool.submit(slow, "ngo-salud") for _ in range(5)]
            time.sleep(0.5)
            second = [pool.submit(slow, "ngo-legal") for _ in range(5)]
            mine = sorted(f.result()[0] for f in first)
            others = [f.result() for f in second]
    assert mine == [200, 200, 200, 429, 429]
    assert sorted(status for status, _ in others) == [200, 200, 503, 503, 503]
    assert all(after for status, after in others if status == 503)


def test_whoever_asks_without_a_name_leaves_places_for_those_who_are_known(
    gateway: Gateway,
) -> None:
    """Anonymous callers leave capacity for authenticated ones, even with endless bodies from many addresses."""
    slow = (
        b"POST /directory/v1/services HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        b"Content-Length: 5000\r\n\r\n{"
    )
    with (
        another_front(gateway, concurrency="10", body_idle_seconds="300") as front,
        ExitStack() as held,
    ):
        for number in range(20):
            sock = held.enter_context(socket.socket())
            sock.bind((f"127.0.2.{number + 1}", 0))
            sock.connect((front.host, front.port))
            sock.sendall(slow)

        def nobody() -> int:
            return httpx.get(f"{front.url}/directory/v1/x").status_code

        eventually(lambda: nobody() == 503)
        known = httpx.get(f"{front.url}/directory/v1/x", headers=gateway.bearer())
        assert known.status_code == 200


def test_the_guard_on_memory_stands_below_the_limit_of_the_container(tmp_path: Path) -> None:
    absent, limit = tmp_path / "absent", tmp_path / "memory.max"
    assert guarded_bytes(1_000, [absent, limit]) == 1_000
    limit.write_text("max\n")
    assert guarded_bytes(1_000, [absent, limit]) == 1_000
    limit.write_text("1000\n")
    assert guarded_bytes(1_000, [absent, limit]) == 800
    limit.write_text("5000\n")
    assert guarded_bytes(1_000, [absent, limit]) == 1_000


def test_beyond_the_memory_limit_new_requests_are_shed(gateway: Gateway) -> None:
    with another_front(gateway, memory_limit_bytes="1000000") as front:

        def shed() -> bool:
            answer = httpx.get(f"{front.url}/directory/v1/x")
            return answer.status_code == 503 and "retry-after" in answer.headers

        eventually(shed)
        assert httpx.get(f"{front.url}/healthz").status_code == 200


@pytest.fixture
def flaky() -> Iterator[tuple[str, list[bytes]]]:
    """Start an upstream that drops the first connection after reading the request, then responds."""
    seen: list[bytes] = []
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                data = connection.recv(65536)
                if b"/healthz" in data:
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                    continue
                seen.append(data)
                if len(seen) > 1:
                    connection.sendall(
                        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"
                    )

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", seen
    listener.close()


def test_only_what_cannot_do_harm_is_sent_again(
    gateway: Gateway, flaky: tuple[str, list[bytes]]
) -> None:
    url, seen = flaky
    asked: tuple[tuple[str, dict[str, str], int, int], ...] = (
        ("GET", {}, 2, 200),
        ("PUT", {}, 2, 200),
        ("POST", {}, 1, 503),
        ("POST", {"Idempotency-Key": "k1"}, 2, 200),
        ("PATCH", {}, 1, 503),
    )
    with another_front(gateway, directory_url=url) as front, front.client() as http:
        for method, headers, sent, status in asked:
            seen.clear()
            body = b"" if method == "GET" else b"abc"
            answer = http.request(method, "/directory/v1/x", headers=headers, content=body)
            assert (answer.status_code, len(seen)) == (status, sent), (method, headers)


def test_a_replica_that_is_away_costs_nobody_an_answer(gateway: Gateway) -> None:
    alive, dead = gateway.witnesses["directory"], f"http://127.0.0.1:{free_port()}"
    with another_front(gateway, directory_url=f"{dead} {alive}") as front:
        url = f"{front.url}/directory/v1/x"
        # A POST without a key may be retried too, because none of it was sent.
        for method in ("GET", "POST") * 10:
            assert httpx.request(method, url).status_code == 200
        ready = httpx.get(f"{front.url}/readyz").json()
        assert (ready["parts"]["directory"], ready["circuits"]["directory"]) == ("ok", "closed")


def test_whoever_waits_for_a_stopped_process_is_told_within_five_seconds(gateway: Gateway) -> None:
    """The stopped process accepts connections, but responds to no request or probe."""
    url, pid = f"{gateway.url}/directory/v1/x", gateway.processes["directory"].pid
    os.kill(pid, signal.SIGSTOP)
    try:
        with httpx.Client(timeout=PATIENCE) as http:
            for ask in (http.get, http.post):
                began = time.monotonic()
                answer = ask(url)
                assert (answer.status_code, answer.headers.get("retry-after")) == (503, "2")
                assert time.monotonic() - began <= 5
        assert "upstream_hangs" in gateway.log_of("front")
    finally:
        os.kill(pid, signal.SIGCONT)
    eventually(lambda: httpx.get(url).status_code == 200)


def test_replicas_share_the_work(gateway: Gateway) -> None:
    answered: list[int] = []

    class Replica(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answered.append(self.server.server_port)  # type: ignore[attr-defined]  # an HTTPServer
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the terminal quiet."""

    with (
        ThreadingHTTPServer(("127.0.0.1", 0), Replica) as one,
        ThreadingHTTPServer(("127.0.0.1", 0), Replica) as two,
    ):
        for server in (one, two):
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, daemon=True).start()
        both = f"http://127.0.0.1:{one.server_port} http://127.0.0.1:{two.server_port}"
        with another_front(gateway, directory_url=both) as front:
            answered.clear()  # The readiness check has already queried both servers.
            for _ in range(10):
                assert httpx.get(f"{front.url}/directory/v1/x").status_code == 204
        for server in (one, two):
            server.shutdown()
    assert Counter(answered) == {one.server_port: 5, two.server_port: 5}


@pytest.mark.parametrize(
    ("apart", "said"), [(None, "ok"), (0, "ok"), (-45, "the front's clock is 45 s ahead of it")]
)
def test_ready_names_a_service_whose_clock_is_apart(
    gateway: Gateway, apart: int | None, said: str
) -> None:
    """A service that sends no Date header still counts as ready."""

    class Replica(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response_only(200)
            if apart is not None:
                self.send_header("Date", self.date_time_string(round(time.time()) + apart))
            self.send_header("Content-Length", "0")
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Replica) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with another_front(
            gateway, directory_url=f"http://127.0.0.1:{server.server_port}"
        ) as front:
            parts = httpx.get(f"{front.url}/readyz").json()["parts"]
        server.shutdown()
    # A Date header has whole seconds.
    assert parts["directory"] in {said, said.replace("45", "44"), said.replace("45", "46")}
    assert ("remedy" in parts) == bool(apart)


@pytest.mark.slow
def test_a_service_that_is_away_is_503_then_the_circuit_opens_and_closes_again(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("circuit")
    with running_gateway(postgres, folder, database="issuer_circuit") as gateway:
        url = f"{gateway.url}/directory/v1/x"
        assert httpx.get(url).status_code == 200
        gateway.processes["directory"].stop(signal.SIGKILL)

        def opened() -> bool:
            answer = httpx.get(url)
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "2"
            ready = httpx.get(f"{gateway.url}/readyz").json()
            return bool(ready["circuits"]["directory"] == "open")

        eventually(opened)
        ready = httpx.get(f"{gateway.url}/readyz")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        assert httpx.get(f"{gateway.url}/reports/v1/x").status_code == 200
        assert (
            "ruta_gateway_circuit_open"
            in httpx.get(f"{gateway.url}/metrics", headers=MEASURING).text
        )
        gateway.processes["directory"].start()
        eventually(lambda: httpx.get(url).status_code == 200)

        # Without the issuer, known keys keep working and nobody gets a new token.
        headers = gateway.bearer()
        gateway.processes["issuer"].stop(signal.SIGKILL)
        assert httpx.get(url, headers=headers).status_code == 200
        assert httpx.post(f"{gateway.url}/oauth/token").status_code == 503


@pytest.mark.slow
def test_a_rotated_key_is_learnt_at_once_and_the_old_one_still_verifies(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("rotation")
    with running_gateway(
        postgres,
        folder,
        database="issuer_rotation",
        keys_throttle_seconds="0.5",
        keys_refresh_seconds="3600",
    ) as gateway:
        url = f"{gateway.url}/directory/v1/x"
        old = gateway.bearer()
        admin = gateway.bearer("im-officer")
        for _ in range(3):
            rotated = httpx.post(f"{gateway.url}/identity/v1/keys/rotate", headers=admin)
            assert rotated.status_code == 200
            time.sleep(1.1)  # The issuer checks its key files once a second.
            fresh = Gateway(folder, gateway.port, gateway.issuer_port, {})
            assert httpx.get(url, headers=fresh.bearer()).status_code == 200
            assert httpx.get(url, headers=old).status_code == 200

        # The key between the front and the services changes during requests.
        pem, jwks = folder / "internal.pem", folder / "internal-jwks.json"
        turning = threading.Thread(target=rotate_internal_keys, args=(pem, jwks))
        turning.start()
        while turning.is_alive():
            assert httpx.get(url, headers=old).status_code == 200
        later = Gateway(folder, gateway.port, gateway.issuer_port, {}).bearer()
        jwks.write_text(json.dumps({"keys": [named_jwk(pem.read_text())]}))  # Remove the old key.
        time.sleep(1.1)
        assert httpx.get(url, headers=later).status_code == 200
        assert gateway.counts()["unauthenticated"] == 0


def test_a_revoked_client_is_out_within_seconds(gateway: Gateway) -> None:
    admin = gateway.bearer("im-officer")
    url = f"{gateway.url}/identity/v1/clients"
    made = httpx.post(
        url,
        headers=admin,
        json={
            "id": f"short-lived-{free_port()}",
            "organisation_id": "0190a000-0000-7000-8000-000000000003",
            "name": "x",
            "roles": ["reader"],
            "scopes": ["directory:read"],
        },
    ).json()
    token = httpx.post(
        f"{gateway.url}/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(made["id"], made["secret"]),
    ).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    seen = f"{gateway.url}/directory/v1/x"
    assert httpx.get(seen, headers=headers).status_code == 200
    etag = httpx.get(f"{url}/{made['id']}", headers=admin).headers["etag"]
    off = httpx.patch(
        f"{url}/{made['id']}", headers=admin | {"If-Match": etag}, json={"active": False}
    )
    assert off.status_code == 200
    eventually(lambda: httpx.get(seen, headers=headers).status_code == 401, seconds=60)


def test_a_front_that_never_read_what_was_withdrawn_believes_nobody(gateway: Gateway) -> None:
    """A front that starts while the issuer has its keys but no database accepts no token."""
    issuer = f"http://127.0.0.1:{gateway.issuer_port}"
    away, asked = threading.Event(), threading.Event()
    away.set()

    class Issuer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            withdrawn = self.path.endswith("/revocations")
            if withdrawn and away.is_set():
                asked.set()
                self.send_error(503)
                return
            authorization = {"Authorization": self.headers.get("Authorization", "")}
            answer = httpx.get(issuer + self.path, headers=authorization)
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

    headers = gateway.bearer()
    with ThreadingHTTPServer(("127.0.0.1", 0), Issuer) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        with another_front(gateway, ready=False, issuer_url=url) as front:
            assert asked.wait(PATIENCE)
            seen = f"{front.url}/directory/v1/x"
            eventually(lambda: can_reach(f"{front.url}/healthz"))
            for _ in range(20):  # Its keys arrive meanwhile.
                refused = httpx.get(seen, headers=headers)
                assert refused.status_code == 503
                assert refused.headers["retry-after"] == "2"
                time.sleep(0.05)
            ready = httpx.get(f"{front.url}/readyz")
            assert ready.status_code == 503
            parts = ready.json()["parts"]
            assert (parts["token_keys"], parts["revocations"]) == ("ok", "unavailable")
            assert httpx.get(seen).status_code == 200, "what is for all needs nobody's token"
            away.clear()
            eventually(lambda: httpx.get(seen, headers=headers).status_code == 200)
            assert httpx.get(f"{front.url}/readyz").status_code == 200
        server.shutdown()


def can_reach(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.HTTPError:
        return False


def test_only_origins_of_the_settings_may_call_from_a_browser(gateway: Gateway) -> None:
    with another_front(gateway, cors_origins='["https://console.example"]') as front:
        ask = {"Access-Control-Request-Method": "POST"}
        url = f"{front.url}/referrals/v1/cases"
        good = httpx.options(url, headers={**ask, "Origin": "https://console.example"})
        assert good.status_code == 204
        assert good.headers["access-control-allow-origin"] == "https://console.example"
        assert "access-control-allow-credentials" not in good.headers
        assert (
            httpx.options(url, headers={**ask, "Origin": "https://evil.example"}).status_code == 403
        )
        foreign = httpx.get(url, headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in foreign.headers
        assert foreign.headers["vary"] == "Accept-Encoding, Origin"
    plain = httpx.get(f"{gateway.url}/referrals/v1/x", headers={"Origin": "https://a.example"})
    assert "access-control-allow-origin" not in plain.headers


def test_the_public_view_is_open_to_any_page_without_credentials(gateway: Gateway) -> None:
    origin = {"Origin": "https://any.example"}
    lists = ("services", "service_at_locations", "organizations", "taxonomies", "taxonomy_terms")
    own = "0190b000-0000-7000-8000-00000000beef"
    paths = ["", "/", *(f"/{name}" for name in lists), *(f"/{name}/{own}" for name in lists)]
    paths += ["/sync/snapshot", "/sync/changes", "/exports", "/help", "/gaps", "/pathways"]
    paths += ["/posters/VE24/GBV", "/risk-messages/page"]
    opened = [f"/directory/v1{path}" for path in paths]
    opened += [f"/reports/v1/{name}" for name in ("releases", "bulletins", "exports/page")]
    for path in (*opened, "/openapi.json"):
        answer = httpx.get(gateway.url + path, headers=origin)
        assert answer.headers["access-control-allow-origin"] == "*", path
        assert "access-control-allow-credentials" not in answer.headers
        exposed = answer.headers["access-control-expose-headers"].split(", ")
        assert {"etag", "link", "x-total-items"} <= set(exposed)
    ask = origin | {"Access-Control-Request-Method": "POST"}
    for path in ("services", "pathways/resolve", "pathways/resolve/batch"):
        preflight = httpx.options(f"{gateway.url}/directory/v1/{path}", headers=ask)
        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-origin"] == "*"
        assert "authorization" not in preflight.headers["access-control-allow-headers"]
    subscriptions = httpx.get(f"{gateway.url}/reports/v1/subscriptions", headers=origin)
    assert "access-control-allow-origin" not in subscriptions.headers
    for path in ("/directory/v1/records/services", "/directory/v1/imports", "/referrals/v1/cases",
                 f"/directory/v1/services/{own}", f"/directory/v1/services/{own}/capacity"):  # fmt: skip
        kept = httpx.options(gateway.url + path, headers=ask)
        assert "access-control-allow-origin" not in kept.headers, path
    for credentials in (gateway.bearer(), {"Cookie": "a=b"}):
        told = httpx.get(f"{gateway.url}/directory/v1/services", headers=origin | credentials)
        assert "access-control-allow-origin" not in told.headers


def test_the_access_log_names_capabilities_and_clients_but_no_person(gateway: Gateway) -> None:
    canary = "canary-7f3a9b"
    with gateway.client() as http:
        headers = gateway.bearer() | {"X-Request-Id": f"request-{canary[-6:]}"}
        http.get(f"/referrals/v1/cases/{canary}?name={canary}", headers=headers)
        http.post("/referrals/v1/line/reports", content=canary.encode(), headers=headers)
        http.get(f"/{canary}", headers=headers)
        http.get("/directory/v1/x", headers={"Authorization": f"Bearer {canary}"})
        metrics = http.get("/metrics", headers=MEASURING).text
    until(lambda: '"client_id":"ngo-refugio"' in gateway.log_of("front"), "it is in the log")
    log = gateway.log_of("front")
    assert '"route":"/referrals/v1/cases"' in log
    assert canary not in log + metrics
    assert "127.0.0.1" not in log.replace(f"127.0.0.1:{gateway.port}", "")


def test_exact_counts_of_requests_are_not_for_everybody(gateway: Gateway) -> None:
    with gateway.client() as http:
        http.get("/directory/v1/x")
        for headers in ({}, gateway.bearer(), {"Authorization": "Bearer guessed"}):
            refused = http.get("/metrics", headers=headers)
            assert refused.status_code == 401
            assert "ruta_" not in refused.text
        assert "ruta_http_requests" in http.get("/metrics", headers=MEASURING).text


def test_probes_count_neither_as_requests_nor_as_good_answers(gateway: Gateway) -> None:
    """Service levels measure what people experience. Counting a probe every second would hide a whole evening's
    errors."""
    with gateway.client() as http:

        def counted() -> float:
            text = http.get("/metrics", headers=MEASURING).text
            asked = r'^ruta_http_requests_total\{method="GET",route="front",.*\} (\S+)$'
            return sum(map(float, re.findall(asked, text, re.MULTILINE)))

        earlier = -1.0
        while earlier != (
            before := counted()
        ):  # Wait until other tests' requests have been counted.
            earlier = before
        for path in ("/healthz", "/readyz", "/metrics"):
            http.get(path)
        assert http.get("/nowhere").status_code == 404
        until(lambda: counted() != before, "the last is accounted")
        assert counted() == before + 1


def test_what_a_service_learns_of_an_address_leads_back_to_nobody() -> None:
    """A service cannot trace a person by the value that it receives for their address. Trying all addresses does not
    help either, because the key lives only as long as the process."""
    one, other = Sources(()), Sources(())
    told = one.pseudonym("203.0.113.9")
    assert told == one.pseudonym("203.0.113.9") != one.pseudonym("203.0.113.10")
    assert b"203" not in told
    assert told != other.pseudonym("203.0.113.9")
