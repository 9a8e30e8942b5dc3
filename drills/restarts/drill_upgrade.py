"""A real upgrade: this tree starts on data of the tagged release, as the upgrade notes describe.

The former release has its own tree and environment. Its demo and past are played and a case is written; reporting's
counts are hashed; then it is backed up and stopped. This tree starts on the same data, and the rebuild from all
events, including the former release's, is equal at its first run. Then the former release restores the backup.

Needs the tag and the packages of its lock file. Run it by name, `./ruta test drills/restarts/drill_upgrade.py`.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from drills.restarts.test_backup import name_of, new_case
from tests.support.leaving_out import left_out
from tests.support.patience import PATIENCE
from tests.support.reference import ROOT
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
FORMER = "v0.1.0"
_PRESENT = ROOT / "ruta"
_HASHED = """
import sys
from pathlib import Path
try:
    from stack.embedded.layout import Layout
    from stack.operate.service_commands import ServiceCommands
except ImportError:  # v0.1.0
    from stack.layout import Layout
    from stack.service_commands import ServiceCommands
sys.exit(ServiceCommands(Layout(Path(sys.argv[1]))).run("reporting", "hash", owner=True))
"""
# The former release must not use this tree's environment, home or data directory.
_OWN = (
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "RUTA_HOME",
    "RUTA_DATA",
    "RUTA_PORT",
    "UV_PROJECT_ENVIRONMENT",
)


class Operation:
    """One server's data, and an operator who types `./ruta` of a release there."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "srv"
        self.former = folder / "former" / "ruta"
        self._environment = {name: value for name, value in os.environ.items() if name not in _OWN}

    def types(self, release: Path, *words: str, data: Path | None = None) -> str:
        done = subprocess.run(
            [str(release), *words, "--data", str(data or self.data)],
            cwd=release.parent,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def hashed(self, release: Path) -> str:
        python = release.parent / ".venv" / "bin" / "python"
        done = subprocess.run(
            [str(python), "-c", _HASHED, str(self.data)],
            env=self._environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.split()[-1]


@pytest.fixture
def operation(tmp_path: Path) -> Iterator[Operation]:
    if subprocess.run(
        ["git", "rev-parse", "--verify", "--quiet", f"{FORMER}^{{commit}}"],
        cwd=ROOT, capture_output=True, check=False,
    ).returncode:  # fmt: skip
        left_out(f"this clone has no {FORMER} (git fetch --tags)")
    here = Operation(tmp_path)
    here.former.parent.mkdir()
    tree = subprocess.run(
        ["git", "archive", FORMER], cwd=ROOT, capture_output=True, check=True
    ).stdout
    subprocess.run(["tar", "-x"], cwd=here.former.parent, input=tree, check=True)
    yield here
    for data in (here.data, tmp_path / "back"):
        if (data / "running.json").exists():
            here.types(_PRESENT, "down", data=data)


def _heads(tree: Path) -> set[str]:
    return {
        file.name.partition("_")[0]
        for place in ("services", "gateway")
        for file in (tree / place).rglob("migrations/versions/[0-9]*.py")
    }


def test_what_a_former_release_counted_is_counted_again_alike(
    operation: Operation, tmp_path: Path
) -> None:
    former = operation.former
    assert max(_heads(former.parent)) < max(_heads(ROOT)), "a release with another schema"
    operation.types(former, "up", "--detach", "--port", "0", "--demo")
    operation.types(former, "demo", "--load")
    operation.types(former, "demo", "history", "--half-months", "4", "--people", "40")
    system = System(operation.data)
    case = new_case(system, "Persona Guardada")
    system.close()
    counted = operation.hashed(former)

    # As the notes say: back up, the next tree, down, up.
    backup = ("backup", str(tmp_path / "backup"), "--key-file", str(tmp_path / "key"))
    operation.types(former, *backup)
    operation.types(former, "down")
    operation.types(_PRESENT, "up", "--detach", "--port", "0")
    # Each release has its own hash: the former one reads its own from this one's tables.
    assert operation.hashed(former) == counted
    counted = operation.hashed(_PRESENT)

    told = operation.types(_PRESENT, "doctor", "--json")
    assert all(finding["ok"] for finding in json.loads(told)), told
    assert "0 findings" in operation.types(_PRESENT, "audit", "verify")
    replayed = operation.types(_PRESENT, "events", "replay")
    assert re.findall(r"^(?:before|after) +(\w+)$", replayed, re.MULTILINE) == [counted, counted]
    assert replayed.rstrip().endswith("equal"), replayed
    assert name_of(system, case) == "Persona Guardada"
    system.close()

    # It continues: new referrals are counted alike.
    operation.types(_PRESENT, "demo", "history", "--half-months", "1", "--people", "10")
    assert operation.types(_PRESENT, "events", "replay").rstrip().endswith("equal")
    operation.types(_PRESENT, "down")

    # The way back is the backup from before.
    restore = ("restore", str(tmp_path / "backup"), "--key-file", str(tmp_path / "key"))
    back = tmp_path / "back"
    operation.types(former, *restore, data=back)
    operation.types(former, "up", "--detach", "--port", "0", data=back)
    found = System(back)
    assert name_of(found, case) == "Persona Guardada"
    found.close()
    operation.types(former, "down", data=back)
