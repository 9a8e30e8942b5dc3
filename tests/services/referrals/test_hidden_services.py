"""Whatever the directory hides from a caller is hidden in referrals too. Every path that takes, shows or counts a
service treats a hidden id exactly like an unknown one.

The API's description supplies the paths, so that new ones are tested without being named.
"""

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from common.ids import new_id
from common.sight import NAMES, audience_of
from httpx import Response
from referrals.ground.directory.models import DirectoryService
from referrals.ground.directory.queries import seen_by

from tests.services.referrals.line_words import TIP, Reporter
from tests.services.referrals.screening_words import concluded
from tests.services.referrals.story import AUDIENCE, LEGAL, SALUD, Story
from tests.services.referrals.test_fhir import new_consent, new_request
from tests.support.principals import CLIENTS, bearer, organisation, principal

REFERRER, RECIPIENT = "ngo-refugio", "ngo-salud"
KEEPER = organisation(77)
HIDDEN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a restricted house of the caller's own area of responsibility": (
        {"visibility": "restricted", "aors": ("CP", "GBV", "TIP")},
        {},
    ),
    "a pathway of which the caller is no member": (
        {"visibility": "pathway", "aors": ("GP",)},
        {},
    ),
    "a pathway in another state than the caller's": (
        {"visibility": "pathway", "aors": ("CP", "GBV", "TIP"), "areas": ("VE20",)},
        {"areas": ["VE23"]},
    ),
    "a pathway, told of by an older version without its states": (
        {"visibility": "pathway", "aors": ("CP", "GBV", "TIP"), "areas": ()},
        {"areas": ["VE23"]},
    ),
    "partners only, for a token that does not read the directory": (
        {"visibility": "partners", "aors": ("GBV",)},
        {"scope": "referrals:read referrals:write"},
    ),
    "restricted, and it takes nobody now": (
        {"visibility": "restricted", "aors": ("GBV",), "referable": False},
        {},
    ),
}
Call = Callable[[str, dict[str, Any]], Awaitable[Response]]


