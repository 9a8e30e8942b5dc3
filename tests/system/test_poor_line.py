"""The bytes that a referral costs on 2G. tests/pages/console/test_poor_line.py proves that each command runs once over
a broken connection."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.poor_line import poor_line
from tests.support.system import System

pytestmark = pytest.mark.system

_SALUD = "0190a000-0000-7000-8000-000000000002"


def person(name: str) -> dict[str, Any]:
    return {
        "identity": {"name": name, "age": 27},
        "attributes": {"sex": "female"},
        "area": "VE2313",
    }


def consent(service: dict[str, Any], case: str) -> dict[str, Any]:
    return {
        "case_id": case,
        "kind": "referral",
        "service_id": service["id"],
        "purpose": service["categories"][0],
        "items": ["name", "situation"],
        "method": "verbal",
    }


def draft(service: dict[str, Any], case: str) -> dict[str, Any]:
    return {
        "case_id": case,
        "service_id": service["id"],
        "category": service["categories"][0],
        "urgency": "urgent",
        "payload": {"situation": "asks for a consultation"},
        "from_case": ["name"],
        "safe_contact": {"rule": "do_not_contact"},
    }


def batch(service: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the commands that refer a new person, from registration to sending."""
    c, g, r, s = (f"{letter}{uuid4().hex}" for letter in "cgrs")
    v1 = "/referrals/v1"
    commands = [
        {"key": c, "path": f"{v1}/cases", "body": person(name)},
        {"key": g, "path": f"{v1}/consents", "body": consent(service, f"${{{c}.id}}")},
        {"key": r, "path": f"{v1}/referrals", "body": draft(service, f"${{{c}.id}}")},
        {
            "key": s,
            "path": f"{v1}/referrals/${{{r}.id}}/send",
            "body": {"grant_id": f"${{{g}.id}}"},
        },
    ]
    return {"commands": commands}


def test_a_referral_costs_few_bytes(system: System) -> None:
    """Case, consent, referral and sending in one batch use at most 6 kB in both directions, including headers."""
    path = f"/directory/v1/services?organization_id={_SALUD}&referable=true&full=true&per_page=1"
    service = system.running.request("ngo-refugio", "GET", path).json()["contents"][0]
    headers = {
        "Authorization": f"Bearer {system.running.token('ngo-refugio')}",
        "Idempotency-Key": str(uuid4()),
    }
    with (
        poor_line(system.state.port, share=0) as line,
        httpx.Client(base_url=f"http://127.0.0.1:{line.port}", timeout=30, trust_env=False) as us,
    ):
        sent = batch(service, f"Prueba {uuid4().hex[:8]}")
        answer = us.post("/referrals/v1/bulk", json=sent, headers=headers)
        assert answer.status_code == 200, answer.text
        assert line.sent + line.received <= 6000
