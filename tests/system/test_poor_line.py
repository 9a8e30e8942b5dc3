"""The golden path of a partner's system on 2G, with a fifth of the requests cut: each command once, no
storm of repetitions, few bytes."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.poor_line import BREAKS, PoorLine, poor_line
from tests.support.system import System

pytestmark = pytest.mark.system

_SALUD = "0190a000-0000-7000-8000-000000000002"
_AGAIN = frozenset({425, 429, 503})
REFERRALS = 6


class Partner:
    """A system that repeats a command with its key until it is answered, as the partner guide says."""

    def __init__(self, system: System, name: str, line: PoorLine) -> None:
        self._http = httpx.Client(
            base_url=f"http://127.0.0.1:{line.port}", timeout=30, trust_env=False
        )
        self._basic = (name, system.running.secret(name))
        self._token = ""
        self.commands = 0

    def close(self) -> None:
        self._http.close()

    def post(self, path: str, body: Any) -> Any:
        answer = self._told("POST", path, {"Idempotency-Key": str(uuid4())}, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def get(self, path: str) -> Any:
        answer = self._told("GET", path, {})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def _told(self, method: str, path: str, headers: dict[str, str], **body: Any) -> httpx.Response:
        if not self._token:
            form = {"grant_type": "client_credentials"}
            granted = self._until_told("POST", "/oauth/token", data=form, auth=self._basic)
            self._token = granted.json()["access_token"]
        headers = {**headers, "Authorization": f"Bearer {self._token}"}
        return self._until_told(method, path, headers=headers, **body)

    def _until_told(self, method: str, path: str, **request: Any) -> httpx.Response:
        self.commands += 1
        for pause in (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8):
            try:
                answer = self._http.request(method, path, **request)
            except httpx.TransportError:
                time.sleep(pause)
                continue
            in_flight = answer.status_code == 409 and "in_flight" in answer.text
            if answer.status_code not in _AGAIN and not in_flight:
                return answer
            time.sleep(float(answer.headers.get("Retry-After", pause)))
        raise AssertionError(f"{method} {path}: never answered")


@pytest.fixture
def line(system: System) -> Iterator[PoorLine]:
    with poor_line(system.state.port, share=0.2, seed=21) as made:
        yield made


def service_of(partner: Partner) -> dict[str, Any]:
    path = f"/directory/v1/services?organization_id={_SALUD}&referable=true&full=true&per_page=1"
    found: dict[str, Any] = partner.get(path)["contents"][0]
    return found


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
    """One referral of a new person, from nothing to sent."""
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


def played(us: Partner, them: Partner, service: dict[str, Any], name: str) -> str:
    """From a new person to help that arrived, and the withdrawal of the consent."""
    case = us.post("/referrals/v1/cases", person(name))["id"]
    grant = us.post("/referrals/v1/consents", consent(service, case))["id"]
    referral = str(us.post("/referrals/v1/referrals", draft(service, case))["id"])
    at = f"/referrals/v1/referrals/{referral}"
    us.post(f"{at}/send", {"grant_id": grant})
    them.post(f"{at}/acknowledge", {})
    assert them.get(f"{at}/disclosure")
    them.post(f"{at}/accept", {"focal_point": "Dra. M."})
    them.post(f"{at}/start", {})
    them.post(f"{at}/complete", {"outcome": "delivered"})
    us.post(f"{at}/confirm", {"confirmed_by": "person", "agrees": True})
    us.post(f"/referrals/v1/consents/{grant}/withdraw", {"method": "phone"})
    return referral


@pytest.mark.slow
def test_each_command_is_carried_out_once_on_a_line_that_breaks(
    system: System, line: PoorLine
) -> None:
    us, them = (Partner(system, name, line) for name in ("ngo-refugio", "ngo-salud"))
    service = service_of(us)
    names = [f"Prueba {uuid4().hex[:8]}" for _ in range(REFERRALS)]
    referrals = [played(us, them, service, name) for name in names]
    assert all(line.cuts[place] for place in BREAKS), line.cuts
    asked = us.commands + them.commands
    # A cut costs one repetition, and one more where the first is still being carried out.
    assert line.requests <= asked + 2 * sum(line.cuts.values())
    us.close()
    them.close()
    told = system.running
    for name, referral in zip(names, referrals, strict=True):
        headers = {"Authorization": f"Bearer {told.token('ngo-refugio')}"}
        search = told.http.post("/referrals/v1/cases/search", json={"name": name}, headers=headers)
        assert len(search.json()["items"]) == 1
        at = f"/referrals/v1/referrals/{referral}/history"
        steps = [step["command"] for step in told.http.get(at, headers=headers).json()]
        assert steps == [
            "draft",
            "send",
            "acknowledge",
            "accept",
            "start",
            "complete",
            "confirm",
        ]


def test_a_referral_costs_few_bytes(system: System) -> None:
    """Case, consent, referral and its sending as one batch, both ways with heads: at most 6 kB."""
    with poor_line(system.state.port, share=0) as whole:
        us = Partner(system, "ngo-refugio", whole)
        service = service_of(us)
        before = whole.sent + whole.received
        us.post("/referrals/v1/bulk", batch(service, f"Prueba {uuid4().hex[:8]}"))
        us.close()
        assert whole.sent + whole.received - before <= 6000
