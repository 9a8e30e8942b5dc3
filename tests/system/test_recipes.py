"""The recipes for partners' systems run exactly as printed."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

import httpx
import pytest
from stack.private_files import read_private_map

from tests.support.leaving_out import left_out
from tests.support.patience import PATIENCE
from tests.support.system import System

pytestmark = pytest.mark.system
EXAMPLES = Path(__file__).resolve().parents[2] / "docs/examples"


def environment(system: System, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "RUTA": system.running.url,
        "RUTA_DATA": str(system.layout.root),
        **more,
    }


def recipes(system: System) -> list[str]:
    done = subprocess.run(
        ["bash", str(EXAMPLES / "recipes.sh")],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        env=environment(system),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_a_batch_with_a_bad_line_an_own_reference_and_the_reasons_of_a_recall(
    system: System,
) -> None:
    first, pointers, again, found, reasons, sent, recalled = recipes(system)
    assert (first, again, found) == ("201 422 201", "201 201 201", "found")
    assert "/identity/age" in pointers
    assert "mistake" in reasons
    assert (sent, recalled) == ("sent", "recalled")


def test_a_reader_of_the_feed_that_is_killed_loses_nothing(system: System, tmp_path: Path) -> None:
    recipes(system)
    kept = tmp_path / "feed.sqlite"
    secret = read_private_map(system.layout.clients_file)["ngo-salud"]
    known = {"CLIENT": "ngo-salud", "SECRET": secret, "FEED_FILE": str(kept), "PAGE": "1"}
    command = [sys.executable, str(EXAMPLES / "feed_reader.py")]
    for seconds in (0.3, 0.5, 0.7, 0.9):
        with subprocess.Popen(command, env=environment(system, **known)) as reader:
            time.sleep(seconds)
            reader.send_signal(signal.SIGKILL)
    subprocess.run(command, check=True, timeout=PATIENCE, env=environment(system, **known))
    feed = system.running.request("ngo-salud", "GET", "/referrals/v1/feed?limit=200").json()
    assert not feed["more"]
    with closing(sqlite3.connect(kept)) as database:
        read = {row[0] for row in database.execute("SELECT id FROM notices")}
    assert read == {each["id"] for each in feed["items"]} != set()


def call(system: System, method: str, path: str, body: Any = None) -> httpx.Response:
    headers = {"Idempotency-Key": str(uuid4())}
    answer = system.running.request("ngo-refugio", method, path, json=body, headers=headers)
    assert answer.status_code < 300, answer.text
    return answer


@contextmanager
def receiving(command: list[str], secret: str, port: int, **more: str) -> Iterator[IO[str]]:
    known = {**os.environ, **more, "PORT": str(port), "WEBHOOK_SECRET": secret}
    with subprocess.Popen(command, env=known, stdout=subprocess.PIPE, text=True) as receiver:
        try:
            deadline = time.monotonic() + PATIENCE
            while not reachable(port):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert receiver.stdout is not None
            yield receiver.stdout
        finally:
            receiver.kill()


def reachable(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    ("program", "name"), [(sys.executable, "webhook_receiver.py"), ("node", "webhook_receiver.mjs")]
)
def test_a_receiver_of_thirty_lines_knows_whose_call_it_is(
    system: System, program: str, name: str
) -> None:
    if program == "node" and not any(
        (Path(folder) / "node").exists() for folder in os.environ["PATH"].split(":")
    ):
        left_out("node was not found")
    assert len((EXAMPLES / name).read_text().splitlines()) <= 30
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}/ruta"
    hook = call(system, "POST", "/referrals/v1/webhooks", {"url": address}).json()
    path = f"/referrals/v1/webhooks/{hook['id']}"
    try:
        with receiving([program, str(EXAMPLES / name)], hook["secret"], port) as said:
            forged = {
                "webhook-id": "msg_1",
                "webhook-timestamp": str(int(time.time())),
                "webhook-signature": "v1,AAAA",
            }
            body = json.dumps({"type": "referral.sent"})
            assert httpx.post(address, content=body, headers=forged).status_code == 401
            call(system, "POST", f"{path}/ping", {})
            assert said.readline().strip() == "webhook.ping"
    finally:
        call(system, "DELETE", path)


def test_a_copy_of_the_directory_follows_each_call(system: System, tmp_path: Path) -> None:
    assert len((EXAMPLES / "directory_copy.py").read_text().splitlines()) <= 110
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def asked(method: str, path: str, body: Any = None) -> Any:
        headers = {"Idempotency-Key": str(uuid4())}
        answer = system.running.request("health-cluster", method, path, json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    hooks = "/directory/v1/webhooks"
    hook = asked("POST", hooks, {"url": f"http://127.0.0.1:{port}/"})
    secret = read_private_map(system.layout.clients_file)["health-cluster"]
    kept = tmp_path / "directory.sqlite"
    known = {"CLIENT": "health-cluster", "SECRET": secret, "COPY_FILE": str(kept)}
    command = [sys.executable, str(EXAMPLES / "directory_copy.py")]
    try:
        with receiving(command, hook["secret"], port, **environment(system, **known)) as said:
            asked("POST", f"{hooks}/{hook['id']}/enable")
            assert said.readline().strip() == "copied"
            lines = system.running.request(
                "health-cluster", "GET", "/directory/v1/sync/snapshot"
            ).text.splitlines()
            with closing(sqlite3.connect(kept)) as database:
                (count,) = database.execute("SELECT count(*) FROM services").fetchone()
            assert count == json.loads(lines[-1])["services"] > 0
    finally:
        asked("DELETE", f"{hooks}/{hook['id']}")


def test_a_sandbox_is_reset_by_its_own_organisation_alone(system: System) -> None:
    organisation = made(system, "organisations", {"name": f"Sandbox {uuid4().hex}"})["id"]
    client_id = f"sandbox-{uuid4().hex[:12]}"
    body = {"id": client_id, "organisation_id": organisation, "name": "Test system"}
    rights = {"roles": ["supervisor"], "scopes": ["referrals:read", "referrals:write"]}
    secret = made(system, "clients", {**body, **rights})["secret"]
    url = system.running.url
    form = {"grant_type": "client_credentials"}
    token = httpx.post(f"{url}/oauth/token", auth=(client_id, secret), data=form).json()
    headers = {"Authorization": f"Bearer {token['access_token']}"}

    def own(method: str, path: str, **more: Any) -> Any:
        key = {"Idempotency-Key": str(uuid4())}
        at = f"{url}/referrals/v1{path}"
        answer = httpx.request(method, at, headers={**headers, **key}, timeout=PATIENCE, **more)
        assert answer.is_success, answer.text
        return answer.json()

    new: dict[str, Any] = {"identity": {"name": "Ana Ficticia", "age": 27}, "area": "VE2313"}
    for path, sent in (("/cases", new), ("/cases", new), ("/webhooks", {"url": f"{url}/x"})):
        own("POST", path, json=sent)
    other = call(system, "POST", "/referrals/v1/cases", new).json()["id"]

    def reset(named: str) -> subprocess.CompletedProcess[str]:
        known = {"CLIENT": client_id, "SECRET": secret, "ERASE_CASES_OF": named}
        return subprocess.run(
            [sys.executable, str(EXAMPLES / "reset_sandbox.py")],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
            env=environment(system, **known),
        )

    def states() -> list[str]:
        return [each["status"] for each in own("GET", "/cases")["items"]]

    assert reset(str(uuid4())).returncode == 1
    assert states() == ["open", "open"], "another organisation was named"
    assert (reset(organisation).stdout, states()) == ("2 cases erased\n", ["erased", "erased"])
    assert own("GET", "/webhooks") == []
    kept = system.running.request("ngo-refugio", "GET", f"/referrals/v1/cases/{other}").json()
    assert kept["status"] == "open"


def made(system: System, kind: str, body: Any) -> Any:
    headers = {"Idempotency-Key": str(uuid4())}
    answer = system.running.request(
        "im-officer", "POST", f"/identity/v1/{kind}", json=body, headers=headers
    )
    assert answer.status_code == 201, answer.text
    return answer.json()
