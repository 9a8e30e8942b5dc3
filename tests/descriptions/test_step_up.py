"""Dangerous actions require a person's fresh sign-in. The route tables list these actions."""

import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from common.auth import SCOPES, Role
from fastapi import FastAPI
from gateway.front.description.document import operations
from gateway.front.routes import Upstream
from httpx import ASGITransport, AsyncClient, Response
from stack.reference.described import described_apps

from tests.support.principals import bearer, write_internal_jwks

pytestmark = pytest.mark.laborious

ACTS = {
    ("patch", "/identity/v1/people/{person_id}"),
    ("post", "/identity/v1/keys/rotate"),
    ("patch", "/identity/v1/clients/{client_id}"),
    ("patch", "/identity/v1/organisations/{organisation_id}"),
    ("post", "/directory/v1/pathways/{pathway_id}/publish"),
    ("post", "/directory/v1/successions/{succession_id}/confirm"),
    ("post", "/referrals/v1/exceptions/{exception_id}/decision"),
    ("post", "/reports/v1/bulletins/{bulletin_id}/sign-off"),
    ("post", "/identity/v1/clients"),
    ("post", "/identity/v1/clients/{client_id}/secret"),
    ("post", "/identity/v1/people"),
    ("post", "/identity/v1/people/{person_id}/credentials"),
    ("post", "/identity/v1/people/{person_id}/invitation"),
    ("post", "/referrals/v1/break-glass/{access_id}/decision"),
    ("post", "/referrals/v1/intake/forms"),
    ("post", "/referrals/v1/intake/forms/{form_id}/rotate-secret"),
    ("post", "/directory/v1/webhooks"),
    ("post", "/directory/v1/webhooks/{webhook_id}/enable"),
    ("post", "/directory/v1/webhooks/{webhook_id}/rotate-secret"),
    ("post", "/referrals/v1/webhooks"),
    ("post", "/referrals/v1/webhooks/{webhook_id}/enable"),
    ("post", "/referrals/v1/webhooks/{webhook_id}/rotate-secret"),
    ("post", "/referrals/v1/cases/{case_id}/erase"),
    ("post", "/referrals/v1/screenings/{screening_id}/erase"),
    ("post", "/referrals/v1/intake/submissions/{submission_id}/discard"),
    ("post", "/reports/v1/bulletins/{bulletin_id}/publish"),
    ("post", "/reports/v1/bulletins/{bulletin_id}/publication"),
    ("post", "/reports/v1/releases/{release_id}/publish"),
    ("post", "/reports/v1/closings/{closing_id}/publications"),
    *(
        ("post", f"/reports/v1/{thing}/withdrawal{end}")
        for thing in ("releases/{release_id}", "bulletins/{bulletin_id}")
        for end in ("", "/agreement")
    ),
}
# Operations that remove something without requiring a fresh sign-in, and the reason for each. ACTS contains those
# that destroy a person's data.
TAKEN_AWAY: dict[tuple[str, str], str] = {
    ("delete", "/referrals/v1/cases/{case_id}/matching"): "the person's word: it holds at once",
    ("post", "/referrals/v1/consents/{grant_id}/withdraw"): "the person's word: it holds at once",
    ("post", "/referrals/v1/withdraw"): "the person, who has a code and no account",
    ("post", "/referrals/v1/referrals/{referral_id}/withdraw"): "the person's word: at once",
    (
        "post",
        "/referrals/v1/cases/{case_id}/referrals/{referral_id}/withdraw",
    ): "the person's word: at once",
    ("post", "/referrals/v1/line/threads/delete"): "the reporter, who has a receipt and no account",
    ("delete", "/directory/v1/webhooks/{webhook_id}"): "an address: less is told",
    ("delete", "/referrals/v1/webhooks/{webhook_id}"): "an address: less is told",
    ("delete", "/referrals/v1/channels/{channel_id}"): "an address: less is told",
    ("delete", "/referrals/v1/on-call/{shift_id}"): "a plan, made anew",
    ("delete", "/reports/v1/bulletins/letterhead/borders"): "a drawing, uploaded anew",
    ("post", "/directory/v1/records/services/{service_id}/withdraw"): "no person's data",
    ("post", "/directory/v1/records/services/{service_id}/merge"): "no person's data",
    ("post", "/directory/v1/risk-messages/{message_id}/withdraw"): "no person's data",
    ("delete", "/directory/v1/pathways/profile-sets/{set_id}"): "no person's data",
    ("delete", "/directory/v1/endorsements/{service_id}/{aor}"): "no person's data",
    ("delete", "/reports/v1/activities/{activity_id}"): "no person's data",
    ("delete", "/reports/v1/context/stakeholders/{stakeholder_id}"): "no person's data",
    ("delete", "/reports/v1/context/statements/{statement_id}"): "no person's data",
}
_TAKES_AWAY = frozenset({"delete", "discard", "erase", "forget", "merge", "remove", "withdraw"})
PERSON = {
    "sub": "somebody",
    "client_id": "ruta-console",
    "roles": list(Role),
    "scope": " ".join(SCOPES),
}


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory) -> dict[Upstream, FastAPI]:
    folder: Path = tmp_path_factory.mktemp("described")
    made = described_apps(folder)
    write_internal_jwks(folder / "jwks.json")
    return made


