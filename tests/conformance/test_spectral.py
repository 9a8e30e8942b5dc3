"""Spectral with the OWASP ruleset over the combined description: no error."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.leaving_out import left_out
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
HERE = Path(__file__).resolve().parent


def test_the_description_has_no_error_of_spectral(system: System, tmp_path: Path) -> None:
    npm, npx = shutil.which("npm"), shutil.which("npx")
    if npm is None or npx is None:
        left_out("npm is not installed: Spectral cannot run")
    for name in ("package.json", "spectral.yaml"):
        shutil.copy(HERE / name, tmp_path / name)
    installed = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    if installed.returncode != 0:
        left_out(f"Spectral cannot be installed here: {installed.stderr[-200:]}")
    document = tmp_path / "openapi.json"
    document.write_bytes(system.running.http.get("/openapi.json").content)
    done = subprocess.run(
        [npx, "spectral", "lint", str(document), "-r", "spectral.yaml", "-f", "json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    findings = json.loads(done.stdout[done.stdout.index("[") :])
    errors = [(f["code"], ".".join(map(str, f["path"]))) for f in findings if f["severity"] == 0]
    assert errors == []
