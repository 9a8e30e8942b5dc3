"""A process starts without the libraries that few requests need: each is loaded when it is first used."""

import subprocess
import sys

import pytest

HEAVY = (
    "altair", "fhir.resources.R4B", "fhirclient", "opentelemetry.exporter", "openpyxl", "pypdf", "pyxform", "scipy", "typst",
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