def marked(app: FastAPI) -> set[tuple[str, str]]:
    return {
        (method, path)
        for path, method, operation in operations(app.openapi())
        if operation.get("x-ruta-step-up")
    }


def test_these_acts_are_marked(apps: dict[Upstream, FastAPI]) -> None:
    assert set().union(*(marked(app) for app in apps.values())) == ACTS


def test_what_takes_something_away_is_marked_or_says_why_not(
    apps: dict[Upstream, FastAPI],
) -> None:
    found = {
        (method, path)
        for app in apps.values()
        for path, method, _ in operations(app.openapi())
        if path.startswith(("/referrals/", "/directory/", "/reports/", "/identity/"))
        and (method == "delete" or (method == "post" and path.split("/")[-1] in _TAKES_AWAY))
    }
    assert found - set().union(*map(marked, apps.values())) == set(TAKEN_AWAY)


async def asked(upstream: Upstream, app: FastAPI, method: str, path: str, **who: Any) -> Response:
    parts = [str(uuid4()) if part.startswith("{") else part for part in path.split("/")]
    transport = ASGITransport(app, raise_app_exceptions=False)
    headers = bearer("im-officer", audience=f"ruta-{upstream}", **who)
    async with AsyncClient(transport=transport, base_url="https://ruta.example") as http:
        return await http.request(method, "/".join(parts), json={}, headers=headers)


async def test_an_old_sign_in_is_not_enough_for_a_marked_act(apps: dict[Upstream, FastAPI]) -> None:
    for upstream, app in apps.items():
        for method, path in marked(app):
            for auth_time in (time.time() - 301, None):
                claims = {**PERSON, "auth_time": auth_time}
                answer = await asked(upstream, app, method, path, **claims)
                problem = answer.json()
                assert (answer.status_code, problem["code"], problem.get("max_age")) == (
                    401,
                    "insufficient_user_authentication",
                    300,
                ), (method, path)
                challenge = answer.headers["www-authenticate"]
                assert 'error="insufficient_user_authentication"' in challenge
                assert "max_age=300" in challenge


async def test_a_fresh_sign_in_and_a_client_of_its_own_are_let_in(
    apps: dict[Upstream, FastAPI],
) -> None:
    for upstream, app in apps.items():
        for method, path in marked(app):
            itself = {**PERSON, "sub": "a-machine", "client_id": "a-machine"}
            for claims in ({**PERSON, "auth_time": time.time()}, itself):
                answer = await asked(upstream, app, method, path, **claims)
                # An allowed caller's request fails later, because there is no database.
                assert answer.status_code not in {401, 403}, (method, path, answer.text)
