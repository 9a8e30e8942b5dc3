"""The typed client that is generated from the running deployment plays the first referral."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.system import System

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def source(system: System, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("client") / "ruta_client.py"
    system.ruta("reference", "client", "--out", str(path))
    return path


@pytest.fixture(scope="module")
def generated(source: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("ruta_client", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_it_is_typed(source: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(source.parent), str(source)],
        capture_output=True,
        text=True,
        check=False,
        cwd=source.parent,
    )
    assert done.returncode == 0, done.stdout[-2000:]


def test_the_description_holds_no_control_character(system: System) -> None:
    """A raw NUL in a pattern is a syntax error in what generators write."""
    text = system.running.http.get("/openapi.json").text
    assert not re.findall(r"\\u00[01][0-9a-f]", text)


def test_it_sends_and_answers_a_referral(system: System, generated: ModuleType) -> None:
    def client(name: str) -> Any:
        return generated.Ruta(system.running.url, name, system.running.secret(name))

    with client("ngo-refugio") as us, client("ngo-salud") as them:
        _refer(generated, us, them)


def _refer(generated: ModuleType, us: Any, them: Any) -> None:
    found = us.directory_services_list(
        organization_id="0190a000-0000-7000-8000-000000000002", referable=True, full=True
    )
    service = found["contents"][0]
    case = us.referrals_cases_create(
        body={
            "identity": {"name": "Ana Ficticia", "age": 27},
            "attributes": {"sex": "female"},
            "area": "VE2313",
        }
    )
    purpose = service["categories"][0]
    grant = us.referrals_consents_create(
        body={
            "case_id": case["id"],
            "kind": "referral",
            "service_id": service["id"],
            "purpose": purpose,
            "items": ["name", "situation"],
            "method": "verbal",
        }
    )
    referral = us.referrals_create(
        body={
            "case_id": case["id"],
            "service_id": service["id"],
            "category": purpose,
            "urgency": "urgent",
            "payload": {"situation": "x"},
            "from_case": ["name"],
            "safe_contact": {"rule": "contact_directly"},
        }
    )
    sent = us.referrals_send(referral["id"], body={"grant_id": grant["id"]})
    assert sent["state"] == "sent"
    taken = them.referrals_acknowledge(referral["id"], body={})
    assert taken["state"] == "acknowledged"
    with pytest.raises(generated.RutaProblem) as refused:
        us.referrals_cases_read("00000000-0000-4000-8000-000000000000")
    assert (refused.value.status, refused.value.code) == (404, "not_found")


def test_the_postman_collection_has_every_operation(system: System, tmp_path: Path) -> None:
    out = tmp_path / "collection.json"
    system.ruta("reference", "postman", "--out", str(out))
    made = json.loads(out.read_text())
    document = system.description()
    operations = sum(len(item) for item in document["paths"].values())
    assert sum(len(folder["item"]) for folder in made["item"]) == operations
