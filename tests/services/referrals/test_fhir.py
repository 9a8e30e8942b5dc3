"""The FHIR facade shows the same referral under the same rules."""

from typing import Any

import pytest
from common.words.referral_states import ReferralState
from referrals.referral.fhir.mapping import BUSINESS_CODE, STATUS

from tests.services.referrals.story import Story

REFERRER, RECIPIENT = "ngo-refugio", "ngo-salud"
# The FHIR Task status (businessStatus) of each state, from the rules.
TABLE = {
    "draft": ("draft", None),
    "sent": ("requested", "2.0"),
    "acknowledged": ("requested", None),
    "info_requested": ("requested", None),
    "waitlisted": ("requested", None),
    "accepted": ("accepted", "3.0"),
    "declined": ("rejected", "4.0"),
    "scheduled": ("accepted", "5.1.1"),
    "in_service": ("in-progress", None),
    "on_hold": ("on-hold", None),
    "completed": ("completed", "7.0"),
    "not_delivered": ("failed", None),
    "recalled": ("cancelled", None),
    "withdrawn": ("cancelled", None),
    "expired": ("cancelled", None),
    "entered_in_error": ("entered-in-error", None),
}


def test_every_state_has_the_status_of_the_table() -> None:
    assert TABLE.keys() == {state.value for state in ReferralState}
    for state in ReferralState:
        assert (STATUS[state], BUSINESS_CODE.get(state)) == TABLE[state]


async def put(
    story: Story, who: str, referral_id: str, task: dict[str, Any], if_match: str | None = None
) -> Any:
    headers = {"If-Match": if_match} if if_match else {}
    return await story.call(who, "PUT", f"/fhir/Task/{referral_id}", task, headers=headers)


async def read(story: Story, who: str, referral_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await story.get(who, f"/fhir/Task/{referral_id}")).json()
    return found


async def ids(story: Story, who: str, path: str, **claims: Any) -> list[str]:
    """Return the ids of all matches of a search by following its links."""
    found: list[str] = []
    url: str | None = path
    while url:
        answer = await story.get(who, url, **claims)
        assert answer.status_code == 200, answer.text
        bundle = answer.json()
        matches = [e for e in bundle.get("entry", []) if e["search"]["mode"] == "match"]
        found += [entry["resource"]["id"] for entry in matches]
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        url = links.get("next", "").removeprefix("http://127.0.0.1:8080/referrals/v1") or None
    return found


def codes(*codes: str) -> dict[str, Any]:
    return {"coding": [{"system": "urn:ruta:codes", "code": c} for c in codes]}


def given(code: str, **value: Any) -> dict[str, Any]:
    return {"input": [{"type": codes(code), **value}]}


Edge = tuple[str, str, dict[str, Any]]
OWNER = {"owner": {"display": "Dra. M."}}
ACCEPT: Edge = (RECIPIENT, "accepted", OWNER)
HOLD: Edge = (
    RECIPIENT,
    "on-hold",
    {"statusReason": codes("capacity"), "restriction": {"period": {"end": "2099-01-01"}}},
)
SCHEDULE: Edge = (
    RECIPIENT,
    "accepted",
    {
        "businessStatus": codes("scheduled"),
        "restriction": {"period": {"start": "2099-01-01T10:00:00Z"}},
    },
)
ACKNOWLEDGE: Edge = (RECIPIENT, "received", {})
ASK: Edge = (
    RECIPIENT,
    "requested",
    {"businessStatus": codes("info_requested"), "note": [{"text": "since when?"}]},
)
WAITLIST: Edge = (
    RECIPIENT,
    "requested",
    {
        "businessStatus": codes("waitlisted"),
        "restriction": {"period": {"end": "2099-01-01"}},
        **given("person_agrees", valueBoolean=True),
    },
)
START: Edge = (RECIPIENT, "in-progress", {})


