"""A backup disturbs nobody, and an interrupted backup leaves no process and no files behind."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from stack.embedded.connection import RunningStack
from stack.embedded.lock import is_locked

from tests.support.system import System, processes_on, until

pytestmark = [pytest.mark.system, pytest.mark.slow]
CASES = "/referrals/v1/cases"


@contextmanager
def partner_at_work(system: System) -> Iterator[list[int]]:
    """Register cases one after another, and collect the status of each response."""
    seen: list[int] = []
    done = threading.Event()

    def work() -> None:
        running = RunningStack(system.state.url, system.layout)
        while not done.is_set():
            answer = running.request(
                "ngo-refugio",
                "POST",
                CASES,
                json={"identity": {"name": "Persona Ficticia"}, "area": "VE2313"},
                headers={"Idempotency-Key": f'"{uuid4()}"'},
            )
            seen.append(answer.status_code)
        running.http.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield seen
    finally:
        done.set()
        worker.join()


def services(system: System) -> dict[str, int]:
    return dict(system.state.processes)


def begin(system: System, folder: Path) -> subprocess.Popen[bytes]:
    command = ["backup", str(folder), "--key-file", str(folder.parent / "key"), "--new-key"]
    return subprocess.Popen(
        [sys.executable, "-m", "stack", *command, "--data", str(system.layout.root)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def test_no_request_is_refused_and_no_process_restarts_while_a_backup_is_taken(
    system: System, tmp_path: Path
) -> None:
    before = services(system)
    with partner_at_work(system) as seen:
        system.ruta(
            "backup", str(tmp_path / "backup"), "--key-file", str(tmp_path / "key"), "--new-key"
        )
    assert len(seen) > 1
    assert set(seen) == {201}
    assert services(system) == before
    assert not system.layout.backup_copy.exists()


@pytest.mark.parametrize("how", [signal.SIGHUP, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("moment", ["copying", "dumping"])
def test_a_backup_that_is_broken_off_leaves_nothing_down(
    system: System, tmp_path: Path, how: signal.Signals, moment: str
) -> None:
    before = services(system)
    running = begin(system, tmp_path / "backup")
    copy = system.layout.backup_copy
    sign = copy / "cluster" if moment == "copying" else copy / "cluster" / "postmaster.pid"
    until(lambda: sign.exists() or running.poll() is not None, f"the backup is {moment}")
    assert running.poll() is None, "it ended before it could be broken off"
    os.kill(running.pid, how)
    running.wait()
    assert services(system) == before
    assert system.layout.holds() == []
    assert system.ruta("status").returncode == 0
    answer = system.running.request("ngo-refugio", "GET", CASES)
    assert answer.status_code == 200
    if how is not signal.SIGKILL:
        until(lambda: not copy.exists(), "the copy is removed")
        assert not processes_on(copy)
    # The next backup removes what a kill left behind, and is complete.
    system.ruta("backup", str(tmp_path / "next"), "--key-file", str(tmp_path / "key"), "--new-key")
    assert not copy.exists()
    assert not processes_on(copy)
    assert {p.name for p in (tmp_path / "next").iterdir()} == {
        "data.ruta",
        "keys.ruta",
        "release.json",
    }


def test_the_doctor_says_so_when_a_service_is_kept_down(system: System) -> None:
    system.hold("reporting")
    former = system.kill("reporting")
    try:
        until(lambda: "kept down" in system.ruta("doctor", check=False).stdout, "it says so")
        told = system.ruta("doctor", check=False)
        assert told.returncode == 1
        assert "hold-reporting" in told.stdout
    finally:
        system.release("reporting")
    until(lambda: system.restarted("reporting", former), "reporting is up again")


def test_a_start_takes_up_what_was_kept_down(system: System) -> None:
    system.hold("reporting")
    system.down()
    assert not is_locked(system.layout)
    system.up()
    assert system.layout.holds() == []
    former = system.kill("reporting")
    until(lambda: system.restarted("reporting", former), "reporting is started again")


def test_a_lost_key_of_the_backups_is_not_made_anew_in_silence(
    system: System, tmp_path: Path
) -> None:
    key, other = tmp_path / "key", tmp_path / "other"
    system.ruta("backup", str(tmp_path / "one"), "--key-file", str(key), "--new-key")
    assert "last backup" in system.ruta("doctor", check=False).stdout
    content = key.read_bytes()
    key.unlink()
    refused = system.ruta("backup", str(tmp_path / "two"), "--key-file", str(key), check=False)
    assert refused.returncode == 1
    assert "--new-key" in refused.stderr
    assert not key.exists()
    other.write_text("QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=")
    refused = system.ruta("backup", str(tmp_path / "two"), "--key-file", str(other), check=False)
    assert "another key" in refused.stderr
    assert not (tmp_path / "two").exists()
    key.write_bytes(content)
    system.ruta("backup", str(tmp_path / "two"), "--key-file", str(key))
