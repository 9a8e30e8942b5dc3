# mypy: disable-error-code="import-untyped"
"""Third-party FHIR clients can read, search and page: fhirclient (SMART Health IT) and fhirpy."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest
from common.auth import smart as smart_scopes
from fhirclient import client as smart
from fhirclient.models.bundle import Bundle
from fhirclient.models.capabilitystatement import CapabilityStatement
from fhirclient.models.organization import Organization
from fhirclient.models.patient import Patient
from fhirclient.models.servicerequest import ServiceRequest
from fhirclient.models.task import Task
from fhirclient.server import FHIRPermissionDeniedException
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import ForbiddenError, OperationOutcome, ResourceNotFound

from tests.gateway.test_client_keys import P384, TYPE, assertion, public
from tests.support.system import System
from tests.system.gateway_story import GatewayStory
from tests.system.test_attacks_on_services import call

pytestmark = pytest.mark.system
SALUD = "0190a000-0000-7000-8000-000000000002"


@pytest.fixture(scope="module")
def base(system: System) -> str:
    return f"{system.running.url}/referrals/v1/fhir"


def with_fhirclient(system: System, base: str, who: str) -> Any:
    found = smart.FHIRClient(settings={"app_id": who, "api_base": base})
    found.server.session.trust_env = False
    found.server.session.headers["Authorization"] = f"Bearer {system.running.token(who)}"
    return found


def with_fhirpy(system: System, base: str, who: str, **headers: str) -> SyncFHIRClient:
    token = f"Bearer {system.running.token(who)}"
    return SyncFHIRClient(base, authorization=token, extra_headers=headers)


@pytest.fixture
async def sent(story: GatewayStory) -> dict[str, Any]:
    """Return the ids of one person's three referrals to one service."""
    service = await story.any_service()
    first = await story.sent(service_id=service)
    case = first["case_id"]
    others = [await story.sent(service_id=service, case_id=case) for _ in range(2)]
    return {"case": case, "service": service, "ids": [r["id"] for r in (first, *others)]}


def read_with_fhirclient(system: System, base: str, sent: dict[str, Any]) -> None:
    server = with_fhirclient(system, base, "ngo-salud").server
    statement = CapabilityStatement.read_from("metadata", server)
    told = {resource.type: resource for resource in statement.rest[0].resource}
    assert "owner" in {parameter.name for parameter in told["Task"].searchParam}
    where = {"patient": f"Patient/{sent['case']}", "status": "requested,accepted"}
    search = Task.where({**where, "_count": "2"}).include("owner").include("focus")
    first, last = search.perform_iter(server)
    assert (first.total, last.total) == (3, 3)
    found = [each for each in search.perform_resources_iter(server) if isinstance(each, Task)]
    assert {task.id for task in found} == set(sent["ids"])
    included = {type(e.resource) for e in first.entry if e.search.mode == "include"}
    assert included == {Organization, ServiceRequest}
    one = Task.read(sent["ids"][0], server)
    assert one.as_json() == next(task for task in found if task.id == one.id).as_json()
    patient = one.for_fhir.resolved(Patient)
    assert patient.as_json()["identifier"][0]["value"] == sent["case"]
    with pytest.raises(FHIRPermissionDeniedException) as refused:
        Task.read(sent["ids"][0], with_fhirclient(system, base, "im-officer").server)
    assert refused.value.response.json()["resourceType"] == "OperationOutcome"
    Bundle(first.as_json(), strict=True)


async def test_fhirclient_reads_searches_and_pages(
    system: System, base: str, sent: dict[str, Any]
) -> None:
    await asyncio.to_thread(read_with_fhirclient, system, base, sent)


def read_with_fhirpy(system: System, base: str, sent: dict[str, Any]) -> None:
    client = with_fhirpy(system, base, "ngo-salud")
    tasks = client.resources("Task").search(patient=f"Patient/{sent['case']}")
    assert [t.id for t in tasks.sort("_lastUpdated").limit(1).fetch_all()] == sent["ids"]
    assert tasks.count() == 3
    page = tasks.include("Task", "focus").limit(2).fetch_raw()
    assert (page.total, page.link[1].relation) == (3, "next")
    first: Any = tasks.first()
    request = first["focus"].to_resource()
    assert request["performer"][1]["reference"] == f"HealthcareService/{sent['service']}"
    service = client.reference("HealthcareService", sent["service"]).to_resource()
    assert service["providedBy"]["reference"] == f"Organization/{SALUD}"
    client.reference("Patient", sent["case"]).to_resource()
    with pytest.raises(OperationOutcome) as refused:
        client.resources("Task").search(colour="red").fetch()
    assert refused.value.resource["issue"][0]["expression"] == ["http.colour"]
    lenient = with_fhirpy(system, base, "ngo-salud", Prefer="handling=lenient")
    assert lenient.resources("Task").search(colour="red", _id=sent["ids"][0]).fetch()
    with pytest.raises(ResourceNotFound):
        with_fhirpy(system, base, "ngo-legal").reference("Task", sent["ids"][0]).to_resource()


async def test_fhirpy_reads_searches_and_pages(
    system: System, base: str, sent: dict[str, Any]
) -> None:
    await asyncio.to_thread(read_with_fhirpy, system, base, sent)


def read_with_a_key(system: System, base: str, sent: dict[str, Any]) -> None:
    announced = httpx.get(f"{base}/.well-known/smart-configuration").json()
    assert "client-confidential-asymmetric" in announced["capabilities"]
    assert set(smart_scopes.ANNOUNCED) <= set(announced["scopes_supported"])
    client_id = f"signs-{uuid4().hex[:12]}"
    body: dict[str, Any] = {
        "id": client_id,
        "organisation_id": SALUD,
        "name": "A hospital's system",
    }
    body |= {"roles": ["partner"], "scopes": ["referrals:read"]}
    body |= {"jwks": {"keys": [public(P384, "ES384")]}}
    assert call(system, "im-officer", "POST", "/identity/v1/clients", json=body).status_code == 201
    endpoint = announced["token_endpoint"]
    signed = assertion(iss=client_id, sub=client_id, aud=endpoint)
    form = {"grant_type": "client_credentials", "scope": "system/Task.rs"}
    form |= {"client_assertion_type": TYPE, "client_assertion": signed}
    token = httpx.post(endpoint, data=form).json()["access_token"]
    client = SyncFHIRClient(base, authorization=f"Bearer {token}")
    tasks = client.resources("Task").search(patient=f"Patient/{sent['case']}")
    assert tasks.count() == 3
    with pytest.raises(ForbiddenError) as refused:
        client.reference("Patient", sent["case"]).to_resource()
    assert "system/Patient.r" in str(refused.value)
    by = {"Authorization": f"Bearer {token}"}
    begun = httpx.get(f"{base}/$export", headers={**by, "Prefer": "respond-async"})
    (file,) = httpx.get(begun.headers["Content-Location"], headers=by).json()["output"]
    lines = httpx.get(file["url"], headers=by).text.splitlines()
    exported = {json.loads(line)["id"] for line in lines}
    assert (file["type"], set(sent["ids"]) <= exported) == ("Task", True)


async def test_a_hospital_signs_for_a_token_of_one_resource(
    system: System, base: str, sent: dict[str, Any]
) -> None:
    """SMART Backend Services, from the discovery document to a search and an export."""
    await asyncio.to_thread(read_with_a_key, system, base, sent)