@pytest.mark.parametrize(
    ("edges", "ending"),
    [
        ([ACKNOWLEDGE], "acknowledged"),
        ([ACKNOWLEDGE, ASK], "info_requested"),
        (
            [
                ACKNOWLEDGE,
                ASK,
                (REFERRER, "requested", given("situation", valueString="since May")),
            ],
            "acknowledged",
        ),
        ([ACKNOWLEDGE, WAITLIST], "waitlisted"),
        ([ACKNOWLEDGE, WAITLIST, ACCEPT], "accepted"),
        ([(RECIPIENT, "rejected", {"statusReason": codes("capacity")})], "declined"),
        ([ACCEPT, SCHEDULE, START], "in_service"),
        ([ACCEPT, HOLD], "on_hold"),
        ([ACCEPT, START, HOLD, START], "in_service"),
        ([ACCEPT, (RECIPIENT, "failed", {"statusReason": codes("no_show")})], "not_delivered"),
        ([(REFERRER, "cancelled", {"statusReason": codes("mistake")})], "recalled"),
        ([ACCEPT, (RECIPIENT, "cancelled", {"statusReason": codes("withdrawn")})], "withdrawn"),
        (
            [ACCEPT, (REFERRER, "entered-in-error", {"statusReason": codes("duplicate")})],
            "entered_in_error",
        ),
    ],
)
async def test_the_edges_of_the_state_table_are_written_as_tasks(
    story: Story, edges: list[Edge], ending: str
) -> None:
    referral = await story.sent()
    for who, status, changes in edges:
        task = await read(story, who, referral["id"])
        del task["businessStatus"]
        answer = await put(story, who, referral["id"], {**task, "status": status, **changes})
        assert answer.status_code == 200, answer.text
    done = answer.json()
    assert done["businessStatus"]["coding"][0]["code"] == ending
    assert done["status"] == TABLE[ending][0]
    now = (await story.get(REFERRER, f"/referrals/{referral['id']}")).json()
    assert (now["state"], str(now["version"])) == (ending, done["meta"]["versionId"])


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"businessStatus": codes("waitlisted")}, "/restriction/period/end"),
        ({"businessStatus": codes("info_requested")}, "/note"),
        (
            {
                "businessStatus": codes("waitlisted"),
                "restriction": {"period": {"end": "2099-01-01"}},
            },
            "/person_agrees",
        ),
    ],
)
async def test_a_task_that_lacks_what_its_step_needs_says_where(
    story: Story, changes: dict[str, Any], pointer: str
) -> None:
    referral = await story.sent()
    task = await read(story, RECIPIENT, referral["id"])
    answer = await put(story, RECIPIENT, referral["id"], {**task, **changes})
    assert answer.status_code == 422
    problem = answer.json()
    assert pointer in [problem.get("pointer"), *(e["pointer"] for e in problem.get("errors", []))]


async def test_an_answer_by_task_stays_within_the_grant(story: Story) -> None:
    referral = await story.sent(consent={"items": ["name", "contact", "situation"]})
    for changes in (ACKNOWLEDGE, ASK):
        task = await read(story, RECIPIENT, referral["id"])
        await put(story, RECIPIENT, referral["id"], {**task, "status": changes[1], **changes[2]})
    task = await read(story, REFERRER, referral["id"])
    answer = await put(
        story, REFERRER, referral["id"], {**task, **given("health", valueString="secret-word")}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "not_granted")
    assert "secret-word" not in answer.text


async def test_a_task_that_changed_meanwhile_is_not_overwritten(story: Story) -> None:
    referral = await story.sent()
    answer = await story.get(RECIPIENT, f"/fhir/Task/{referral['id']}")
    task, seen = answer.json(), answer.headers["etag"]
    await story.made(RECIPIENT, f"/referrals/{referral['id']}/acknowledge", {})
    task |= {"status": "accepted", **OWNER}
    assert (await put(story, RECIPIENT, referral["id"], task, seen)).status_code == 412
    now = (await story.get(RECIPIENT, f"/fhir/Task/{referral['id']}")).headers["etag"]
    assert (await put(story, RECIPIENT, referral["id"], task, now)).status_code == 200


def named(system: str, value: str) -> dict[str, Any]:
    return {"identifier": {"system": f"urn:ruta:{system}", "value": value}}


def new_consent(case_id: str, service_id: str) -> dict[str, Any]:
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": codes("patient-privacy"),
        "category": [codes("referral")],
        "policyRule": codes("opt-in"),
        "patient": named("case", case_id),
        "provision": {
            "type": "permit",
            "actor": [{"role": codes("recipient"), "reference": named("service", service_id)}],
            "purpose": [{"system": "urn:ruta:codes", "code": "HLT"}],
            "code": [codes("name"), codes("situation")],
        },
        "extension": [{"url": "urn:ruta:method", "valueCode": "verbal"}],
    }


def new_request(case_id: str, service_id: str) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "order",
        "priority": "asap",
        "code": codes("HLT"),
        "subject": named("case", case_id),
        "performer": [named("service", service_id)],
        "orderDetail": [codes("name")],
        "reasonCode": [{"text": "needs a consultation"}],
        "extension": [{"url": "urn:ruta:safe-contact", "valueCode": "person_comes"}],
    }


