"""A process starts without the libraries that few requests need: each is loaded when it is first used."""

import subprocess
import sys

import pytest

HEAVY = (
    "altair", "fhir.resources.R4B", "fhirclient", "opentelemetry.exporter", "openpyxl", "pypdf", "pyxform", "typst",
    "vl_convert", "webauthn", "xlsxwriter",
)  # fmt: skip
APPS = (
    "console.app", "gateway.front.app", "gateway.issuer.app", "referrals.app", "reporting.app",
    "services_directory.app",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("app", APPS)
def test_an_app_is_imported_without_them(app: str) -> None:
    code = f"import sys, {app}; print([n for n in {HEAVY} if n in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.slow
def test_the_supervisor_holds_its_own_commands_only() -> None:
    code = (
        "import atexit, sys; sys.argv = ['ruta', 'up', '--help'];"
        "atexit.register(lambda: print(sorted(n for n in sys.modules if n.startswith('stack.commands.'))));"
        "from stack.cli import main; main()"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--replicas" in told.stdout
    loaded = told.stdout.strip().splitlines()[-1]
    assert loaded == "['stack.commands.lifecycle', 'stack.commands.options']"
