"""Read-only clients for tools that support HTTP Basic. Until they expire they can read tables, but no case."""

import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from common import clock
from stack.private_files import read_private_map

from tests.support.patience import PATIENCE
from tests.support.system import System
from tests.system.test_attacks_on_services import call

pytestmark = pytest.mark.system
CLIENTS = "/identity/v1/clients"
REFUGIO = "0190a000-0000-7000-8000-000000000001"
TABLES = (
    "/directory/v1/exports?format=csv",
    "/directory/v1/gaps?area=VE&format=xlsx",
    "/directory/v1/features/collections/services/items",
    "/reports/v1/releases",
    "/reports/v1/activities",
    "/reports/v1/exports/activities?format=csv",
)


def made(system: System, **changes: Any) -> tuple[str, str]:
    body = {
        "id": f"reads-{uuid4().hex[:12]}",
        "organisation_id": REFUGIO,
        "name": "Excel of the information management team",
        "roles": ["reader"],
        "scopes": ["directory:read", "reports:read"],
        **changes,
    }
    answer = call(system, "im-officer", "POST", CLIENTS, json=body)
    assert answer.status_code == 201, answer.text
    return body["id"], answer.json()["secret"]


def secret_of(system: System, client: str) -> str:
    return read_private_map(system.layout.clients_file)[client]


def read(
    system: System, known: tuple[str, str], path: str, method: str = "GET", **more: Any
) -> httpx.Response:
    return httpx.request(method, f"{system.running.url}{path}", auth=known, timeout=60, **more)


def test_a_reader_reads_tables_by_basic_and_nothing_else(system: System) -> None:
    known = made(system)
    for path in TABLES:
        answer = read(system, known, path)
        assert answer.status_code == 200, (path, answer.text[:300])
    everybody = httpx.get(f"{system.running.url}{TABLES[0]}", timeout=60)
    assert len(read(system, known, TABLES[0]).text) > len(everybody.text), "partner level"
    for path in ("/referrals/v1/cases", "/referrals/v1/work", CLIENTS, "/directory/v1/records"):
        assert read(system, known, path).status_code == 401, path
    assert read(system, known, "/directory/v1/exports", "POST", json={}).status_code == 401
    seen = call(system, "im-officer", "GET", f"{CLIENTS}/{known[0]}").json()
    assert seen["last_used_on"] == clock.today().isoformat()


def test_a_reader_with_too_many_scopes_still_reads_no_case(system: System) -> None:
    known = made(system, scopes=["directory:read", "referrals:read"])
    assert read(system, known, "/referrals/v1/cases").status_code == 401


def test_wrong_ended_and_greater_credentials_are_refused(system: System) -> None:
    known = made(system)
    wrong = read(system, (known[0], "ruta_wrong"), TABLES[0])
    assert (wrong.status_code, wrong.headers["WWW-Authenticate"][:5]) == (401, "Basic")
    ended = made(system, ends_on=(clock.today() - timedelta(days=2)).isoformat())
    assert read(system, ended, TABLES[0]).status_code == 401
    living = made(system, ends_on=(clock.today() + timedelta(days=30)).isoformat())
    assert read(system, living, TABLES[0]).status_code == 200
    partner = read(system, ("ngo-refugio", secret_of(system, "ngo-refugio")), TABLES[0])
    assert partner.status_code == 403


def test_who_guesses_is_told_to_wait_and_not_that_the_secret_is_wrong(system: System) -> None:
    known, wrong = made(system), "ruta_wrong"
    for _ in range(30):
        answer = read(system, (known[0], wrong), TABLES[0])
        if answer.status_code != 401:
            break
    assert answer.status_code == 429, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["detail_code"] == "too_many_wrong_secrets_from_here"


def test_a_reader_that_is_switched_off_reads_nothing_more(system: System) -> None:
    known = made(system)
    assert read(system, known, TABLES[0]).status_code == 200
    path = f"{CLIENTS}/{known[0]}"
    version = call(system, "im-officer", "GET", path).headers["ETag"]
    off = call(
        system, "im-officer", "PATCH", path, json={"active": False}, headers={"If-Match": version}
    )
    assert off.status_code == 200, off.text
    deadline = time.monotonic() + PATIENCE
    while read(system, known, TABLES[0]).status_code != 401:
        assert time.monotonic() < deadline
        time.sleep(0.2)
