"""Follows alerts about what people experience, and their runbooks: full streams, lagging consumers, errors, slow
responses, and a single server's own backups and log.

It works like drill_runbooks.py, but counters continue at the rate measured between two readings. Run it by name,
`./ruta test drills/restarts/drill_runbooks_load.py`.
"""

import json
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from stack.errors import StackError
from stack.operate.backup.archive import oldest_waiting_seconds
from stack.operate.service_commands import attached_postgres

from drills.restarts.prometheus import (
    as_if_it_went_on,
    firing,
    firing_of,
    need_promtool,
    panel,
    panel_expression,
    scraped,
)
from tests.pages.world import RECIPIENT, first_service, must
from tests.support.system import System, until

pytestmark = [pytest.mark.system, pytest.mark.slow]
_MANY_MORE = """
CREATE TEMPORARY TABLE more AS SELECT * FROM outbox ORDER BY occurred_at DESC LIMIT 1;
UPDATE more SET published_at = NULL;
INSERT INTO outbox SELECT (json_populate_record(more, json_build_object('id', gen_random_uuid()))).*
FROM more, generate_series(1, 1100)
"""
_LONG_OPEN = """
SELECT count(*) FROM pg_stat_activity
WHERE query LIKE '%pg_sleep(3600)' AND xact_start < clock_timestamp() - interval '11 s'
"""
_DAYS = 1500
"""Minutes after which an alert of a whole day has seen enough."""
_LATER = 500
_SERVICES = "/directory/v1/services"
_RELEASES = "/reports/v1/releases"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    need_promtool()
    usb = tmp_path_factory.mktemp("usb")
    stack = System(tmp_path_factory.mktemp("watched"))
    stack.up("--demo", "--archive", str(usb / "archive"), "--archive-key", str(usb / "key"))
    yield stack
    stack.down()


def _examined(system: System) -> Mapping[str, Mapping[str, Any]]:
    told = json.loads(system.ruta("doctor", "--json", check=False).stdout)
    return {each["check"]: each for each in told}


def _asks(system: System, path: str, times: int) -> list[int]:
    return [system.running.request(RECIPIENT, "GET", path).status_code for _ in range(times)]


@contextmanager
def _held_up(system: System, database: str, table: str) -> Iterator[None]:
    """Keep a transaction open that blocks everybody else on this table."""
    sql = f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(3600)"
    ended: list[StackError] = []

    def holding() -> None:
        try:
            attached_postgres(system.layout, system.state).psql(sql, database=database)
        except StackError as error:
            ended.append(error)

    holder = threading.Thread(target=holding)
    holder.start()
    held = f"SELECT count(*) FROM pg_locks WHERE relation = '{table}'::regclass AND mode = 'AccessExclusiveLock' AND granted"
    server = attached_postgres(system.layout, system.state)
    until(lambda: server.psql(held, database=database).strip() == "1", "it is held")
    yield
    holder.join()
    assert "terminating connection" in str(ended[0])


def _ends_who_holds_up(system: System, database: str) -> None:
    """Run the command that `doctor` recommends."""
    found: list[str] = []
    server = attached_postgres(system.layout, system.state)
    # Each run of `doctor` reads the front only once, so wait until the transaction has been open long enough.
    until(lambda: server.psql(_LONG_OPEN, database=database).strip() == "1", "it is long open")

    def named() -> bool:
        found[:] = [
            each["advice"]
            for check, each in _examined(system).items()
            if re.fullmatch(rf"session \d+ of {database}", check)
        ]
        return bool(found)

    until(named, "doctor names who makes others wait")
    (command,) = re.findall(r"kill (\d+)", found[0])
    os.kill(int(command), 15)


def test_a_stream_fills(watched: System, tmp_path: Path) -> None:
    """RutaStreamFilling"""

    def holds() -> float:
        return next(
            value
            for name, value in scraped(watched).items()
            if name.startswith("ruta_stream_bytes") and 'pod="directory-0"' in name
        )

    until(lambda: holds() > 0, "it was weighed")
    nearly = int(holds() / 0.9)
    watched.down()
    watched._environment["RUTA_STREAM_MAX_BYTES"] = str(nearly)
    watched.up()
    until(lambda: "RutaStreamFilling" in firing(watched, tmp_path), "it fires")
    assert "RUTA_STREAM_MAX_BYTES" in _examined(watched)["stream of directory"]["advice"]
    watched.down()
    watched._environment["RUTA_STREAM_MAX_BYTES"] = str(2**30)
    watched.up()
    until(lambda: "RutaStreamFilling" not in firing(watched, tmp_path), "the alert ends")


