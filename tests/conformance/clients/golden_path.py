# mypy: disable-error-code="import-not-found"
"""From a service to a closed referral, by nothing but what openapi-python-client made (`made`)."""

import os
import sys
import uuid
from typing import Any

from made.api.cases import referrals_cases_create
from made.api.consents import referrals_consents_create
from made.api.fhir import referrals_fhir_task_list
from made.api.hsds import directory_services_list
from made.api.referrals import (
    referrals_accept,
    referrals_complete,
    referrals_create,
    referrals_disclosure_read,
    referrals_send,
    referrals_start,
)
from made.client import AuthenticatedClient
from made.models import Accept, Complete, NewCase, NewConsent, NewReferral, Problem, Send, Start

SALUD = uuid.UUID("0190a000-0000-7000-8000-000000000002")


def client(name: str) -> AuthenticatedClient:
    return AuthenticatedClient(base_url=os.environ["RUTA"], token=os.environ[name])


def made(found: Any) -> Any:
    assert found is not None
    assert not isinstance(found, Problem), found
    return found


def key() -> str:
    return str(uuid.uuid4())


with client("REFUGIO") as us, client("SALUD") as them:
    page = made(
        directory_services_list.sync(client=us, organization_id=SALUD, referable=True, full=True)
    )
    service = page.to_dict()["contents"][0]
    purpose = service["categories"][0]
    body = {"identity": {"name": "Ana Ficticia", "age": 27}, "area": "VE2313"}
    case = made(
        referrals_cases_create.sync(client=us, body=NewCase.from_dict(body), idempotency_key=key())
    )
    given = {
        "case_id": str(case.id),
        "service_id": service["id"],
        "purpose": purpose,
        "items": ["name", "situation"],
        "method": "verbal",
    }
    grant = made(
        referrals_consents_create.sync(
            client=us, body=NewConsent.from_dict(given), idempotency_key=key()
        )
    )
    asked = {
        "case_id": str(case.id),
        "service_id": service["id"],
        "category": purpose,
        "payload": {"situation": "needs a consultation"},
        "from_case": ["name"],
        "safe_contact": {"rule": "person_comes"},
    }
    draft = made(
        referrals_create.sync(client=us, body=NewReferral.from_dict(asked), idempotency_key=key())
    )
    made(referrals_send.sync(draft.id, client=us, body=Send(grant_id=grant.id)))
    told = made(referrals_disclosure_read.sync(draft.id, client=them))
    assert told.items.to_dict()["name"] == "Ana Ficticia"
    made(referrals_accept.sync(draft.id, client=them, body=Accept(focal_point="Dra. M.")))
    made(referrals_start.sync(draft.id, client=them, body=Start()))
    ended = made(
        referrals_complete.sync(
            draft.id, client=them, body=Complete.from_dict({"outcome": "delivered"})
        )
    )
    assert made(referrals_fhir_task_list.sync(client=them, field_id=str(draft.id)))
    sys.stdout.write(f"{ended.state}\n")
