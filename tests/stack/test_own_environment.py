"""`./ruta` prepares its environment: first everything that runs Ruta, then developers' tools on demand."""

import shutil
import subprocess
from pathlib import Path

import pytest
from stack.cli import panels
from stack.texts import said

ROOT = Path(__file__).parents[2]
# A fake uv that records its arguments and creates an interpreter that always succeeds.
UV = """#!/bin/sh
[ "$1" = --version ] && { echo "uv 0.9.0"; exit 0; }
echo "$*" >>"$UV_ASKED"
mkdir -p "$UV_PROJECT_ENVIRONMENT/bin"
printf '#!/bin/sh\\nexit 0\\n' >"$UV_PROJECT_ENVIRONMENT/bin/python"
chmod +x "$UV_PROJECT_ENVIRONMENT/bin/python"
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("ruta", "uv.lock", "pyproject.toml", "gateway/pyproject.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "libs" / "common").mkdir(parents=True)
    shutil.copy(ROOT / "libs/common/pyproject.toml", tmp_path / "libs/common/pyproject.toml")
    program = tmp_path / ".ruta-env" / "uv" / "bin" / "uv"
    program.parent.mkdir(parents=True)
    program.write_text(UV)
    program.chmod(0o755)
    return tmp_path


def call(clone: Path, command: str) -> list[str]:
    """Return the arguments that this call passed to uv."""
    asked = clone / "asked"
    asked.write_text("")
    subprocess.run(
        [clone / "ruta", command],
        env={"PATH": "/usr/bin:/bin", "UV_ASKED": str(asked)},
        check=True,
    )
    return asked.read_text().splitlines()


def test_the_first_start_brings_what_runs_ruta_and_no_more(clone: Path) -> None:
    (asked,) = call(clone, "up")
    assert "--no-dev" in asked
    assert call(clone, "status") == []


def test_tools_come_with_the_first_command_that_needs_them_and_stay(clone: Path) -> None:
    call(clone, "up")
    (asked,) = call(clone, "test")
    assert "--no-dev" not in asked
    assert call(clone, "up") == []
    (clone / "uv.lock").write_text("changed")
    (again,) = call(clone, "up")
    assert "--no-dev" not in again


@pytest.mark.parametrize("command", panels()[said("Develop")])
def test_each_command_of_a_developer_has_its_tools(clone: Path, command: str) -> None:
    (asked,) = call(clone, command)
    assert "--no-dev" not in asked


def test_an_environment_that_was_made_before_they_were_told_apart_keeps_its_tools(
    clone: Path,
) -> None:
    call(clone, "up")
    stamp = clone / ".ruta-env" / "synchronised"
    stamp.write_text("".join(stamp.read_text().splitlines(keepends=True)[:2]))
    (asked,) = call(clone, "status")
    assert "--no-dev" not in asked


@pytest.mark.parametrize(
    ("locale", "told"),
    [
        ({"LANG": "es_VE.UTF-8"}, "prepara el entorno según uv.lock"),
        ({"LC_ALL": "C.UTF-8", "LANG": "es_VE.UTF-8"}, "preparing the environment from uv.lock"),
        ({"LC_MESSAGES": "fr_FR", "LANG": "es"}, "prepara el entorno según uv.lock"),
        ({"RUTA_LANGUAGE": "en", "LANG": "es_VE.UTF-8"}, "preparing the environment from uv.lock"),
    ],
)
def test_it_speaks_as_the_command_line_does(clone: Path, locale: dict[str, str], told: str) -> None:
    done = subprocess.run(
        [clone / "ruta", "up"],
        env={"PATH": "/usr/bin:/bin", "UV_ASKED": str(clone / "asked"), **locale},
        check=True,
        capture_output=True,
        text=True,
    )
    assert told in done.stderr
