"""Follows alerts and their runbooks. Something breaks on a running stack, and Prometheus' own evaluation of the metrics
raises the alert. The test applies the guide's remedy, and the alert ends.

Run it by name, `./ruta test drills/restarts/drill_runbooks.py`.
"""

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from stack.operate.service_commands import attached_postgres

from drills.restarts.prometheus import firing, need_promtool
from tests.pages.world import CASES, RECIPIENT, REFERRALS, SENDER, first_service, must, sent
from tests.support.principals import organisation
from tests.support.system import System, until

pytestmark = [pytest.mark.system, pytest.mark.slow]
_HALF_A_YEAR = 190 * 86400


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    need_promtool()
    usb = tmp_path_factory.mktemp("usb") / "ruta"
    usb.mkdir()
    stack = System(tmp_path_factory.mktemp("watched"), RUTA_SECOND_PLACES=str(usb))
    stack.up("--demo")
    yield stack
    stack.down()
    shutil.rmtree(usb, ignore_errors=True)


# Metrics from other programs are missing here: kubelet, operators and certificates.
_NOBODY_MEASURES = {"RutaBackupOld"}


def _quiet(system: System, folder: Path) -> bool:
    return firing(system, folder) <= _NOBODY_MEASURES


def test_a_stack_that_is_well_is_quiet(watched: System, tmp_path: Path) -> None:
    until(lambda: _quiet(watched, tmp_path), "nothing fires")


def test_the_broker_is_away(watched: System, tmp_path: Path) -> None:
    watched.hold("nats")
    watched.kill("nats")
    until(lambda: "RutaBrokerAway" in firing(watched, tmp_path), "it fires")
    assert "nats" in watched.ruta("status", check=False).stdout
    watched.release("nats")
    until(lambda: _quiet(watched, tmp_path), "it is quiet again by itself")


def test_a_process_is_down(watched: System, tmp_path: Path) -> None:
    watched.hold("reporting")
    watched.kill("reporting")
    until(lambda: "RutaDown" in firing(watched, tmp_path), "it fires")
    told = watched.ruta("doctor", check=False).stdout
    assert "kept down on purpose" in told
    watched.layout.hold_file("reporting").unlink()  # As `doctor` says.
    until(lambda: _quiet(watched, tmp_path), "it is quiet again")


def test_a_second_place_is_away(watched: System, tmp_path: Path) -> None:
    place = Path(watched._environment["RUTA_SECOND_PLACES"])
    shutil.rmtree(place)
    place.touch()  # A file in its place keeps the copy from being written.
    until(lambda: "RutaSecondPlaceAway" in firing(watched, tmp_path), "it fires")
    place.unlink()
    place.mkdir()  # Mounted again.
    until(lambda: _quiet(watched, tmp_path), "it catches up by itself")


def test_a_key_is_old(watched: System, tmp_path: Path) -> None:
    long_ago = time.time() - _HALF_A_YEAR
    for file in watched.layout.keys.rglob("*"):
        if file.is_file():
            os.utime(file, (long_ago, long_ago))
    until(lambda: "RutaKeyOld" in firing(watched, tmp_path), "it fires")
    watched.ruta("keys", "rotate")
    until(lambda: _quiet(watched, tmp_path), "no stop, and it is quiet again")


def test_a_record_went_back(watched: System, tmp_path: Path) -> None:
    """RutaRecordWentBack: the database forgets who is accused, as a lagging standby would."""
    case = must(watched, SENDER, "POST", CASES, json={"area": "VE2313"})
    marked = {"organisation_ids": [str(organisation(2))]}
    must(watched, SENDER, "PUT", f"{CASES}/{case['id']}/implicated-organisations", json=marked)
    listed = watched.layout.restrictions_file
    until(lambda: listed.exists() and case["id"] in listed.read_text(), "it is in the list")
    _psql(
        watched,
        f"DELETE FROM implicated_organisations WHERE case_id = '{case['id']}';"
        f"DELETE FROM restrictions WHERE subject_id = '{case['id']}'",
    )
    until(lambda: "RutaRecordWentBack" in firing(watched, tmp_path), "it fires")
    again = must(watched, SENDER, "GET", f"{CASES}/{case['id']}")
    assert again["implicated_organisations"] == marked["organisation_ids"]
    watched.kill("referrals")
    until(lambda: _quiet(watched, tmp_path), "it is quiet after a start")


def test_a_clock_leapt(watched: System, tmp_path: Path) -> None:
    """RutaClockDoubted fires because the machine seems to have last run a month ago."""
    _psql(watched, "UPDATE clock_looks SET at = at - interval '30 days'")
    until(lambda: "RutaClockDoubted" in firing(watched, tmp_path), "it fires")
    assert "nothing ends on its date" in watched.ruta("doctor", check=False).stdout
    _psql(watched, "UPDATE clock_looks SET believed_from = at")  # Three days later.
    until(lambda: _quiet(watched, tmp_path), "it is believed by itself")


def test_a_clock_is_apart(watched: System, tmp_path: Path) -> None:
    """RutaClockApart fires because one database is an hour behind the directory's."""
    behind = "SELECT pg_catalog.clock_timestamp() - interval '1 hour'"
    _psql(
        watched,
        "CREATE SCHEMA behind; GRANT USAGE ON SCHEMA behind TO PUBLIC;"
        f"CREATE FUNCTION behind.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $${behind}$$;"
        "ALTER DATABASE directory SET search_path = behind, pg_catalog, public",
        "directory",
    )
    watched.kill("directory")  # So that it reconnects.

    def named() -> bool:
        return "3600 s ahead of the database" in watched.ruta("doctor", check=False).stdout

    until(named, "doctor names it")
    assert "RutaClockApart" in firing(watched, tmp_path)
    right = "ALTER DATABASE directory RESET search_path; DROP SCHEMA behind CASCADE"
    _psql(watched, right, "directory")
    watched.kill("directory")
    until(lambda: not named() and _quiet(watched, tmp_path), "it is quiet again")


