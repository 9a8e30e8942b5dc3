"""Linters find nothing in the combined description, except for exceptions with reasons."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.leaving_out import left_out
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def linted(system: System, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with both linters, their settings and `openapi.json`."""
    folder = tmp_path_factory.mktemp("linters")
    npm = shutil.which("npm")
    if npm is None:
        left_out("npm is not installed: neither Spectral nor Redocly can run")
    for name in ("package.json", "spectral.yaml", "redocly.yaml", "untidied.cjs"):
        shutil.copy(HERE / name, folder / name)
    installed = run(folder, npm, "install", "--no-audit", "--no-fund", "--ignore-scripts")
    if installed.returncode != 0:
        left_out(f"Spectral and Redocly cannot be installed here: {installed.stderr[-200:]}")
    (folder / "openapi.json").write_text(json.dumps(system.description()), encoding="utf-8")
    return folder


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


def program(folder: Path, name: str) -> str:
    return str(folder / "node_modules" / ".bin" / name)


def test_spectral_with_the_ruleset_of_owasp_finds_neither_errors_nor_warnings(linted: Path) -> None:
    settings = ("-r", "spectral.yaml", "-f", "json")
    node = ("node", "--require", "./untidied.cjs")
    done = run(linted, *node, program(linted, "spectral"), "lint", "openapi.json", *settings)
    # If spectral finds nothing, it prints a message after the list.
    findings, _ = json.JSONDecoder().raw_decode(done.stdout[done.stdout.index("[") :])
    assert [(f["code"], ".".join(map(str, f["path"]))) for f in findings if f["severity"] < 2] == []


def test_redocly_finds_neither_errors_nor_warnings(linted: Path) -> None:
    settings = ("--config", "redocly.yaml", "--format", "json", "--max-problems", "1000")
    done = run(linted, program(linted, "redocly"), "lint", "openapi.json", *settings)
    found = json.loads(done.stdout)["problems"]
    assert [(p["ruleId"], p["message"], p["location"][0].get("pointer")) for p in found] == []
