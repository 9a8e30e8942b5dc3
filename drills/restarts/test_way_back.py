"""An upgrade can be undone, and an older release refuses a newer release's data at once."""

import json
import time
from pathlib import Path

import pytest

from drills.restarts.test_backup import erase, name_of, new_case
from tests.support.system import System, until

pytestmark = [pytest.mark.system, pytest.mark.slow]


def newer(file: Path) -> None:
    """Make the data look like a later release's data."""
    written = json.loads(file.read_text())
    file.write_text(json.dumps(written | {"release": "9.9.9", "referrals": "9999"}))


def test_an_older_release_refuses_what_a_newer_one_wrote(system: System, tmp_path: Path) -> None:
    kept = new_case(system, "Persona Guardada")
    folder, key = tmp_path / "before", tmp_path / "key"
    system.ruta("backup", str(folder), "--key-file", str(key), "--new-key")
    system.ruta("upgrade", str(folder), "--key-file", str(key))
    system.close()
    system.down()

    newer(system.layout.root / "release.json")
    begun = time.monotonic()
    refused = system.ruta("up", "--detach", "--port", "0", check=False)
    assert refused.returncode == 1
    assert "9.9.9" in refused.stderr
    assert "./ruta downgrade" in refused.stderr
    assert not (system.layout.root / "running.json").exists()
    assert time.monotonic() - begun < 10, "nothing was started"

    newer(folder / "release.json")
    refused = system.ruta("restore", str(folder), "--key-file", str(key), check=False)
    assert "cannot read" in refused.stderr
    (system.layout.root / "release.json").unlink()
    system.up()
    assert name_of(system, kept) == "Persona Guardada"


def test_downgrade_plays_the_backup_of_the_upgrade_and_keeps_what_came_since(
    system: System, tmp_path: Path
) -> None:
    kept, erased = new_case(system, "Persona Anterior"), new_case(system, "Persona Borrada")
    folder, key = tmp_path / "before", tmp_path / "key"
    system.ruta("backup", str(folder), "--key-file", str(key), "--new-key")
    system.ruta("upgrade", str(folder), "--key-file", str(key))
    system.close()
    since = [new_case(system, f"Persona {number}") for number in range(3)]
    erase(system, erased)
    tombstones = system.layout.tombstones_file
    until(lambda: tombstones.exists() and erased["id"] in tombstones.read_text(), "it is listed")
    told = tombstones.read_text()
    system.down()
    newer(system.layout.root / "release.json")

    done = system.ruta("downgrade", str(folder), "--key-file", str(key))
    assert "3 cases, 0 referrals" in " ".join(done.stdout.split())
    (aside,) = system.layout.root.parent.glob(f"{system.layout.root.name}-until-*")
    assert str(aside) in done.stdout
    assert (aside / "anchors" / "tombstones.jsonl").read_text() == told
    system.up()
    assert name_of(system, kept) == "Persona Anterior"
    assert name_of(system, erased) is None, "what was erased since stays erased"
    assert [name_of(system, case) for case in since] == [None] * 3