def _psql(system: System, sql: str, database: str = "referrals") -> None:
    attached_postgres(system.layout, system.state).psql(sql, database=database)


def test_events_wait(watched: System, tmp_path: Path) -> None:
    watched.hold("nats")
    watched.kill("nats")
    must(watched, SENDER, "POST", CASES, json={"area": "VE2313"})
    later = "UPDATE outbox SET occurred_at = occurred_at - interval '5 minutes' WHERE published_at IS NULL"
    _psql(watched, later)
    until(lambda: "RutaOutboxOld" in firing(watched, tmp_path), "it fires")
    watched.release("nats")
    until(lambda: _quiet(watched, tmp_path), "nothing is lost, they go out by themselves")


def test_an_event_was_set_aside(watched: System, tmp_path: Path) -> None:
    service = first_service(watched)["id"]
    _psql(watched, "ALTER TABLE directory_services RENAME TO out_of_the_way")
    suspended = {"functional_status": {"code": "suspended"}}
    must(watched, RECIPIENT, "PUT", f"/directory/v1/services/{service}/capacity", json=suspended)
    until(lambda: "RutaDeadLetters" in firing(watched, tmp_path), "it fires")
    _psql(watched, "ALTER TABLE out_of_the_way RENAME TO directory_services")
    watched.ruta("events", "dead-letters", "referrals")
    until(lambda: _quiet(watched, tmp_path), "what was set aside is taken")


def test_timers_are_due_and_nobody_is_told(watched: System, tmp_path: Path) -> None:
    sent(watched)
    _psql(
        watched,
        "CREATE FUNCTION no_more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'full'; END $$;"
        "CREATE TRIGGER no_more BEFORE INSERT ON notices FOR EACH ROW EXECUTE FUNCTION no_more();"
        "UPDATE timers SET due_at = due_at - interval '30 days'",
    )
    until(lambda: "RutaEscalationsDue" in firing(watched, tmp_path), "it fires")
    log = watched.layout.log_file.read_text(errors="replace")
    assert re.search(r'"task": ?"timers"', log), "the log names the task"
    _psql(watched, "DROP TRIGGER no_more ON notices; DROP FUNCTION no_more")
    until(lambda: _quiet(watched, tmp_path), "it tells them by itself")


def test_nobody_hears_of_an_emergency(watched: System, tmp_path: Path) -> None:
    """RutaEmergencyUnheard and RutaMessagesUnheard fire. The recipient has no channel, and an operator marks messages
    as given up."""
    urgent, other = sent(watched).referral, sent(watched).referral
    _psql(
        watched,
        f"UPDATE referrals SET urgency = 'emergency', sent_at = sent_at - interval '16 minutes' WHERE id = '{urgent}';"
        f"UPDATE referrals SET unheard_at = now() WHERE id = '{other}'",
    )
    both = {"RutaEmergencyUnheard", "RutaMessagesUnheard"}
    until(lambda: both <= firing(watched, tmp_path), "they fire")
    assert "emergencies that reached nobody" in watched.ruta("doctor", check=False).stdout
    for each in (urgent, other):  # After a phone call, the recipient reads the referrals.
        must(watched, RECIPIENT, "GET", f"{REFERRALS}/{each}/disclosure")
    until(lambda: _quiet(watched, tmp_path), "it is quiet again by itself")


def test_an_erasure_is_not_told(watched: System, tmp_path: Path) -> None:
    """The evidence volume is read-only, so a restore would bring back people erased in the meantime."""
    listed = watched.layout.tombstones_file
    with _taking_nothing(listed):
        case = must(watched, SENDER, "POST", CASES, json={"area": "VE2313"})
        body = {"confirm": case["reference"], "basis": "person_request"}
        must(watched, f"{SENDER}-supervisor", "POST", f"{CASES}/{case['id']}/erase", json=body)
        until(lambda: "RutaTombstonesUntold" in firing(watched, tmp_path), "it fires")
    until(lambda: _quiet(watched, tmp_path), "it is appended by itself")
    assert len(listed.read_text().splitlines()) >= 1


@contextmanager
def _taking_nothing(listed: Path) -> Iterator[None]:
    """Put a folder where the list would be written."""
    away = listed.with_suffix(".away")
    had = listed.exists()
    if had:
        listed.rename(away)
    listed.mkdir()
    yield
    listed.rmdir()
    if had:
        away.rename(listed)


def test_a_restriction_is_not_told(watched: System, tmp_path: Path) -> None:
    """After a restore, people accused in the meantime could read the case again."""
    listed = watched.layout.restrictions_file
    with _taking_nothing(listed):
        case = must(watched, SENDER, "POST", CASES, json={"area": "VE2313"})
        marked = {"organisation_ids": [str(organisation(2))]}
        must(watched, SENDER, "PUT", f"{CASES}/{case['id']}/implicated-organisations", json=marked)
        until(lambda: "RutaRestrictionsUntold" in firing(watched, tmp_path), "it fires")
    until(lambda: _quiet(watched, tmp_path), "it is appended by itself")
    assert case["id"] in listed.read_text()
