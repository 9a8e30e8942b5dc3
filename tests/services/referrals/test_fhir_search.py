"""Searches of the FHIR facade: parameters, pages and totals. Nobody else sees the results."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import orjson
import pytest
from common import clock
from common.ids import new_id
from fastapi import FastAPI
from fhir.resources.R4B import get_fhir_model_class
from httpx import Response
from referrals.referral.fhir.codes import BSER
from referrals.referral.fhir.parameters import KINDS, NotAsked, Within, prefers_lenient, read
from referrals.referral.fhir.statements import capability_statement

from tests.services.referrals.readable_routes import operations
from tests.services.referrals.story import AUDIENCE, LEGAL, REFUGIO, SALUD, Story
from tests.services.referrals.test_fhir import ids
from tests.services.referrals.test_scenarios import transfer_offer
from tests.support.principals import bearer

REFERRER, RECIPIENT, OTHER = "ngo-refugio", "ngo-salud", "ngo-legal"
BASE = "http://127.0.0.1:8080/referrals/v1/fhir"


async def bundle(story: Story, who: str, path: str, **more: Any) -> dict[str, Any]:
    answer = await story.call(who, "GET", f"/fhir/{path}", **more)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def resources(found: dict[str, Any], mode: str) -> list[dict[str, Any]]:
    return [e["resource"] for e in found.get("entry", []) if e["search"]["mode"] == mode]


async def refused(story: Story, path: str) -> dict[str, Any]:
    answer = await story.get(RECIPIENT, f"/fhir/{path}")
    assert (answer.status_code, answer.json()["code"]) == (400, "search_not_understood"), path
    problem: dict[str, Any] = answer.json()
    return problem


async def test_pages_are_links_that_keep_the_query_and_the_total_is_that_of_all(
    story: Story,
) -> None:
    service = await story.service()
    sent = [(await story.sent(service_id=service))["id"] for _ in range(5)]
    query = f"status=requested&owner=Organization/{SALUD}&_sort=_lastUpdated&_count=2&_include=Task:owner"
    found, sizes, path = [], [], f"Task?{query}"
    while path:
        page = await bundle(story, RECIPIENT, path)
        assert page["total"] == 5
        found += [task["id"] for task in resources(page, "match")]
        sizes.append(len(resources(page, "match")))
        links = {link["relation"]: link["url"] for link in page["link"]}
        assert links["self"].startswith(f"{BASE}/Task?")
        for url in links.values():
            asked = dict(parse_qsl(urlsplit(url).query))
            assert {k: v for k, v in asked.items() if k != "cursor"} == dict(parse_qsl(query))
        path = links.get("next", "").removeprefix(f"{BASE}/")
    assert (found, sizes) == (sent, [2, 2, 1])
    counted = await bundle(story, RECIPIENT, "Task?_count=0")
    assert (counted["total"], "entry" in counted) == (5, False)
    assert "total" not in await bundle(story, RECIPIENT, "Task?_total=none")


async def test_a_search_says_what_it_narrows_to(story: Story) -> None:
    service, other = await story.service(), await story.service(categories=("CP-CM",))
    urgent = await story.sent(service_id=service)
    routine = await story.sent(
        service_id=other, urgency="routine", category="CP-CM", consent={"purpose": "CP-CM"}
    )
    await story.made(RECIPIENT, f"/referrals/{routine['id']}/accept", {"focal_point": "Dra. M."})
    one, two = urgent["id"], routine["id"]
    for query, expected in {
        "": {one, two},
        f"_id={one}": {one},
        f"_id={one},{two}": {one, two},
        "status=requested": {one},
        "status=requested,accepted": {one, two},
        "status=http://hl7.org/fhir/task-status|accepted": {two},
        "business-status=accepted": {two},
        f"business-status={BSER}|2.0": {one},
        "priority=urgent": {one},
        "priority=asap": {one},
        f"patient=Patient/{urgent['case_id']}": {one},
        f"patient={routine['case_id']}": {two},
        f"subject:Patient={routine['case_id']}": {two},
        f"patient:identifier=urn:ruta:case|{routine['case_id']}": {two},
        f"requester=Organization/{REFUGIO}": {one, two},
        f"requester={BASE}/Organization/{REFUGIO}&status=accepted": {two},
        f"requester=Organization/{SALUD}": set(),
        f"owner:identifier=urn:ruta:organisation|{SALUD}": {one, two},
        f"focus=ServiceRequest/{one}": {one},
        f"_lastUpdated=gt{urgent['changed_at'].replace('+', '%2B')}": {two},
        f"_lastUpdated=le{urgent['changed_at'].replace('+', '%2B')}": {one},
        "_lastUpdated=lt2020": set(),
        "_lastUpdated=ge2020-01&_lastUpdated=lt2100": {one, two},
        f"_lastUpdated={urgent['changed_at'][:4]}": {one, two},
        f"_lastUpdated=ne{urgent['changed_at'][:10]}": set(),
        f"authored-on={urgent['created_at'][:10]}": {one, two},
    }.items():
        assert set(await ids(story, RECIPIENT, f"/fhir/Task?{query}")) == expected, query
    for query, expected in {
        "code=CP-CM": {two},
        f"performer=HealthcareService/{service}": {one},
        f"performer=Organization/{SALUD}": {one, two},
        "status=active": {one, two},
        "status=completed": set(),
    }.items():
        assert set(await ids(story, RECIPIENT, f"/fhir/ServiceRequest?{query}")) == expected, query


@pytest.mark.parametrize("sort", ["_id", "_lastUpdated", "authored-on", "modified"])
async def test_every_order_holds_over_the_pages(story: Story, sort: str) -> None:
    service = await story.service()
    sent = [(await story.sent(service_id=service))["id"] for _ in range(3)]
    await story.made(RECIPIENT, f"/referrals/{sent[0]}/acknowledge", {})
    changed = [sent[1], sent[2], sent[0]]
    expected = changed if sort in ("_lastUpdated", "modified") else sent
    up = await ids(story, RECIPIENT, f"/fhir/Task?_sort={sort}&_count=1")
    down = await ids(story, RECIPIENT, f"/fhir/Task?_sort=-{sort}&_count=1")
    assert (up, down) == (expected, expected[::-1])


async def test_both_sides_find_their_referrals_and_nobody_else_does(story: Story) -> None:
    referral = await story.sent()
    draft = await story.draft(referral["case_id"], referral["service_id"])
    assert await ids(story, REFERRER, "/fhir/Task") == [draft["id"], referral["id"]]
    assert await ids(story, RECIPIENT, "/fhir/Task") == [referral["id"]]
    assert await ids(story, RECIPIENT, f"/fhir/Task?owner={SALUD}&_id={draft['id']}") == []
    for kind in ("Task", "ServiceRequest", "Consent", "Patient"):
        assert await ids(story, OTHER, f"/fhir/{kind}") == []
    assert await ids(story, RECIPIENT, "/fhir/Consent") == [], "the recipient is shown no consent"
    assert await ids(story, REFERRER, "/fhir/Consent?status=active") == [referral["grant_id"]]
    assert await ids(story, REFERRER, "/fhir/Consent?status=inactive,rejected") == []


async def test_a_colleague_outside_the_team_finds_nothing(story: Story) -> None:
    referral = await story.sent()
    team = f"/services/{referral['service_id']}/team"
    who: dict[str, Any] = {"roles": ["partner", "supervisor"]}
    answer = await story.call(RECIPIENT, "PUT", team, {"clients": ["somebody-else"]}, **who)
    assert answer.status_code == 200
    for kind in ("Task", "ServiceRequest", "Patient"):
        assert await ids(story, RECIPIENT, f"/fhir/{kind}") == [], kind
        assert len(await ids(story, RECIPIENT, f"/fhir/{kind}", **who)) == 1
    assert (await story.get(RECIPIENT, f"/fhir/Patient/{referral['case_id']}")).status_code == 404


async def test_a_person_is_a_case_code_and_nothing_else(story: Story) -> None:
    referral, another = await story.sent(), await story.case()
    case = referral["case_id"]
    for who, expected in ((REFERRER, {case, another["id"]}), (RECIPIENT, {case})):
        assert set(await ids(story, who, "/fhir/Patient?_count=1")) == expected
        answer = await story.get(who, f"/fhir/Patient/{case}")
        assert answer.json() == {
            "resourceType": "Patient",
            "id": case,
            "identifier": [{"system": "urn:ruta:case", "value": case}],
        }
    assert (await story.get(RECIPIENT, f"/fhir/Patient/{another['id']}")).status_code == 404
    assert (await story.get(OTHER, f"/fhir/Patient/{case}")).status_code == 404
    assert await ids(story, RECIPIENT, f"/fhir/Patient?identifier=urn:ruta:case|{case}") == [case]


async def test_what_the_directory_hides_no_search_shows(story: Story) -> None:
    shown = await story.service(owner=SALUD)
    house = await story.service(owner=LEGAL, visibility="restricted", aors=("GBV",))
    gone = await story.service(owner=LEGAL)
    await story.service(owner=LEGAL, service_id=None, withdrawn=False)
    found = await ids(story, REFERRER, "/fhir/HealthcareService")
    assert shown in found
    assert house not in found
    assert gone in found
    assert (await story.get(REFERRER, f"/fhir/HealthcareService/{house}")).status_code == 404
    hidden = await story.get(REFERRER, f"/fhir/HealthcareService/{house}")
    nobody = await story.get(REFERRER, f"/fhir/HealthcareService/{new_id()}")
    assert hidden.json() == nobody.json()
    assert house in await ids(story, OTHER, "/fhir/HealthcareService"), "its own organisation"
    of_salud = f"/fhir/HealthcareService?organization=Organization/{SALUD}&service-category=HLT"
    assert await ids(story, REFERRER, of_salud) == [shown]
    assert await ids(story, REFERRER, "/fhir/HealthcareService?active=false") == []


async def test_an_organisation_that_has_only_hidden_services_is_hidden(story: Story) -> None:
    await story.service(owner=SALUD)
    await story.service(owner=LEGAL, visibility="restricted", aors=("GBV",))
    assert set(await ids(story, REFERRER, "/fhir/Organization")) == {str(SALUD), str(REFUGIO)}
    assert (await story.get(REFERRER, f"/fhir/Organization/{LEGAL}")).status_code == 404
    assert (await story.get(REFERRER, f"/fhir/Organization/{SALUD}")).status_code == 200


async def test_what_is_included_is_what_the_matches_name_and_the_caller_may_read(
    story: Story,
) -> None:
    service = await story.service()
    first = await story.sent(service_id=service)
    await story.sent(service_id=service, case_id=first["case_id"])
    names = ("owner", "requester", "patient", "focus")
    query = "&".join(f"_include=Task:{name}" for name in names)
    page = await bundle(story, RECIPIENT, f"Task?{query}")
    included = [(r["resourceType"], r["id"]) for r in resources(page, "include")]
    tasks = [task["id"] for task in resources(page, "match")]
    assert set(included) == {
        ("Organization", str(SALUD)),
        ("Organization", str(REFUGIO)),
        ("Patient", first["case_id"]),
        *(("ServiceRequest", each) for each in tasks),
    }
    assert len(included) == len(set(included)), "each once"
    assert page["total"] == 2, "what is included is not counted"
    for entry in page["entry"]:
        named = entry["resource"]
        assert entry["fullUrl"] == f"{BASE}/{named['resourceType']}/{named['id']}"
    asked = "ServiceRequest?_include=ServiceRequest:performer"
    kinds = {r["resourceType"] for r in resources(await bundle(story, REFERRER, asked), "include")}
    assert kinds == {"Organization", "HealthcareService"}
    await story.service(service_id=UUID(service), version=2, visibility="restricted")
    kinds = {r["resourceType"] for r in resources(await bundle(story, REFERRER, asked), "include")}
    assert kinds == {"Organization"}, "the directory hides it by now"


async def test_what_nobody_knows_is_refused_or_with_leave_ignored_and_told(story: Story) -> None:
    await story.sent()
    for path, name in {
        "Task?stat=requested": "stat",
        "Task?status=waiting": "status",
        "Task?status=other|requested": "status",
        "Task?_id=1": "_id",
        "Task?owner=Practitioner/" + str(SALUD): "owner",
        "Task?owner:missing=true": "owner:missing",
        "Task?_lastUpdated=yesterday": "_lastUpdated",
        "Task?_lastUpdated=2026-02-30": "_lastUpdated",
        "Task?_lastUpdated=9999": "_lastUpdated",
        "Task?_sort=status": "_sort",
        "Task?_count=-1": "_count",
        "Task?_count=1&_count=2": "_count",
        "Task?_include=Task:encounter": "_include",
        "Task?_total=roughly": "_total",
        "Consent?owner=1": "owner",
    }.items():
        problem = await refused(story, path)
        assert problem["pointer"] == f"/query/{name}", path
    assert "known: " in (await refused(story, "Task?stat=requested"))["detail"]
    strict = {"Prefer": "handling=strict"}
    answer = await story.call(RECIPIENT, "GET", "/fhir/Task?stat=1", headers=strict)
    assert answer.status_code == 400
    lenient = {"Prefer": "respond-async, handling=lenient"}
    path = "/fhir/Task?stat=1&status=requested"
    answer = await story.call(RECIPIENT, "GET", path, headers=lenient)
    assert answer.headers["preference-applied"] == "handling=lenient"
    page = answer.json()
    assert len(resources(page, "match")) == 1
    (outcome,) = resources(page, "outcome")
    assert outcome["issue"][0]["diagnostics"].startswith("stat: ")
    assert page["link"][0]["url"] == f"{BASE}/Task?status=requested", "what was really asked"
    answer = await story.call(RECIPIENT, "GET", "/fhir/Task?status=1", headers=lenient)
    assert answer.status_code == 400, "a value is never ignored"


async def by_form(story: Story, path: str, form: str, **headers: str) -> Response:
    """Search by POST (R4 §3.1.1.1)."""
    kind = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", **headers}
    kind |= bearer(RECIPIENT, audience=AUDIENCE)
    return await story.client.post(f"/referrals/v1/fhir/{path}", content=form, headers=kind)


async def test_a_search_may_be_posted_and_is_the_same_search(story: Story) -> None:
    await story.sent()
    for kind in KINDS:
        asked = "_sort=-_id&_count=1&_total=accurate"
        posted = await by_form(story, f"{kind}/_search", asked)
        assert posted.status_code == 200, posted.text
        assert posted.json() == await bundle(story, RECIPIENT, f"{kind}?{asked}")
    for query, form in {
        "?status=requested": "_count=1",
        "": "status=requested&_count=1",
        "?status=requested&_count=1": "",
    }.items():
        posted = await by_form(story, f"Task/_search{query}", form)
        assert posted.json() == await bundle(story, RECIPIENT, "Task?status=requested&_count=1")
    for form in ("stat=1", "status=waiting", "_sort=status"):
        refused = await by_form(story, "Task/_search", form)
        assert (refused.status_code, refused.json()["code"]) == (400, "search_not_understood")
    lenient = await by_form(story, "Task/_search", "stat=1", Prefer="handling=lenient")
    assert len(resources(lenient.json(), "match")) == 1
    assert len(resources(lenient.json(), "outcome")) == 1
    many = "&".join(["status=requested"] * 101)
    for wrong in (many, "status=%ff"):
        assert (await by_form(story, "Task/_search", wrong)).status_code == 400
    as_json = await by_form(story, "Task/_search", "{}", **{"Content-Type": "application/json"})
    assert (as_json.status_code, as_json.json()["code"]) == (415, "unsupported_media_type")


async def test_what_stands_still_for_the_recipient_is_found_as_it_is_shown(story: Story) -> None:
    """No search shows an implicated recipient any later change."""
    referral = await story.accepted()
    marked = {"organisation_ids": [str(SALUD)]}
    path = f"/cases/{referral['case_id']}/implicated-organisations"
    assert (await story.call(REFERRER, "PUT", path, marked)).status_code == 200
    offer = await transfer_offer(story, referral["case_id"], LEGAL)
    transfer = await story.made(REFERRER, "/transfers", offer)
    await story.made(OTHER, f"/transfers/{transfer['id']}/accept", {})
    task = (await story.get(RECIPIENT, f"/fhir/Task/{referral['id']}")).json()
    assert task["requester"]["reference"] == f"Organization/{REFUGIO}"
    found = await ids(story, RECIPIENT, f"/fhir/Task?requester={REFUGIO}")
    assert found == [referral["id"]]
    assert await ids(story, RECIPIENT, f"/fhir/Task?requester={LEGAL}") == []
    later = task["meta"]["lastUpdated"].replace("+", "%2B")
    assert await ids(story, RECIPIENT, f"/fhir/Task?_lastUpdated=gt{later}") == []
    assert str(LEGAL) not in await ids(story, RECIPIENT, "/fhir/Organization")
    assert await ids(story, OTHER, f"/fhir/Task?requester={LEGAL}") == [referral["id"]]
    assert await ids(story, REFERRER, "/fhir/Task") == [], "the former holder has nothing"


async def test_resources_are_of_r4_and_claim_no_profile_that_they_do_not_keep(story: Story) -> None:
    """A Task follows the rules of SDOHCC-TaskForReferralManagement (HL7 Gravity, FSH of 2.x) beyond R4, except for its
    references. SDOHCC-ServiceRequest requires US procedure codes, and US Core's Patient requires a name."""
    referral = await story.sent()
    await story.made(RECIPIENT, f"/referrals/{referral['id']}/decline", {"reason": "capacity"})
    for kind in KINDS:
        page = await bundle(story, REFERRER, kind)
        assert page["entry"], kind
        for resource in resources(page, "match"):
            get_fhir_model_class(kind).model_validate(resource)
            assert "profile" not in resource.get("meta", {})
            single = await story.get(REFERRER, f"/fhir/{kind}/{resource['id']}")
            assert single.json() == resource, "a search shows what the single read shows"
    (task,) = resources(await bundle(story, RECIPIENT, "Task"), "match")
    assert task["intent"] == "order"
    fulfil = {"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}
    assert fulfil in task["code"]["coding"]
    assert task["statusReason"]["text"]
    assert task["focus"]["reference"].startswith("ServiceRequest/")
    assert task["for"]["reference"].startswith("Patient/")
    assert task["requester"]["reference"].startswith("Organization/")
    assert task["authoredOn"]


def test_the_statement_tells_of_every_search_that_there_is(app: FastAPI) -> None:
    statement = capability_statement(BASE, "1", clock.today())
    told = {r["type"]: r for r in statement["rest"][0]["resource"]}
    routes = operations(app)
    assert set(told) == {p.rpartition("/")[2] for p in routes if p.startswith("/fhir/")} - {
        "metadata",
        *(p.rpartition("/")[2] for p in routes if "{" in p or "$" in p),
    }
    for name, resource in told.items():
        said = {p["name"] for p in resource["searchParam"]}
        described = {p["name"] for p in routes[f"/fhir/{name}"]["parameters"] if p["in"] == "query"}
        assert said == set(KINDS[name].parameters)
        assert described - said <= {"_count", "_sort", "_include", "_summary", "_total", "cursor"}
        assert said <= described
    assert statement["rest"][0]["security"]["service"]


def spans() -> Iterator[tuple[str, str | None, str | None]]:
    yield "2026", "2026-01-01T00:00:00", "2027-01-01T00:00:00"
    yield "2026-12", "2026-12-01T00:00:00", "2027-01-01T00:00:00"
    yield "2026-02-28", "2026-02-28T00:00:00", "2026-03-01T00:00:00"
    yield "2026-02-28T10:00", "2026-02-28T10:00:00", "2026-02-28T10:01:00"
    yield "2026-02-28T10:00:00Z", "2026-02-28T10:00:00", "2026-02-28T10:00:01"
    yield "2026-02-28T10:00:00.12-04:00", "2026-02-28T14:00:00.120", "2026-02-28T14:00:00.130"
    yield "gt2026", "2027-01-01T00:00:00", None
    yield "ge2026", "2026-01-01T00:00:00", None
    yield "lt2026", None, "2026-01-01T00:00:00"
    yield "le2026", None, "2027-01-01T00:00:00"


@pytest.mark.parametrize(("text", "low", "high"), list(spans()))
def test_a_date_is_a_span_as_long_as_it_is_exact(
    text: str, low: str | None, high: str | None
) -> None:
    (condition,) = read(KINDS["Task"], [("_lastUpdated", text)], lenient=False).conditions
    low_at, high_at = (datetime.fromisoformat(f"{t}+00:00") if t else None for t in (low, high))
    assert condition.spans == (Within(low_at, high_at),)


@pytest.mark.parametrize("text", ["ap2026", "26", "2026-13", "2026-01-01T25:00", "gt", ""])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(NotAsked):
        read(KINDS["Task"], [("_lastUpdated", text)], lenient=True)


@pytest.mark.parametrize(
    ("text", "lenient"),
    [
        (None, False),
        ("", False),
        ("handling=strict", False),
        ("handling=lenient", True),
        ('return=minimal, handling="lenient"', True),
        ("Handling = Lenient", True),
        ("handling=lenient2", False),
    ],
)
def test_only_who_asks_for_it_is_treated_leniently(text: str | None, lenient: bool) -> None:
    assert prefers_lenient(text) is lenient


async def test_a_summary_counts_and_only_json_is_offered(story: Story) -> None:
    await story.sent()
    for query in ("_summary=count", "_count=0&_totalMethod=count", "_summary=count&_total=none"):
        found = await bundle(story, RECIPIENT, f"Task?{query}")
        assert (found["total"], "entry" in found) == (1, False), query
    await refused(story, "Task?_summary=text")
    for path, accept, status in (
        ("Task", "application/fhir+xml", 406),
        ("metadata", "application/fhir+xml;q=0.9, text/html", 406),
        ("Task", "application/fhir+xml, application/fhir+json;q=0.5", 200),
        ("Task?_format=json", "application/fhir+xml", 200),
        ("Task?_format=xml", "application/fhir+json", 406),
        (f"Patient/{new_id()}?_format=xml", "*/*", 406),
    ):
        headers = {"Accept": accept}
        answer = await story.call(RECIPIENT, "GET", f"/fhir/{path}", headers=headers)
        assert answer.status_code == status, (path, accept)


async def exported(
    story: Story, who: str, query: str = "", **claims: Any
) -> dict[str, list[dict[str, Any]]]:
    """Return the resources of an export, by kind."""
    prefer = {"Prefer": "respond-async"}
    begun = await story.call(who, "GET", f"/fhir/$export?{query}", headers=prefer, **claims)
    assert begun.status_code == 202, begun.text
    status = begun.headers["content-location"].removeprefix(BASE)
    manifest = (await story.get(who, f"/fhir{status}", **claims)).json()
    assert manifest["requiresAccessToken"] is True
    found: dict[str, list[dict[str, Any]]] = {}
    for file in manifest["output"]:
        answer = await story.get(who, f"/fhir{file['url'].removeprefix(BASE)}", **claims)
        assert answer.headers["content-type"] == "application/fhir+ndjson"
        lines = [orjson.loads(line) for line in answer.text.splitlines()]
        assert len(lines) == file["count"]
        found.setdefault(file["type"], []).extend(lines)
    return found


async def test_an_export_is_what_a_search_shows(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("referrals.referral.fhir.export_api.MOST_LINES", 2)
    monkeypatch.setattr("referrals.referral.fhir.export_api.MOST", 1)
    sent = [await story.sent() for _ in range(3)]
    await story.draft(sent[0]["case_id"], sent[0]["service_id"])
    for who in (REFERRER, RECIPIENT, OTHER):
        found = await exported(story, who)
        for kind in KINDS:
            page = await bundle(story, who, f"{kind}?_count=100&_sort=_id")
            assert found.get(kind, []) == resources(page, "match"), (who, kind)
    assert await exported(story, RECIPIENT, "_type=Task&_since=2099-01-01T00:00:00Z") == {}
    for path in ("$export-file/Task?_since", "$export-status?at"):
        nowhere = await story.get(RECIPIENT, f"/fhir/{path}=2026-01-01T00:00:00")
        assert nowhere.status_code == 422, "a moment needs its time zone"
    assert list(await exported(story, RECIPIENT, "_type=Task")) == ["Task"]


async def test_an_export_says_how_it_is_asked(story: Story) -> None:
    assert (await story.get(RECIPIENT, "/fhir/$export")).status_code == 400
    for path in (
        "$export?_type=Person",
        "$export?_outputFormat=csv",
        "$export-status?at=2026-01-01T00:00:00Z&_type=x",
        "$export-file/Person",
        "$export-file/Task?cursor=x",
    ):
        answer = await story.call(
            RECIPIENT, "GET", f"/fhir/{path}", headers={"Prefer": "respond-async"}
        )
        assert 400 <= answer.status_code < 500, path