def test_a_reader_lags(watched: System, tmp_path: Path) -> None:
    """RutaConsumerLag"""
    service = first_service(watched)["id"]
    path = f"{_SERVICES}/{service}/capacity"
    with _held_up(watched, "referrals", "directory_services"):
        suspended = {"functional_status": {"code": "suspended"}}
        must(watched, RECIPIENT, "PUT", path, json=suspended)
        # Publish more of the same events, as an import would.
        server = attached_postgres(watched.layout, watched.state)
        server.psql(_MANY_MORE, database="directory")
        until(lambda: "RutaConsumerLag" in firing(watched, tmp_path), "it fires")
        assert _examined(watched)["referrals reads directory/referrals"]["advice"]
        _ends_who_holds_up(watched, "referrals")
    until(lambda: "RutaConsumerLag" not in firing(watched, tmp_path), "it catches up by itself")


def test_errors_use_up_the_month_within_days(watched: System, tmp_path: Path) -> None:
    """RutaErrorsFast: 503 from all services at once points to PostgreSQL."""
    _asks(watched, _SERVICES, 1)
    _asks(watched, _RELEASES, 1)
    was = scraped(watched)
    watched.hold("postgres")
    watched.kill("postgres")
    until(lambda: {*_asks(watched, _SERVICES, 1), *_asks(watched, _RELEASES, 1)} <= {503}, "503")
    _asks(watched, _SERVICES, 10)
    _asks(watched, _RELEASES, 10)
    broken = scraped(watched)
    # On one server.
    assert "postgres" in watched.ruta("status", check=False).stdout
    found = _examined(watched)
    assert found["process postgres"]["found"] == "kept down on purpose"
    assert found["databases"]["found"] == "they are not responding"
    watched.release("postgres")
    until(lambda: watched.ruta("status", check=False).returncode == 0, "it is up again")
    until(lambda: {*_asks(watched, _SERVICES, 1), *_asks(watched, _RELEASES, 1)} <= {200}, "well")
    mended = scraped(watched)
    _asks(watched, _SERVICES, 20)
    well = scraped(watched)

    # During the recovery both kinds of responses occurred.
    lasted = as_if_it_went_on((was, broken, mended, well), (70, 1, 70))
    assert "RutaErrorsFast" in firing_of(tmp_path, lasted, 70)
    shown = panel(tmp_path, lasted, panel_expression("Errors"), 70)
    assert min(shown[_SERVICES], shown[_RELEASES]) > 0.5, "of all at once"
    assert "RutaErrorsFast" not in firing_of(tmp_path, lasted, 143)


def test_errors_use_it_up_slowly(watched: System, tmp_path: Path) -> None:
    """RutaErrorsSteady fires when two percent of one route's requests fail for a day."""
    _asks(watched, _SERVICES, 1)
    _asks(watched, _RELEASES, 1)
    server = attached_postgres(watched.layout, watched.state)
    was = scraped(watched)
    server.psql("ALTER TABLE releases RENAME TO out_of_the_way", database="reporting")
    answers = [watched.running.request(RECIPIENT, "GET", _RELEASES) for _ in range(4)]
    assert {answer.status_code for answer in answers} == {500}
    assert set(_asks(watched, _SERVICES, 196)) == {200}
    broken = scraped(watched)
    # The log lines contain the request's id and the name of the process.
    log = watched.layout.log_file.read_text(errors="replace").splitlines()
    request = answers[0].headers["x-request-id"]
    (line,) = [each for each in log if "unhandled_error" in each and request in each]
    assert json.loads(line[line.index("{") :])["service"] == "reporting"
    server.psql("ALTER TABLE out_of_the_way RENAME TO releases", database="reporting")
    assert set(_asks(watched, _RELEASES, 4)) == {200}
    assert set(_asks(watched, _SERVICES, 96)) == {200}
    well = scraped(watched)

    lasted = as_if_it_went_on((was, broken, well), (_DAYS, _LATER))
    fired = firing_of(tmp_path, lasted, _DAYS, every="10m")
    assert "RutaErrorsSteady" in fired
    assert "RutaErrorsFast" not in fired
    shown = panel(tmp_path, lasted, panel_expression("Errors"), 70)
    assert shown[_RELEASES] > 0.5
    assert shown.get(_SERVICES, 0) == 0
    assert "RutaErrorsSteady" not in firing_of(tmp_path, lasted, _DAYS + _LATER, every="10m")


