"""The whole story through the gateway, also while parts of the machine room die."""

import io
import threading

import pytest
from rich.console import Console
from stack.commands.demo import play
from stack.demo.storyteller import Storyteller
from stack.embedded.connection import RunningStack

from tests.support.system import System, until

pytestmark = pytest.mark.system


def told(running: RunningStack) -> Storyteller:
    return play(running, Console(file=io.StringIO()))


def test_the_story_holds_from_the_search_to_the_release(system: System) -> None:
    teller = told(system.running)
    assert teller.steps > 40
    called = {(method, path.split("/")[1]) for _, method, path, _ in teller.log}
    assert {"directory", "referrals", "reports"} <= {service for _, service in called}


def test_the_story_holds_a_second_time_on_the_same_data(system: System) -> None:
    told(system.running)
    told(system.running)


@pytest.mark.slow
def test_killing_the_broker_delays_the_report_and_loses_nothing(system: System) -> None:
    """Issue: killing nats during the story delays the report and loses nothing."""
    system.hold("nats")
    former = system.kill("nats")
    release = threading.Timer(6, system.release, ["nats"])
    release.start()
    try:
        told(system.running)  # its last chapter waits for the event to arrive
        assert release.finished.is_set(), "the report came although the broker was down"
    finally:
        release.join()
    until(lambda: system.restarted("nats", former), "NATS is up again")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["directory", "referrals", "reporting", "issuer", "gateway"])
def test_a_killed_process_is_started_again(system: System, name: str) -> None:
    former = system.kill(name)
    until(lambda: system.restarted(name, former), f"{name} is up again")


@pytest.mark.slow
def test_the_story_holds_while_services_are_killed(system: System) -> None:
    stop = threading.Event()

    def killer() -> None:
        for name in ("referrals", "reporting"):
            if stop.wait(0.7):
                return
            system.kill(name)

    thread = threading.Thread(target=killer)
    thread.start()
    try:
        told(system.running)
    finally:
        stop.set()
        thread.join()
    until(lambda: system.ruta("status", check=False).returncode == 0, "all are ready again")


@pytest.mark.slow
def test_killing_the_database_answers_503_and_recovers(system: System) -> None:
    system.hold("postgres")
    former = system.kill("postgres")
    try:
        until(
            lambda: (
                system.running.request("ngo-refugio", "GET", "/referrals/v1/cases").status_code
                == 503
            ),
            "503 without a database",
        )
        answer = system.running.request("ngo-refugio", "GET", "/referrals/v1/cases")
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.headers["Content-Type"].startswith("application/problem+json")
    finally:
        system.release("postgres")
    until(lambda: system.restarted("postgres", former), "PostgreSQL is up again")
    told(system.running)
