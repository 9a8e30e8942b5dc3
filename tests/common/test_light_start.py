"""A process starts without the libraries that few requests need; each is loaded on first use."""

import subprocess
import sys

import pytest

HEAVY = (
    "altair", "arro3.core", "fhir.resources.R4B", "fhirclient", "numpy", "opentelemetry.exporter", "openpyxl", "pypdf",
    "pyxform", "sqlite3", "typst", "vl_convert", "webauthn", "xlsxwriter",
)  # fmt: skip
COMMANDS = ("alembic", "cryptography", "httpx", "pydantic", "rich", "sqlalchemy", "typer", "yaml")
APPS = (
    "console.app", "gateway.front.app", "gateway.issuer.app", "referrals.app", "reporting.app",
    "directory.app",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("app", APPS)
def test_an_app_is_imported_without_them(app: str) -> None:
    code = f"import sys, {app}; print([n for n in {HEAVY} if n in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.slow
def test_what_keeps_the_stack_running_holds_no_command_line() -> None:
    code = f"import sys, stack.daemon; print([n for n in {COMMANDS} if n in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