async def test_a_health_system_refers_without_another_api(story: Story) -> None:
    service_id, case = await story.service(), await story.case()
    consent = await story.made(REFERRER, "/fhir/Consent", new_consent(case["id"], service_id))
    assert (consent["status"], [e["url"] for e in consent["extension"]]) == (
        "active",
        ["urn:ruta:withdrawal-code"],
    )
    answer = await story.post(REFERRER, "/fhir/ServiceRequest", new_request(case["id"], service_id))
    assert answer.status_code == 201, answer.text
    request = answer.json()
    assert answer.headers["location"].endswith(f"/ServiceRequest/{request['id']}")
    assert (request["status"], request["priority"]) == ("draft", "urgent")
    task = await read(story, REFERRER, request["id"])
    sent = {"type": codes("consent"), "valueReference": {"reference": f"Consent/{consent['id']}"}}
    done = await put(
        story, REFERRER, request["id"], {**task, "status": "requested", "input": [sent]}
    )
    assert done.status_code == 200, done.text
    seen = (await story.get(RECIPIENT, f"/referrals/{request['id']}/disclosure")).json()
    assert seen["items"] == {"name": "Yolimar Canaria Perdomo", "situation": "needs a consultation"}
    code = {"code": consent["extension"][0]["valueCode"]}
    assert (await story.post("anonymous", "/withdrawals", code)).status_code == 200
    assert (await read(story, RECIPIENT, request["id"]))["status"] == "cancelled"


@pytest.mark.parametrize(
    ("kind", "lacking", "pointer"),
    [
        ("ServiceRequest", "subject", "/subject"),
        ("ServiceRequest", "performer", "/performer"),
        ("ServiceRequest", "code", "/category"),
        ("Consent", "extension", "/method"),
        ("Consent", "category", "/category"),
        ("Consent", "patient", "/patient/identifier"),
    ],
)
async def test_a_new_resource_that_lacks_something_says_what(
    story: Story, kind: str, lacking: str, pointer: str
) -> None:
    service_id, case = await story.service(), await story.case()
    make = new_request if kind == "ServiceRequest" else new_consent
    body = make(case["id"], service_id)
    del body[lacking]
    answer = await story.post(REFERRER, f"/fhir/{kind}", body)
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert pointer in [problem.get("pointer"), *(e["pointer"] for e in problem.get("errors", []))]
    assert (
        await story.post("ngo-legal", f"/fhir/{kind}", make(case["id"], service_id))
    ).status_code == 404


MODIFIED = [{"url": "https://example.org/not", "valueBoolean": True}]


@pytest.mark.parametrize(
    ("kind", "said", "pointer"),
    [
        ("Consent", {"status": "rejected"}, "/status"),
        ("Consent", {"status": "inactive"}, "/status"),
        ("Consent", {"status": "entered-in-error"}, "/status"),
        ("Consent", {"policyRule": codes("OPTOUT")}, "/policyRule"),
        ("Consent", {"provision": {"type": "deny"}}, "/provision/type"),
        (
            "Consent",
            {"provision": {"provision": [{"type": "deny", "code": [codes("situation")]}]}},
            "/provision/provision",
        ),
        (
            "Consent",
            {"provision": {"dataPeriod": {"start": "2026-01-01"}}},
            "/provision/dataPeriod",
        ),
        (
            "Consent",
            {"provision": {"period": {"start": "2099-01-01"}}},
            "/provision/period/start",
        ),
        ("Consent", {"modifierExtension": MODIFIED}, "/modifierExtension"),
        (
            "Consent",
            {"provision": {"modifierExtension": MODIFIED}},
            "/provision/modifierExtension",
        ),
        ("ServiceRequest", {"doNotPerform": True}, "/doNotPerform"),
        ("ServiceRequest", {"status": "revoked"}, "/status"),
        ("ServiceRequest", {"modifierExtension": MODIFIED}, "/modifierExtension"),
    ],
)
async def test_what_says_no_becomes_no_yes(
    story: Story, kind: str, said: dict[str, Any], pointer: str
) -> None:
    service_id, case = await story.service(), await story.case()
    make = new_request if kind == "ServiceRequest" else new_consent
    body = make(case["id"], service_id)
    narrowed = {**body.get("provision", {}), **said.get("provision", {})}
    body |= {**said, **({"provision": narrowed} if kind == "Consent" else {})}
    answer = await story.post(REFERRER, f"/fhir/{kind}", body)
    assert (answer.status_code, answer.json().get("pointer")) == (422, pointer), answer.text
    for table in ("grants", "referrals"):
        assert await story.rows(f"SELECT 1 FROM {table}") == []