def test_answers_are_slow(watched: System, tmp_path: Path) -> None:
    """RutaSlowFast fires, or RutaSlowSteady if one response in five is slow for a day."""
    first_service(watched)
    _asks(watched, _RELEASES, 1)
    was = scraped(watched)
    with _held_up(watched, "directory", "service_documents"), ThreadPoolExecutor(12) as people:
        paths = [f"{_SERVICES}?per_page={number}" for number in range(11, 23)]
        waiting = [people.submit(_asks, watched, path, 1) for path in paths]
        _ends_who_holds_up(watched, "directory")
    assert {each.result()[0] for each in waiting} <= {200, 503}
    slow = scraped(watched)
    _asks(watched, _RELEASES, 40)
    mixed = scraped(watched)
    assert set(_asks(watched, _SERVICES, 20)) == {200}
    fast = scraped(watched)

    lasted = as_if_it_went_on((was, slow, mixed, fast), (70, 1, 70))
    assert "RutaSlowFast" in firing_of(tmp_path, lasted, 70)
    shown = panel(tmp_path, lasted, panel_expression("Duration"), 70)
    assert shown[_SERVICES] > 1
    assert "RutaSlowFast" not in firing_of(tmp_path, lasted, 143)

    lasted = as_if_it_went_on((was, mixed, fast), (_DAYS, _LATER))
    fired = firing_of(tmp_path, lasted, _DAYS, every="10m")
    assert "RutaSlowSteady" in fired
    assert "RutaSlowFast" not in fired
    shown = panel(tmp_path, lasted, panel_expression("Duration"), 70)
    assert shown[_SERVICES] > 1 > shown[_RELEASES]
    assert "RutaSlowSteady" not in firing_of(tmp_path, lasted, _DAYS + _LATER, every="10m")


def test_a_whole_service_is_gone(watched: System, tmp_path: Path) -> None:
    """RutaGone fires because nothing scrapes the service, so it is not even "down"."""
    known = {name: f"{value}x70" for name, value in scraped(watched).items()}
    assert "RutaGone" not in firing_of(tmp_path, known, 70)
    gone = {name: values for name, values in known.items() if 'pod="directory-0"' not in name}
    fired = firing_of(tmp_path, gone, 70)
    assert "RutaGone" in fired
    assert "RutaDown" not in fired


def test_the_last_backup_is_old(watched: System, tmp_path: Path) -> None:
    """On a single server, `doctor` reports what RutaBackupOld reports on a cluster."""
    backup = ("backup", str(tmp_path / "backup"), "--key-file", str(tmp_path / "key"))
    watched.ruta(*backup)
    record = watched.layout.last_backup_file
    last = json.loads(record.read_text())
    long_ago = datetime.now(UTC) - timedelta(hours=40)
    record.write_text(json.dumps({**last, "at": long_ago.isoformat()}))
    assert "./ruta backup" in _examined(watched)["last backup"]["advice"]
    watched.ruta(*backup)
    assert _examined(watched)["last backup"]["ok"]


def test_the_log_does_not_leave_the_machine(watched: System) -> None:
    """On a single server, `doctor` reports what RutaLogNotArchived reports on a cluster."""
    place = Path(json.loads(watched.layout.archive_file.read_text())["folder"])
    away = place.with_name("away")
    place.rename(away)
    place.touch()  # A file in its place keeps everything from being written.
    server = attached_postgres(watched.layout, watched.state)
    must(watched, "im-officer", "GET", _RELEASES)
    server.psql("SELECT pg_switch_wal()")
    until(lambda: any(watched.layout.spool.glob("[!.]*")), "it waits beside the data")
    earlier = time.time() - 400
    for segment in watched.layout.spool.glob("[!.]*"):
        os.utime(segment, (earlier, earlier))
    assert "archive's folder" in _examined(watched)["write-ahead log"]["advice"]
    place.unlink()
    shutil.move(away, place)
    until(lambda: oldest_waiting_seconds(watched.layout.spool) < 300, "it leaves by itself")
    until(lambda: _examined(watched)["write-ahead log"]["ok"], "and doctor says so")
