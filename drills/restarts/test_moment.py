"""A restore to a moment works from a base backup and the write-ahead log, after the loss of everything else."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from stack.operate.service_commands import attached_postgres

from drills.restarts.test_backup import erase, is_shredded, name_of, new_case
from tests.support.system import System, until

pytestmark = [pytest.mark.system, pytest.mark.slow]


def leave(system: System, archive: Path) -> None:
    """Ship everything written so far to the archive, as Ruta does by itself within a minute."""
    server = attached_postgres(system.layout, system.state)
    segment = server.psql("SELECT pg_walfile_name(pg_switch_wal())").strip()
    until((archive / "wal" / f"{segment}.ruta").exists, "the segment has left")


def test_the_record_comes_back_as_of_a_moment_and_the_erased_do_not(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    archive, usb, key = tmp_path / "archive", tmp_path / "usb", tmp_path / "key"
    usb.mkdir()
    lost = System(tmp_path_factory.mktemp("lost"), RUTA_SECOND_PLACES=str(usb))
    lost.up("--archive", str(archive), "--archive-key", str(key))
    before, erased = new_case(lost, "Persona Primera"), new_case(lost, "Persona Borrada")
    lost.ruta("backup", str(tmp_path / "backup"), "--key-file", str(key))
    later = new_case(lost, "Persona Segunda")
    time.sleep(1.1)  # The moment is between two transactions, even for a coarse clock.
    moment = datetime.now(UTC)
    time.sleep(1.1)
    too_late = new_case(lost, "Persona Tercera")
    erase(lost, erased)
    tombstones = usb / "tombstones.jsonl"
    until(lambda: tombstones.exists() and erased["id"] in tombstones.read_text(), "it leaves")
    leave(lost, archive)
    assert "write-ahead log" in lost.ruta("doctor", check=False).stdout
    lost.down()
    for sealed in archive.rglob("*.ruta"):
        assert b"Persona" not in sealed.read_bytes()

    found = System(tmp_path_factory.mktemp("found"))
    words = ["restore", str(archive), "--key-file", str(key), "--tombstones", str(tombstones)]
    refused = found.ruta(*words, "--until", "2020-01-01T00:00:00Z", check=False)
    assert "no base backup from before" in refused.stderr
    refused = found.ruta(*words, "--until", "2020-01-01T00:00:00", check=False)
    assert "zone" in refused.stderr
    found.ruta(*words, "--until", moment.isoformat())
    archived = ("--archive", str(archive), "--archive-key", str(key))
    refused = found.ruta("up", "--detach", *archived, check=False)
    assert "of another data directory" in refused.stderr, "its log would be written over that one"
    found.up()
    try:
        assert name_of(found, before) == "Persona Primera"
        assert name_of(found, later) == "Persona Segunda", "it was written after the base backup"
        assert name_of(found, too_late) is None, "it came after the moment"
        assert name_of(found, erased) is None
        assert is_shredded(found, erased), "at that moment the key was still there"
        assert "0 findings" in found.ruta("audit", "verify").stdout
    finally:
        found.down()
    again = lost.ruta("restore", str(tmp_path / "backup"), "--key-file", str(key))
    assert "then ./ruta backup" in again.stdout, "what is archived now belongs to no base"
