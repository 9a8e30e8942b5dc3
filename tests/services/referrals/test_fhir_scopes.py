"""SMART scopes: a token with them allows only the interactions that they name."""

from typing import Any

import pytest
from common.auth import smart
from common.ids import new_id

from tests.services.referrals.story import Story
from tests.services.referrals.test_fhir import (
    RECIPIENT,
    REFERRER,
    new_consent,
    new_request,
    posted,
    requested,
    transaction,
)
from tests.services.referrals.test_fhir_search import exported

READ = [(name, letter) for name in smart.INTERACTIONS for letter in "rs"]


def with_scopes(*scopes: str) -> dict[str, Any]:
    return {"scope": " ".join(scopes)}


@pytest.mark.parametrize("scope", smart.ANNOUNCED)
async def test_a_scope_opens_what_it_names_and_nothing_besides(story: Story, scope: str) -> None:
    named, letters = scope.removeprefix("system/").split(".")
    claims = with_scopes(scope)
    for name, letter in READ:
        path = f"/fhir/{name}/{new_id()}" if letter == "r" else f"/fhir/{name}"
        answer = await story.get(RECIPIENT, path, **claims)
        expected = {200, 404} if named in ("*", name) and letter in letters else {403}
        assert answer.status_code in expected, (path, answer.text)
    create = named == "Consent"
    answer = await story.post(REFERRER, "/fhir/Consent", {"resourceType": "Consent"}, **claims)
    assert (answer.status_code != 403) is create
    for path in ("/cases", "/referrals", "/work", "/feed"):
        assert (await story.get(RECIPIENT, path, **claims)).status_code == 403, path


async def test_fewer_letters_open_less(story: Story) -> None:
    claims = with_scopes("system/Task.s")
    assert (await story.get(RECIPIENT, "/fhir/Task", **claims)).status_code == 200
    refused = await story.get(RECIPIENT, f"/fhir/Task/{new_id()}", **claims)
    assert (refused.status_code, refused.json().get("needed_scope")) == (403, "system/Task.r")
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
    ours = await story.get(RECIPIENT, "/fhir/Task", **with_scopes("directory:read"))
    assert ours.json()["needed_scope"] == "referrals:read"


async def test_what_a_search_includes_needs_its_own_scope(story: Story) -> None:
    await story.sent()
    asked = "/fhir/Task?_include=Task:focus"
    alone = await story.get(RECIPIENT, asked, **with_scopes("system/Task.rs"))
    assert (alone.status_code, alone.json().get("needed_scope")) == (403, "system/ServiceRequest.r")
    both = with_scopes("system/Task.rs", "system/ServiceRequest.r")
    assert (await story.get(RECIPIENT, asked, **both)).status_code == 200


async def test_each_entry_of_a_transaction_needs_its_scope(story: Story) -> None:
    service_id, case = await story.service(), await story.case()
    bundle = transaction(
        posted("Consent", new_consent(case["id"], service_id), "c"),
        posted("ServiceRequest", new_request(case["id"], service_id), "r"),
        posted("Task", requested("urn:uuid:c", "urn:uuid:r")),
    )
    granted = ["system/Consent.c", "system/ServiceRequest.c", "system/Task.c"]
    for lacking in granted:
        claims = with_scopes(*(set(granted) - {lacking}))
        refused = await story.post(REFERRER, "/fhir", bundle, **claims)
        assert (refused.status_code, refused.json().get("needed_scope")) == (403, lacking)
    assert (await story.get(REFERRER, "/fhir/Consent")).json().get("entry") is None
    # The service is not public.
    scopes = with_scopes("directory:read", *granted)
    done = await story.post(REFERRER, "/fhir", bundle, **scopes)
    assert done.status_code == 200, done.text


async def test_an_export_holds_what_the_scopes_name(story: Story) -> None:
    await story.sent()
    claims = with_scopes("system/Task.rs", "system/Patient.rs")
    assert set(await exported(story, RECIPIENT, **claims)) == {"Task", "Patient"}
    for path in (
        "/fhir/$export?_type=Task,Consent",
        "/fhir/$export-status?at=2026-01-01T00:00:00Z&_type=Consent",
        "/fhir/$export-file/Consent",
    ):
        headers = {"Prefer": "respond-async"}
        refused = await story.call(RECIPIENT, "GET", path, headers=headers, **claims)
        assert (refused.status_code, refused.json().get("needed_scope")) == (
            403,
            "system/Consent.s",
        )
