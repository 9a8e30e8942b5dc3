# mypy: disable-error-code="import-not-found"
"""From a service to a closed referral, using only the output of openapi-generator (`openapi_client`)."""

import os
import sys
import uuid
from typing import Any

import openapi_client as made

SALUD = uuid.UUID("0190a000-0000-7000-8000-000000000002")


def client(name: str) -> Any:
    settings = made.Configuration(host=os.environ["RUTA"], access_token=os.environ[name])
    return made.ApiClient(settings)


def key() -> str:
    return str(uuid.uuid4())


with client("REFUGIO") as us, client("SALUD") as them:
    page = made.HSDSApi(us).directory_services_list(
        organization_id=SALUD, referable=True, full=True
    )
    service = page.to_dict()["contents"][0]
    purpose = service["categories"][0]
    body = {"identity": {"name": "Ana Ficticia", "age": 27}, "area": "VE2313"}
    case = made.CasesApi(us).referrals_cases_create(key(), made.NewCase.from_dict(body))
    given = {
        "case_id": str(case.id),
        "service_id": service["id"],
        "purpose": purpose,
        "items": ["name", "situation"],
        "method": "verbal",
    }
    grant = made.ConsentsApi(us).referrals_consents_create(key(), made.NewConsent.from_dict(given))
    asked = {
        "case_id": str(case.id),
        "service_id": service["id"],
        "category": purpose,
        "payload": {"situation": "needs a consultation"},
        "from_case": ["name"],
        "safe_contact": {"rule": "person_comes"},
    }
    ours, theirs = made.ReferralsApi(us), made.ReferralsApi(them)
    draft = ours.referrals_create(key(), made.NewReferral.from_dict(asked))
    ours.referrals_send(draft.id, made.Send(grant_id=grant.id))
    told = theirs.referrals_disclosure_read(draft.id)
    assert told.items["name"] == "Ana Ficticia"
    theirs.referrals_accept(draft.id, made.Accept(focal_point="Dra. M."))
    theirs.referrals_start(draft.id, made.Start())
    ended = theirs.referrals_complete(draft.id, made.Complete.from_dict({"outcome": "delivered"}))
    assert made.FhirApi(them).referrals_fhir_task_list(id=str(draft.id))
    sys.stdout.write(f"{ended.state}\n")
