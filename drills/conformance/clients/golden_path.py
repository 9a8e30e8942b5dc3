# mypy: disable-error-code="import-not-found"
"""From a service to a closed referral, using only the wheel of `ruta-client`."""

import asyncio
import os
import sys
import uuid
from typing import TypeVar

from ruta_client import Ruta, RutaProblem
from ruta_client.api.cases import referrals_cases_create, referrals_cases_read
from ruta_client.api.consents import referrals_consents_create
from ruta_client.api.fhir import referrals_fhir_task_list
from ruta_client.api.hsds import directory_services_list
from ruta_client.api.referrals import (
    referrals_accept,
    referrals_complete,
    referrals_create,
    referrals_disclosure_read,
    referrals_send,
    referrals_start,
)
from ruta_client.client import AuthenticatedClient
from ruta_client.models import Accept, Complete, NewCase, NewConsent, NewReferral, Send, Start

T = TypeVar("T")
SALUD = uuid.UUID("0190a000-0000-7000-8000-000000000002")


def client(name: str) -> AuthenticatedClient:
    return Ruta(os.environ["RUTA"], name, os.environ[name])


def made(found: T | None) -> T:
    assert found is not None
    return found


with client("ngo-refugio") as us, client("ngo-salud") as them:
    page = made(
        directory_services_list.sync(client=us, organization_id=SALUD, referable=True, full=True)
    )
    service = page.to_dict()["contents"][0]
    purpose = service["categories"][0]
    body = {"identity": {"name": "Ana Ficticia", "age": 27}, "area": "VE2313"}
    case = made(referrals_cases_create.sync(client=us, body=NewCase.from_dict(body)))
    given = {
        "case_id": str(case.id),
        "service_id": service["id"],
        "purpose": purpose,
        "items": ["name", "situation"],
        "method": "verbal",
    }
    grant = made(referrals_consents_create.sync(client=us, body=NewConsent.from_dict(given)))
    asked = {
        "case_id": str(case.id),
        "service_id": service["id"],
        "category": purpose,
        "payload": {"situation": "needs a consultation"},
        "from_case": ["name"],
        "safe_contact": {"rule": "person_comes"},
    }
    draft = made(referrals_create.sync(client=us, body=NewReferral.from_dict(asked)))
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
    refusal = ""
    try:
        referrals_cases_read.sync(uuid.uuid4(), client=us)
    except RutaProblem as refused:
        refusal = f"{refused.status} {refused.code}"
    assert refusal == "404 not_found"
    again = asyncio.run(referrals_cases_read.asyncio(case.id, client=us))
    assert made(again).id == case.id
    sys.stdout.write(f"{ended.state}\n")