class Roads:
    """A referral, drafts and a screening for calling the routes; each path takes a service id."""

    def __init__(self, story: Story) -> None:
        self.story = story

    async def begin(self) -> "Roads":
        story = self.story
        self.case = (await story.case())["id"]
        path = f"/cases/{self.case}/implicated-organisations"
        implicated = await story.call(REFERRER, "PUT", path, {"organisation_ids": [str(KEEPER)]})
        assert implicated.status_code == 200, implicated.text
        self.referral = (await story.sent(service_id=await story.service()))["id"]
        referral = await story.get(REFERRER, f"/referrals/{self.referral}")
        self.referral_case = referral.json()["case_id"]
        self.screening = (await concluded(story))["id"]
        await story.made(
            REFERRER, f"/screenings/{self.screening}/case", {"case_id": self.referral_case}
        )
        return self

    def all(self) -> dict[str, Call]:
        referral = "/referrals/{referral_id}"
        under = "/cases/{case_id}" + referral
        return {
            "post /consents": self._body(
                REFERRER, "/consents", lambda it: self.story.consent_body(self.case, it)
            ),
            "post /exceptions": self._body(
                REFERRER,
                "/exceptions",
                lambda it: {
                    "case_id": self.case,
                    "service_id": it,
                    "purpose": "HLT",
                    "basis": "vital_interest",
                    "items": ["name"],
                    "rationale": "she is unconscious and alone",
                    "person_informed": False,
                },
            ),
            "post /referrals": self._body(
                REFERRER,
                "/referrals",
                lambda it: {"case_id": self.case, "service_id": it, "category": "HLT"},
            ),
            f"post {referral}/decline": self._body(RECIPIENT, f"{referral}/decline", _declined),
            f"post {under}/decline": self._body(RECIPIENT, f"{under}/decline", _declined),
            f"post {referral}/suggest": self._body(
                RECIPIENT, f"{referral}/suggest", lambda it: {"service_id": it}
            ),
            f"post {under}/suggest": self._body(
                RECIPIENT, f"{under}/suggest", lambda it: {"service_id": it}
            ),
            "post /screenings/{screening_id}/drafts": self._body(
                REFERRER,
                "/screenings/{screening_id}/drafts",
                lambda it: {"choices": [{"service_id": it, "need": "HLT"}]},
            ),
            "get /referrals/inbox": self._get(REFERRER, "/referrals/inbox?service_id={it}"),
            "get /services/{service_id}/team": self._get(REFERRER, "/services/{it}/team"),
            "put /services/{service_id}/team": self._team,
            "get /fhir/HealthcareService": self._get(REFERRER, "/fhir/HealthcareService?_id={it}"),
            "post /fhir/HealthcareService/_search": self._searched,
            "get /fhir/HealthcareService/{service_id}": self._get(
                REFERRER, "/fhir/HealthcareService/{it}"
            ),
            "post /fhir/ServiceRequest": self._body(
                REFERRER, "/fhir/ServiceRequest", lambda it: new_request(self.case, it)
            ),
            "post /fhir/Consent": self._body(
                REFERRER, "/fhir/Consent", lambda it: new_consent(self.case, it)
            ),
            "post /bulk": self._body(
                REFERRER,
                "/bulk",
                lambda it: {
                    "commands": [
                        {
                            "key": f"c{it[-8:]}",
                            "path": "/referrals/v1/consents",
                            "body": self.story.consent_body(self.case, it),
                        }
                    ]
                },
            ),
        }

    def _body(self, who: str, path: str, body: Callable[[str], Any]) -> Call:
        async def call(service_id: str, claims: dict[str, Any]) -> Response:
            return await self.story.post(who, self._path(path), body(service_id), **claims)

        return call

    def _get(self, who: str, path: str) -> Call:
        async def call(service_id: str, claims: dict[str, Any]) -> Response:
            return await self.story.get(who, path.format(it=service_id), **claims)

        return call

    async def _searched(self, service_id: str, claims: dict[str, Any]) -> Response:
        return await self.story.client.post(
            "/referrals/v1/fhir/HealthcareService/_search",
            data={"_id": service_id},
            headers=bearer(REFERRER, audience=AUDIENCE, **claims),
        )

    async def _team(self, service_id: str, claims: dict[str, Any]) -> Response:
        path = f"/services/{service_id}/team"
        body = {"clients": ["somebody"]}
        who = "ngo-refugio-supervisor"
        return await self.story.call(who, "PUT", path, body, **claims)

    def _path(self, path: str) -> str:
        return path.format(
            case_id=self.referral_case, referral_id=self.referral, screening_id=self.screening
        )


def _declined(service_id: str) -> dict[str, Any]:
    return {"reason": "capacity", "suggested_service_id": service_id}


# Routes whose bodies have no description; no other route of this kind takes a service.
OPEN_BODIES = {
    "post /fhir/ServiceRequest",
    "post /fhir/Consent",
    "post /bulk",
}
NO_SERVICE_IN_IT = {
    "put /fhir/Task/{referral_id}",
    "post /intake/forms/{form_id}/submissions",
    "post /line",
    "post /line/thread",
}


ROADS = sorted(Roads(None).all())  # type: ignore[arg-type]  # their names only


