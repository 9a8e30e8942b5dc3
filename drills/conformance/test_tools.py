"""Information managers' tools open Ruta's tables with an address and read-only credentials: GDAL (QGIS), pandas,
LibreOffice, R and hxlvalidate."""

import base64
import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from gateway.front.description.document import EXAMPLES

from drills.conformance.test_schemathesis import uv
from tests.support.leaving_out import left_out
from tests.support.patience import PATIENCE
from tests.support.system import System
from tests.system.test_readers import made, read

pytestmark = [pytest.mark.system, pytest.mark.slow]
SERVICES = "/directory/v1/features/collections/services/items"
HXL_TABLES = (
    "/directory/v1/exports?format=hxl",
    "/directory/v1/gaps?area=VE&level=1&format=hxl",
    "/reports/v1/exports/activities",
)
GDAL = """
import json, sys
import pyogrio.raw
url, known = sys.argv[1:]
pyogrio.set_gdal_config_options({"GDAL_HTTP_AUTH": "BASIC", "GDAL_HTTP_USERPWD": known})
source = f"OAPIF:{url}/directory/v1/features"
layers = [str(name) for name, _ in pyogrio.list_layers(source)]
count = {name: len(pyogrio.raw.read(source, layer=name)[2]) for name in layers}
print(json.dumps(count))
"""
PANDAS = """
import json, sys
import pandas
url, authorization = sys.argv[1:]
by = {"Authorization": authorization}
services = pandas.read_csv(f"{url}/directory/v1/exports?format=csv&language=en", storage_options=by)
book = pandas.read_excel(f"{url}/directory/v1/exports?format=xlsx", storage_options=by)
activities = pandas.read_csv(f"{url}/reports/v1/exports/activities?format=csv", storage_options=by)
print(json.dumps([len(services), len(book), list(activities.columns) != []]))
"""


R = """
arguments <- commandArgs(trailingOnly = TRUE)
by <- c(Authorization = arguments[2])
services <- read.csv(url(paste0(arguments[1], "/directory/v1/exports?format=csv&language=en"), headers = by))
cat(nrow(services))
"""


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        left_out(f"{name} was not found: drills/install installs it")
    return found


def script(packages: list[str], text: str, *arguments: str) -> Any:
    program = uv()
    if program is None:
        left_out("uv was not found: these tools need an environment of their own")
    wanted = [part for package in packages for part in ("--with", package)]
    command = [program, "run", "-q", "--no-project", *wanted, "python", "-c", text, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_gdal_opens_services_and_gaps_by_their_address(system: System) -> None:
    known = made(system)
    count = script(["pyogrio==0.13.*"], GDAL, system.running.url, ":".join(known))
    listed = read(system, known, f"{SERVICES}?limit=10000").json()
    gaps = read(system, known, "/directory/v1/gaps?area=VE&level=1").json()
    assert (count["services"], count["gaps-VE"]) == (len(listed["features"]), len(gaps["items"]))


def test_pandas_reads_csv_and_workbooks(system: System) -> None:
    known = made(system)
    authorization = "Basic " + base64.b64encode(":".join(known).encode()).decode()
    found = script(["pandas==3.*", "openpyxl"], PANDAS, system.running.url, authorization)
    listed = read(system, known, f"{SERVICES}?limit=10000").json()
    assert found == [len(listed["features"])] * 2 + [True]


def test_libreoffice_opens_the_workbook_of_services(system: System, tmp_path: Path) -> None:
    """LibreOffice opens the workbook as a person would, and saves the services sheet as text."""
    known = made(system)
    book = tmp_path / "services.xlsx"
    book.write_bytes(read(system, known, "/directory/v1/exports?format=xlsx").content)
    command = [program("soffice"), "--headless", f"-env:UserInstallation=file://{tmp_path}/profile"]
    command += ["--convert-to", "csv", "--outdir", str(tmp_path), str(book)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    with (tmp_path / "services.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if any(row)]
    listed = read(system, known, f"{SERVICES}?limit=10000").json()
    assert len(rows) - 1 == len(listed["features"])


def test_r_reads_csv_by_its_address(system: System) -> None:
    known = made(system)
    authorization = "Basic " + base64.b64encode(":".join(known).encode()).decode()
    command = [program("Rscript"), "-e", R, system.running.url, authorization]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    listed = read(system, known, f"{SERVICES}?limit=10000").json()
    assert int(done.stdout) == len(listed["features"])


def test_hxlvalidate_accepts_the_public_tables(system: System) -> None:
    """The validator needs a row of data in each table, so an organisation first reports an activity."""
    body = {**EXAMPLES["POST /reports/v1/activities"], "external_id": str(uuid4())}
    headers = {"Idempotency-Key": str(uuid4())}
    added = system.running.request(
        "ngo-refugio", "POST", "/reports/v1/activities", json=body, headers=headers
    )
    assert added.status_code == 201, added.text
    known = made(system)
    by = "Authorization: Basic " + base64.b64encode(":".join(known).encode()).decode()
    for path in HXL_TABLES:
        command = [str(Path(sys.executable).with_name("hxlvalidate")), "--http-header", by]
        command.append(f"{system.running.url}{path}")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (path, done.stdout, done.stderr)
