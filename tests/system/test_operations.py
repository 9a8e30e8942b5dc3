"""What an on-call officer does with a running stack: inspect, verify and rebuild."""

import re

import pytest

from tests.support.system import System, until

pytestmark = pytest.mark.system


@pytest.mark.slow
def test_the_doctor_finds_a_healthy_stack_healthy(system: System) -> None:
    told = ""

    def healthy() -> bool:
        nonlocal told
        done = system.ruta("doctor", check=False)
        told = done.stdout
        return done.returncode == 0

    until(healthy, "nothing to be done")
    for check in ("process gateway", "disk", "secret files", "outbox of referrals", "dead letters"):
        assert check in told


def test_the_doctor_names_what_is_wrong_and_what_to_do(system: System) -> None:
    system.layout.secrets_file.chmod(0o644)
    try:
        told = system.ruta("doctor", check=False)
        assert told.returncode == 1
        assert "secrets.json" in told.stdout
        assert "chmod 600" in told.stdout
    finally:
        system.layout.secrets_file.chmod(0o600)


@pytest.mark.slow
def test_the_audit_chain_verifies(system: System) -> None:
    assert system.ruta("audit", "verify").returncode == 0


@pytest.mark.slow
def test_what_a_service_says_on_the_terminal_is_in_the_language_of_whoever_reads_it(
    system: System,
) -> None:
    assert re.fullmatch(r"\d+ entries, 0 findings\n", system.ruta("audit", "verify").stdout)
    spanish = system.ruta("audit", "verify", RUTA_LANGUAGE="es").stdout
    assert re.fullmatch(r"\d+ entradas, 0 hallazgos\n", spanish)
    rebuilt = system.ruta("events", "replay", RUTA_LANGUAGE="es").stdout
    assert re.match(r"\d+ eventos\nantes    \S+\ndespués  \S+\niguales\n", rebuilt)


@pytest.mark.slow
def test_reporting_rebuilt_from_all_events_equals_what_it_was(system: System) -> None:
    told = system.ruta("events", "replay")
    assert "equal" in told.stdout + told.stderr


def test_an_unknown_service_is_refused_in_one_line(system: System) -> None:
    refused = system.ruta("events", "republish", "nonsense", check=False)
    assert refused.returncode == 1
    assert "no service 'nonsense'" in refused.stderr


def test_a_token_is_printed_for_scripts(system: System) -> None:
    token = system.ruta("token", "ngo-refugio").stdout
    assert token.count(".") == 2
    assert token.endswith("\n")
    answer = system.running.http.get(
        "/directory/v1/services", headers={"Authorization": f"Bearer {token.strip()}"}
    )
    assert answer.status_code == 200
