"""A short schemathesis run over the combined description; docs/threat-model.md describes the long run."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.leaving_out import left_out
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
SECONDS = 30
# Skipped checks: positive_data_acceptance (rules on P-codes, states and consents are in no schema),
# unsupported_method and allow_header_conformance (the front refuses a GET with a body before routing; Starlette lists
# one route's methods in Allow), negative_data_rejection and status_code_conformance (an overlong target gives 431,
# which these checks do not know).
CHECKS = (
    "not_a_server_error,ignored_auth,use_after_free,ensure_resource_availability,"
    "response_headers_conformance"
)


def uv() -> str | None:
    inside = next(ROOT.glob(".ruta-env/**/bin/uv"), None)
    return shutil.which("uv") or (str(inside) if inside else None)


def test_no_generated_request_makes_a_service_fail(system: System, tmp_path: Path) -> None:
    program = uv()
    if program is None:
        left_out("uv was not found: schemathesis needs an environment of its own")
    run = [
        program,
        "run",
        "--isolated",
        "--no-project",
        "--with",
        "schemathesis>=4.32",
        "schemathesis",
    ]
    probe = subprocess.run(
        [*run, "--version"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    if probe.returncode != 0:
        left_out(f"schemathesis cannot be installed here: {probe.stderr[-200:]}")
    url = system.running.url
    done = subprocess.run(
        [
            *(*run, "run", f"{url}/openapi.json", "--checks", CHECKS, "--max-time", str(SECONDS)),
            *("--exclude-path-regex", "^/(oauth|identity)", "--continue-on-failure", "--no-color"),
            *("--request-timeout", "30", "--seed", "7"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={
            **os.environ,
            "RUTA_FUZZ_URL": url,
            "RUTA_FUZZ_CLIENT": "ngo-refugio",
            "RUTA_FUZZ_SECRET": system.running.secret("ngo-refugio"),
            "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
            "PYTHONPATH": str(Path(__file__).parent),
        },
    )
    assert done.returncode == 0, done.stdout[-6000:]
