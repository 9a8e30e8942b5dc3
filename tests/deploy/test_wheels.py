"""The built packages install without a clone and contain all of Ruta."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from stack.develop.builds import CONSTRAINTS, PACKAGES
from stack.embedded.layout import Layout, StackState

from tests.support.patience import PATIENCE

pytestmark = pytest.mark.slow


def run(*command: str | Path, at: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "RUTA_HOME"}
    done = subprocess.run(
        command,
        cwd=at,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    told = run(sys.executable, "-m", "stack", "wheels", folder, at=Path.cwd())
    assert "pipx install ruta" in told
    return folder


@pytest.fixture(scope="module")
def installed(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the command from an environment with only the wheels, as pipx creates it."""
    uv = shutil.which("uv")
    assert uv is not None
    environment = tmp_path_factory.mktemp("installed") / "environment"
    run(uv, "venv", "--quiet", "--python", sys.executable, environment, at=wheels)
    python = environment / "bin" / "python"
    chosen = ("--find-links", wheels, "--constraint", wheels / CONSTRAINTS)
    run(uv, "pip", "install", "--quiet", "--python", python, *chosen, "ruta", at=wheels)
    return environment / "bin" / "ruta"


@pytest.fixture
def place(installed: Path, tmp_path: Path) -> Iterator[Path]:
    """Yield a folder outside a clone; stop every started process afterwards."""
    yield tmp_path
    if StackState.read(Layout(tmp_path / ".ruta")):
        run(installed, "down", at=tmp_path)


def test_each_package_has_its_wheel(wheels: Path) -> None:
    names = {file.name.partition("-")[0] for file in wheels.glob("*.whl")}
    assert names == {"ruta", "ruta_client"} | {name.replace("-", "_") for name in PACKAGES}


def test_no_command_asks_for_a_tool_of_developers_before_it_runs(
    installed: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [installed, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""  # stderr would name each command group that fails to import.
    assert "k8s" in done.stdout


def test_an_installed_ruta_starts_without_a_clone(installed: Path, place: Path) -> None:
    run(installed, "up", "--detach", "--port", "0", at=place)
    state = StackState.read(Layout(place / ".ruta"))
    assert state is not None
    assert httpx.get(f"{state.url}/readyz", trust_env=False).json()["status"] == "ok"
    services = httpx.get(f"{state.url}/directory/v1/services", trust_env=False)
    assert services.status_code == 200


def test_what_needs_a_clone_says_so(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [installed, "test"],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "RUTA_HOME"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "is not a clone of the project" in done.stderr