async def roads_of(story: Story) -> tuple[set[str], set[str]]:
    """Return (routes that name a service in the path, query or body; routes without a described body)."""
    document = (await story.client.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    naming, untyped = set(), set()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            name = f"{method} {path.removeprefix('/referrals/v1')}"
            body = operation.get("requestBody", {})
            fields = {each["name"] for each in operation.get("parameters", [])}
            fields |= set(_fields(body, schemas))
            if any("service" in field for field in fields):
                naming.add(name)
            if _is_open(body, schemas):
                untyped.add(name)
    return naming, untyped


def _fields(schema: Any, schemas: dict[str, Any], seen: tuple[str, ...] = ()) -> Iterator[str]:
    if isinstance(schema, list):
        for each in schema:
            yield from _fields(each, schemas, seen)
    elif isinstance(schema, dict):
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            if name not in seen:
                yield from _fields(schemas[name], schemas, (*seen, name))
            return
        yield from schema.get("properties", {})
        for each in schema.values():
            yield from _fields(each, schemas, seen)


def _is_open(body: dict[str, Any], schemas: dict[str, Any]) -> bool:
    """Return whether the body may contain fields that are not described."""
    for content in body.get("content", {}).values():
        schema = content["schema"]
        if "$ref" in schema:
            schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
        if not schema.get("properties") and schema.get("additionalProperties") is not False:
            return True
        if any("Command" in name for name in _names(schema)):
            return True
    return False


def _names(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].rsplit("/", 1)[1]
        for each in schema.values():
            yield from _names(each)


async def test_every_road_that_takes_a_service_is_under_the_test(story: Story) -> None:
    known = set(ROADS)
    naming, untyped = await roads_of(story)
    assert naming == known - OPEN_BODIES, "a new road: say in Roads how it is called"
    fhir = {name for name in NO_SERVICE_IN_IT | OPEN_BODIES if "/fhir/" in name}
    assert untyped | fhir <= OPEN_BODIES | NO_SERVICE_IN_IT, "look whether a service can be in it"


def told(response: Response, service_id: str) -> tuple[int, str, dict[str, str]]:
    """Return everything that the caller learns, except the id that they sent."""
    request = response.headers["x-request-id"]
    headers = {name: value.replace(request, "-") for name, value in response.headers.items()}
    text = response.text.replace(service_id, "ID").replace(service_id[-8:], "ID")
    text = re.sub(r'"request_id":"[^"]*"', "", text.replace(request, "-"))
    return response.status_code, text, headers


@pytest.mark.parametrize("road", ROADS)
async def test_a_hidden_id_answers_like_one_that_does_not_exist(story: Story, road: str) -> None:
    call = (await Roads(story).begin()).all()[road]
    for what, (service, claims) in HIDDEN.items():
        hidden, free = await story.service(KEEPER, **service), str(new_id())
        expected, answered = await call(free, claims), await call(hidden, claims)
        assert told(answered, hidden) == told(expected, free), what
        assert answered.status_code < 300 or answered.headers["content-type"].startswith(
            "application/problem+json"
        )


# The inbox contains no referrals to others, whichever service the filter names.
@pytest.mark.parametrize("road", sorted(set(ROADS) - {"get /referrals/inbox"}))
async def test_the_same_call_with_a_service_that_is_shown_answers_otherwise(
    story: Story, road: str
) -> None:
    """The same call with a visible service gets a different response. Otherwise the previous test could not fail."""
    roads = await Roads(story).begin()
    owner = organisation(1) if "/team" in road else LEGAL
    shown, free = await story.service(owner), str(new_id())
    call = roads.all()[road]
    assert told(await call(free, {}), free) != told(await call(shown, {}), shown)


async def test_lists_are_the_same_whether_or_not_hidden_services_exist(story: Story) -> None:
    """The rule covers alternatives, plans of screenings and the gaps in them."""
    roads = await Roads(story).begin()
    shown = await story.service(LEGAL, ("HLT", "CP-CM"))
    await story.made(RECIPIENT, f"/referrals/{roads.referral}/decline", {"reason": "capacity"})
    one = f"/referrals/{roads.referral}"
    paths = (f"{one}/alternatives", f"{one}?with=alternatives")
    for what, (service, claims) in HIDDEN.items():
        before = [(await story.get(REFERRER, path, **claims)).text for path in paths]
        for text in before:
            assert (shown in text) is ("scope" not in claims), what
        for _ in range(12):
            await story.service(KEEPER, ("HLT", "CP-CM", "TIP-SAFE"), **service)
        assert [(await story.get(REFERRER, path, **claims)).text for path in paths] == before, what
    plan = await story.made(REFERRER, f"/screenings/{roads.screening}/drafts", {})
    offered = {a["service_id"] for need in plan["plan"] for a in need["alternatives"]}
    theirs = await story.rows(
        "SELECT service_id FROM directory_services WHERE organisation_id = :keeper", keeper=KEEPER
    )
    hidden_without_claims = {
        str(row.service_id)
        for row in theirs
        if not await _is_seen(story, row.service_id, principal(REFERRER))
    }
    assert offered
    assert hidden_without_claims
    assert not offered & hidden_without_claims


async def test_a_confidential_need_is_no_gap_whether_or_not_there_is_a_house(
    story: Story,
) -> None:
    """Everybody sees the intermediary in the plan, except coordinators of such houses there."""
    roads = await Roads(story).begin()
    path = f"/screenings/{roads.screening}/drafts"
    leads = {"roles": ["caseworker", "coordinator"], "aors": ["TIP"]}

    async def planned(**claims: Any) -> tuple[dict[str, Any], bool]:
        made = await story.made(REFERRER, path, {}, **claims)
        (need,) = (each for each in made["plan"] if each["need"] == "TIP-SAFE")
        return need, "TIP-SAFE" in made["gaps"]

    without, gap = await planned()
    assert (without["coverage"], without["alternatives"], gap) == (
        "through_intermediary",
        [],
        False,
    )
    assert "línea de atención" in without["intermediary"]["es"]
    assert "hotline" in without["intermediary"]["en"]
    need, gap = await planned(**leads)
    assert (need["coverage"], need["intermediary"], gap) == ("gap", None, True)
    need, gap = await planned(**leads, areas=["VE20"])
    assert (need["coverage"], gap) == ("through_intermediary", False)
    house = await story.service(
        KEEPER, ("TIP-SAFE",), visibility="restricted", aors=("TIP",), areas=("VE23",)
    )
    assert await planned() == (without, False)
    need, gap = await planned(**leads)
    assert (need["coverage"], need["intermediary"], gap) == ("available", None, False)
    assert [each["service_id"] for each in need["alternatives"]] == [house]


async def _is_seen(story: Story, service_id: UUID, caller: Any) -> bool:
    async with story.database.transaction() as session:
        service = await session.get(DirectoryService, service_id)
        assert service is not None
        return audience_of(caller).sees(service)


async def test_a_house_that_became_hidden_since_is_sent_nothing(story: Story) -> None:
    case, service_id = (await story.case())["id"], await story.service()
    grant = await story.consent(case, service_id)
    draft = await story.draft(case, service_id)
    await story.service(
        SALUD, service_id=UUID(service_id), version=2, visibility="restricted", aors=("GBV",)
    )
    sent = await story.post(REFERRER, f"/referrals/{draft['id']}/send", {"grant_id": grant["id"]})
    assert (sent.status_code, sent.json()["code"]) == (409, "not_referable")
    assert "not in the directory" in sent.json()["detail"]


async def test_its_coordinators_and_its_own_people_refer_to_a_restricted_house(
    story: Story,
) -> None:
    """The directory shows the house to its own organisation and to coordinators of its area of responsibility, who are
    the intermediaries."""
    leads = {"roles": ["caseworker", "coordinator"], "aors": ["GBV"]}
    case = (await story.case())["id"]
    house = await story.service(KEEPER, visibility="restricted", aors=("GBV",))
    for claims, status in (
        ({}, 409),
        (leads, 201),
        ({**leads, "areas": ["VE20"]}, 409),
        ({**leads, "areas": ["VE2313"]}, 201),
        ({**leads, "aors": ["CP"]}, 409),
    ):
        answer = await story.post(REFERRER, "/consents", story.consent_body(case, house), **claims)
        assert answer.status_code == status, claims
    kept = await story.service(
        KEEPER, visibility="restricted", aors=("GBV",), managed_by=organisation(1)
    )
    await story.consent(case, kept)


async def test_a_suggestion_that_the_reader_may_not_see_is_left_out(story: Story) -> None:
    """The recipient, which runs the house, may name it. The referrer's staff see it only if the directory shows it to
    them, in every form of the referral, in lists and alternatives."""
    referral = await story.sent()
    house = await story.service(SALUD, visibility="restricted", aors=("GBV",))
    path = f"/referrals/{referral['id']}"
    seen = await story.made(RECIPIENT, f"{path}/suggest", {"service_id": house})
    assert seen["suggested_service_id"] == house
    for road in (
        path,
        f"/cases/{referral['case_id']}{path}",
        "/referrals",
        f"/referrals?case_id={referral['case_id']}",
        f"{path}/history",
        f"{path}/alternatives",
        f"/fhir/Task/{referral['id']}",
        f"/fhir/ServiceRequest/{referral['id']}",
        "/feed",
    ):
        answer = await story.get(REFERRER, road)
        assert answer.status_code == 200, road
        assert house not in answer.text, road
    leads = {"roles": ["caseworker", "coordinator"], "aors": ["GBV"]}
    assert (await story.get(REFERRER, path, **leads)).json()["suggested_service_id"] == house
    assert (await story.get(RECIPIENT, "/referrals/inbox")).text.count(house) == 1


async def test_the_line_is_handed_to_nobody_who_is_known_by_a_hidden_service_only(
    story: Story,
) -> None:
    report = await Reporter(story).report(wants_case=True)
    path = f"/line/reports/{report['id']}/hand-over"
    await story.service(KEEPER, visibility="restricted", aors=("GBV",))
    answers = [
        await story.post(TIP, path, {"organisation_id": str(each)})
        for each in (KEEPER, organisation(78))
    ]
    one, other = (told(each, str(KEEPER)) for each in answers)
    assert one == other
    assert answers[0].json()["code"] == "not_referable"
    await story.service(KEEPER, visibility="restricted", aors=("TIP",))
    assert (await story.post(TIP, path, {"organisation_id": str(KEEPER)})).status_code == 200


async def test_the_rule_in_sql_is_the_rule(story: Story) -> None:
    """The rule in SQL equals the rule in Python. The test compares them over a grid of services and every demo client,
    with and without areas and the scope."""
    for owner in (SALUD, KEEPER):
        for manager in (None, SALUD, KEEPER):
            for visibility in NAMES:
                for aors in ((), ("GBV",), ("TIP", "CP"), ("MULTI",)):
                    for areas in ((), ("VE23",), ("VE20",), ("VE2001", "VE2313")):
                        await story.service(
                            owner, areas=areas, visibility=visibility, aors=aors, managed_by=manager
                        )
    callers = [principal(client) for client in (*CLIENTS, "anonymous")]
    callers += [principal(client, areas=["VE23"]) for client in ("ngo-refugio", "gbv-coordinator")]
    callers += [principal("ngo-salud", scope="referrals:read", roles=["caseworker"])]
    async with story.database.transaction() as session:
        services = (await session.scalars(sa.select(DirectoryService))).all()
        assert len(services) == 2 * 3 * 4 * 4 * 4
        for caller in callers:
            audience = audience_of(caller)
            by_sql = set(
                await session.scalars(
                    sa.select(DirectoryService.service_id).where(seen_by(audience))  # type: ignore[call-overload]  # a mapped column
                )
            )
            assert by_sql == {s.service_id for s in services if audience.sees(s)}, caller


@dataclass(frozen=True)
class Told:
    visibility: str
    organisation_id: UUID = KEEPER
    managed_by: UUID | None = None
    aors: tuple[str, ...] = ("GBV",)
    states: tuple[str, ...] = ("VE23",)


def test_who_sees_what() -> None:
    """Each client, with its areas, sees a GBV service of the state VE23 up to this level."""
    expected = {
        ("anonymous", ()): "public",
        ("auditor", ()): "public",
        ("health-cluster", ()): "partners",
        ("tip-coordinator", ()): "partners",
        ("ngo-salud", ()): "pathway",
        ("ngo-salud", ("VE23",)): "pathway",
        ("ngo-salud", ("VE20",)): "partners",
        ("im-officer", ()): "pathway",
        ("gbv-coordinator", ()): "restricted",
        ("gbv-coordinator", ("VE2313",)): "restricted",
        ("gbv-coordinator", ("VE20",)): "partners",
    }
    for (client, areas), level in expected.items():
        audience = audience_of(principal(client, areas=list(areas)))
        seen = [name for name in NAMES if audience.sees(Told(name))]
        assert seen[-1] == level, (client, areas)
        assert seen == list(NAMES[: NAMES.index(level) + 1])
