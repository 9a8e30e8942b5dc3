"""A third-party FHIR validator finds no error in Ruta's resources.

HL7's own validator is a Java archive that no package of Debian, PyPI or npm contains. This drill therefore runs
Lantana's validator (npm `fhir`), which checks resources against the R4 definitions.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.leaving_out import left_out
from tests.support.system import System
from tests.system.gateway_story import told_through_gateway

pytestmark = [pytest.mark.system, pytest.mark.slow]
KINDS = ("Task", "ServiceRequest", "Consent", "Patient", "Organization", "HealthcareService")
PACKAGE = "fhir@4.12.0"
# Prints each error as [number of the resource, place, message].
VALIDATE = """
const validator = new (require("fhir").Fhir)();
const resources = JSON.parse(require("fs").readFileSync(0));
const found = resources.flatMap((resource, number) => validator
  .validate(resource, { errorOnUnexpected: true }).messages
  .filter(({ severity }) => !["info", "warning"].includes(severity))
  .map(({ location, message }) => [number, location, message]));
console.log(JSON.stringify(found));
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the validator."""
    npm = shutil.which("npm")
    if npm is None:
        left_out("npm is not installed: the FHIR validator cannot run")
    made = tmp_path_factory.mktemp("fhir")
    options = ("--prefix", str(made), "--no-audit", "--no-fund", "--ignore-scripts")
    command = (npm, "install", *options, PACKAGE)
    installed = subprocess.run(command, capture_output=True, text=True, check=False, cwd=made)
    if installed.returncode != 0:
        left_out(f"the FHIR validator cannot be installed here: {installed.stderr[-200:]}")
    return made


def errors(folder: Path, resources: list[Any]) -> list[list[Any]]:
    command, sent = ("node", "-e", VALIDATE), json.dumps(resources)
    done = subprocess.run(
        command, input=sent, capture_output=True, text=True, check=False, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    found: list[list[Any]] = json.loads(done.stdout)
    return found


async def test_the_validator_finds_no_error_in_what_a_hospital_reads(
    system: System, folder: Path
) -> None:
    async with told_through_gateway(system) as story:
        await story.sent()
        answers = [await story.get("ngo-refugio", f"/fhir/{kind}") for kind in KINDS]
        answers.append(await story.get("ngo-refugio", f"/fhir/Task/{uuid4()}"))
        answers.append(await story.get("anonymous", "/fhir/metadata"))
    read = [answer.json() for answer in answers]
    assert [each["resourceType"] for each in read] == [
        *["Bundle"] * len(KINDS),
        "OperationOutcome",
        "CapabilityStatement",
    ]
    assert all(each["entry"] for each in read[: len(KINDS)])
    resources = [*read, *(entry["resource"] for each in read for entry in each.get("entry", ()))]
    assert [(resources[number], *told) for number, *told in errors(folder, resources)] == []
    task = read[0]["entry"][0]["resource"]
    for change in ({"status": "walking"}, {"intent": None}, {"colour": "red"}):
        assert errors(folder, [{**task, **change}]) != [], change
