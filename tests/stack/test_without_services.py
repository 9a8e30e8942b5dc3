"""The image for operations cannot start Ruta. Commands that need the services say so, and all others work. The image
contains the services whose commands a restore, the doctor and the audit run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Hides these packages from import, as if they were not installed.
HIDING = """
from importlib.machinery import PathFinder
everything = PathFinder.find_spec
def without(name, *more):
    hidden = name.partition(".")[0] in {"console"}
    return None if hidden else everything(name, *more)
PathFinder.find_spec = without
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "sitecustomize.py").write_text(HIDING)
    return {**os.environ, "PYTHONPATH": str(tmp_path)}


def ruta(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stack", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.laborious
def test_operations_have_their_commands_without_a_word(environment: dict[str, str]) -> None:
    done = ruta(environment, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    for command in ("doctor", "backup", "restore", "audit", "events", "k8s", "demo"):
        assert f" {command} " in done.stdout, command
    assert " docs " not in done.stdout, "it describes the services"


@pytest.mark.laborious
def test_what_starts_services_says_that_there_are_none(
    environment: dict[str, str], tmp_path: Path
) -> None:
    done = ruta(environment, "up", "--data", str(tmp_path / "data"))
    assert done.returncode == 1
    assert done.stderr.startswith("ruta: this environment has no services")
    assert not (tmp_path / "data").exists()
