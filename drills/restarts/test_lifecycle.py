"""`up` and `down` over the life of a data directory."""

import os
import signal
import time

import psutil
import pytest
from stack.embedded.lock import is_locked

from tests.support.system import System, processes_on, until

pytestmark = [pytest.mark.system, pytest.mark.slow]
CASES = "/referrals/v1/cases"


def new_case(system: System) -> str:
    answer = system.running.request(
        "ngo-refugio",
        "POST",
        CASES,
        json={"identity": {"name": "Persona Ficticia"}, "area": "VE2313"},
        headers={"Idempotency-Key": '"kept-over-restarts"'},
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_a_second_up_on_the_same_data_keeps_all(system: System) -> None:
    case = new_case(system)
    services = system.running.request(None, "GET", "/directory/v1/services").json()["total_items"]
    token = system.running.token("ngo-refugio")
    system.down()
    assert not is_locked(system.layout)
    assert processes_on(system.layout.root) == []
    system.up()
    assert system.running.request("ngo-refugio", "GET", f"{CASES}/{case}").status_code == 200
    again = system.running.request(None, "GET", "/directory/v1/services").json()["total_items"]
    assert again == services
    assert new_case(system) == case, "the stored answer of a command outlives a restart"
    old = system.running.http.get(CASES, headers={"Authorization": f"Bearer {token}"})
    assert old.status_code in (200, 401), (
        "a token is bound to its issuer's address, not to a process"
    )


def test_a_killed_supervisor_leaves_nothing_in_the_way_of_the_next(system: System) -> None:
    case = new_case(system)
    supervisor = system.state.pid
    left = set(system.state.processes.values())
    os.kill(supervisor, signal.SIGKILL)
    until(lambda: not is_locked(system.layout), "the lock is free")
    system.up()
    assert not left & set(system.state.processes.values())
    assert system.running.request("ngo-refugio", "GET", f"{CASES}/{case}").status_code == 200


@pytest.mark.parametrize("name", ["referrals", "postgres", "nats"])
def test_a_frozen_process_is_noticed_and_replaced(system: System, name: str) -> None:
    """The front refuses callers within five seconds and serves them again afterwards."""
    case, former = new_case(system), system.state.processes[name]
    for process in (*psutil.Process(former).children(recursive=True), psutil.Process(former)):
        process.suspend()
    if name == "referrals":
        began = time.monotonic()
        assert system.running.request("ngo-refugio", "GET", CASES).status_code == 503
        assert time.monotonic() - began <= 5
    until(lambda: system.restarted(name, former), f"{name} is up again")
    until(lambda: _status(system, f"{CASES}/{case}") == 200, "cases can be read")


def _status(system: System, path: str) -> int:
    return system.running.request("ngo-refugio", "GET", path).status_code


def test_status_tells_what_is_down(system: System) -> None:
    assert system.ruta("status").returncode == 0
    system.hold("reporting")
    former = system.kill("reporting")
    try:
        told = system.ruta("status", check=False)
        assert told.returncode == 1
    finally:
        system.release("reporting")
    until(lambda: system.restarted("reporting", former), "reporting is up again")