async def test_a_step_that_a_modifier_may_turn_around_is_not_taken(story: Story) -> None:
    referral = await story.sent()
    task = await read(story, RECIPIENT, referral["id"])
    task |= {"status": "accepted", "modifierExtension": MODIFIED}
    task["owner"]["display"] = "Dra. M."
    answer = await put(story, RECIPIENT, referral["id"], task)
    assert answer.status_code == 422, answer.text
    assert answer.json()["pointer"] == "/modifierExtension"
    assert (await read(story, RECIPIENT, referral["id"]))["status"] == "requested"


async def test_a_health_system_follows_a_referral_to_its_outcome(story: Story) -> None:
    service_id, case = await story.service(), await story.case()
    grant = await story.consent(case["id"], service_id)
    draft = await story.draft(case["id"], service_id)
    task = (await story.get("ngo-refugio", f"/fhir/Task/{draft['id']}")).json()
    assert (task["status"], task["intent"]) == ("draft", "order")
    task["status"] = "requested"
    task["input"] = [
        {"type": codes("consent"), "valueReference": {"reference": f"Consent/{grant['id']}"}}
    ]
    sent = await put(story, "ngo-refugio", draft["id"], task)
    assert sent.status_code == 200, sent.text
    bundle = (await story.get("ngo-salud", "/fhir/Task?status=requested")).json()
    assert [e["resource"]["id"] for e in bundle["entry"]] == [draft["id"]]
    task = bundle["entry"][0]["resource"]
    task["status"], task["owner"]["display"] = "accepted", "Dra. M."
    assert (await put(story, "ngo-salud", draft["id"], task)).status_code == 200
    task["status"] = "in-progress"
    assert (await put(story, "ngo-salud", draft["id"], task)).status_code == 200
    task["status"] = "completed"
    assert (await put(story, "ngo-salud", draft["id"], task)).status_code == 422
    task["output"] = [{"type": codes("outcome"), "valueCodeableConcept": codes("delivered")}]
    done = (await put(story, "ngo-salud", draft["id"], task)).json()
    assert (done["status"], done["businessStatus"]["text"]) == ("completed", "completed")
    request = (await story.get("ngo-salud", f"/fhir/ServiceRequest/{draft['id']}")).json()
    assert request["status"] == "completed"
    consent = (await story.get("ngo-refugio", f"/fhir/Consent/{grant['id']}")).json()
    assert consent["status"] == "active"
    assert "Yolimar" not in str(task) + str(request) + str(consent)


async def test_fhir_refuses_what_the_lifecycle_refuses(story: Story) -> None:
    referral = await story.sent()
    task = (await story.get("ngo-salud", f"/fhir/Task/{referral['id']}")).json()
    task["status"] = "in-progress"
    illegal = await put(story, "ngo-salud", referral["id"], task)
    assert (illegal.status_code, illegal.json()["code"]) == (409, "illegal_transition")
    task["status"] = "accepted"
    task["owner"]["display"] = "me"
    assert (await put(story, "ngo-refugio", referral["id"], task)).status_code == 403
    task["status"] = "no such status"
    assert (
        await put(story, "ngo-salud", referral["id"], {"resourceType": "Task"})
    ).status_code == 422
    assert (await put(story, "ngo-salud", referral["id"], task)).status_code == 422
    assert (await story.get("ngo-legal", f"/fhir/Task/{referral['id']}")).status_code == 404


async def test_a_search_by_status_pages_through_that_status_and_refuses_what_is_none(
    story: Story,
) -> None:
    service_id = await story.service()
    sent = [(await story.sent(service_id=service_id))["id"] for _ in range(3)]
    other = (await story.sent(service_id=service_id))["id"]
    await story.made(RECIPIENT, f"/referrals/{other}/decline", {"reason": "capacity"})
    found = await ids(story, RECIPIENT, "/fhir/Task?status=requested,accepted&_count=1")
    assert found == sent[::-1]
    answer = await story.get(RECIPIENT, "/fhir/Task?status=waiting")
    assert (answer.status_code, answer.json()["pointer"]) == (400, "/query/status")
    assert "requested" in answer.text


def posted(kind: str, resource: dict[str, Any], name: str | None = None) -> dict[str, Any]:
    entry = {"resource": resource, "request": {"method": "POST", "url": kind}}
    return {**entry, "fullUrl": f"urn:uuid:{name}"} if name else entry


def transaction(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def requested(consent: str, request: str) -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "focus": {"reference": request},
        "input": [{"type": codes("consent"), "valueReference": {"reference": consent}}],
    }


async def test_one_transaction_records_consent_and_sends(story: Story) -> None:
    service_id, case = await story.service(), await story.case()
    bundle = transaction(
        posted("Task", requested("urn:uuid:c", "urn:uuid:r")),
        posted("ServiceRequest", new_request(case["id"], service_id), "r"),
        posted("Consent", new_consent(case["id"], service_id), "c"),
    )
    answer = await story.post(REFERRER, "/fhir", bundle, key="whole")
    assert answer.status_code == 200, answer.text
    done = answer.json()
    assert (done["resourceType"], done["type"]) == ("Bundle", "transaction-response")
    kinds = [entry["resource"]["resourceType"] for entry in done["entry"]]
    assert kinds == ["Task", "ServiceRequest", "Consent"]
    task = done["entry"][0]
    assert (task["resource"]["status"], task["response"]["status"]) == ("requested", "201 Created")
    assert task["response"]["etag"] == f'W/"{task["resource"]["meta"]["versionId"]}"'
    seen = await story.get(RECIPIENT, f"/referrals/{task['resource']['id']}/disclosure")
    assert seen.json()["items"]["situation"] == "needs a consultation"
    code = done["entry"][2]["resource"]["extension"][0]["valueCode"]
    again = await story.post(REFERRER, "/fhir", bundle, key="whole")
    assert again.headers["idempotent-replayed"] == "true"
    assert code not in again.text, "the code is shown once"
    accepted = {**task["resource"], "status": "accepted", **OWNER}
    put = {"method": "PUT", "url": f"Task/{accepted['id']}", "ifMatch": task["response"]["etag"]}
    step = transaction({"resource": accepted, "request": put})
    assert (await story.post(RECIPIENT, "/fhir", step)).status_code == 200
    stale = await story.post(RECIPIENT, "/fhir", step)
    assert stale.status_code == 412, stale.text


async def test_a_repeated_fhir_consent_shows_its_code_no_more(story: Story) -> None:
    service_id, case = await story.service(), await story.case()
    resource = new_consent(case["id"], service_id)
    first = await story.post(REFERRER, "/fhir/Consent", resource, key="once")
    again = await story.post(REFERRER, "/fhir/Consent", resource, key="once")
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == {k: v for k, v in first.json().items() if k != "extension"}


async def test_a_transaction_that_is_refused_changes_nothing(story: Story) -> None:
    service_id, case, other = await story.service(), await story.case(), await story.case()
    consent = posted("Consent", new_consent(case["id"], service_id), "c")
    request = posted("ServiceRequest", new_request(case["id"], service_id), "r")
    narrow = new_consent(case["id"], service_id)
    narrow["provision"]["code"] = [codes("name")]
    step = posted("Task", requested("urn:uuid:c", "urn:uuid:r"))
    for entries, status, pointer in (
        ([posted("Consent", narrow, "c"), request, step], 422, None),
        ([consent, posted("Patient", {"resourceType": "Patient"})], 422, "/entry/1/request"),
        ([{**consent, "request": {"method": "PUT", "url": "Consent"}}], 422, "/entry/0/request"),
        ([consent, consent], 422, "/entry"),
        ([], 422, "/entry"),
        ([posted("Consent", {**narrow, "status": "rejected"})], 422, "/entry/0/resource/status"),
        ([consent, posted("Task", requested("urn:uuid:c", "x"))], 422, "/entry/1/resource/focus"),
        (
            [consent, posted("ServiceRequest", new_request(other["id"], service_id))],
            422,
            "/entry",
        ),
        ([posted("Consent", new_consent(case["id"], service_id))] * 31, 422, "/entry"),
    ):
        answer = await story.post(REFERRER, "/fhir", transaction(*entries))
        assert answer.status_code == status, answer.text
        assert pointer is None or answer.json()["pointer"] == pointer, answer.text
        assert await story.rows("SELECT 1 FROM grants UNION ALL SELECT 1 FROM referrals") == []
    batch = {**transaction(consent), "type": "batch"}
    assert (await story.post(REFERRER, "/fhir", batch)).json()["pointer"] == "/type"
    foreign = await story.post("ngo-legal", "/fhir", transaction(consent))
    assert foreign.status_code == 404
