"""Records that other systems really send become one case with needs and drafts; consent is never assumed."""

from typing import Any
from uuid import UUID

import pytest
from referrals.listening.intake.account import account_of
from referrals.listening.intake.case_mapping import translate_case
from referrals.listening.intake.mapping import FormMapping
from referrals.listening.intake.peer_words import Peer
from referrals.listening.intake.peers import NotThisPeer, read

from tests.services.referrals.screening_words import SUPERVISOR
from tests.services.referrals.story import SALUD, Story
from tests.services.referrals.test_intake import KOBO as SCREENED
from tests.services.referrals.test_intake import NAME, form, received, send
from tests.services.referrals.test_scenarios import transfer_offer

# The formats come from the systems' own source code and documents; names and ids are invented.
PRIMERO: dict[str, Any] = {
    "data": {
        "record_id": "b3222e84-a5d7-4692-a643-1ab3d41f17d6",
        "record_type": "case",
        "hostname": "primero.example.org",
        "case_id_display": "f15a1a9",
        "name": NAME,
        "age": 16,
        "date_of_birth": "2010-03-01",
        "sex": "female",
        "owned_by": "primero_cp",
        "created_at": "2026-11-10T05:34:59.514Z",
        "last_updated_at": "2026-11-11T05:34:59.514Z",
        "consent_for_services": True,
        "disclosure_other_orgs": True,
        "location_current": "Maracaibo",
        "photos": [],
        "services_section": [
            {
                "unique_id": "6b2",
                "service_type": "health_medical_service",
                "service_referral": "Referred",
            },
            {"unique_id": "9c1", "service_type": "psychosocial_service", "note_on_referral": NAME},
            {"unique_id": "9c2", "service_type": "other_service"},
        ],
    }
}
ODK: dict[str, Any] = {
    "__id": "uuid:85cb9aff-005e-4edd-9739-dc9c1a829c44",
    "__system": {
        "submissionDate": "2026-11-10T06:27:25.154Z",
        "updatedAt": None,
        "submitterId": "5",
        "submitterName": "field-1",
        "attachmentsPresent": 0,
        "attachmentsExpected": 0,
        "status": None,
        "reviewState": None,
        "deviceId": "collect:oHpo9Ww",
        "edits": 0,
        "formVersion": "20261101",
        "deletedAt": None,
    },
    "meta": {"instanceID": "uuid:85cb9aff-005e-4edd-9739-dc9c1a829c44", "instanceName": "x"},
    "person": {"full_name": NAME, "age": 30, "sex": "f"},
    "needs": {"type": "medical psychosocial", "note": None},
    "visits@odata.navigationLink": "Submissions('uuid%3A85cb')/visits",
    "household": {
        "members@odata.navigationLink": "Submissions('uuid%3A85cb')/household/members",
    },
}
COMMCARE: dict[str, Any] = {
    "id": "f2a8e3a1-6c40-4a7b-9a4d-0f2f4f7b3c11",
    "domain": "example",
    "app_id": "db9f874f0219444ee7848ddd023e292e",
    "type": "data",
    "version": "10",
    "uiversion": "1",
    "received_on": "2026-11-10T20:14:34.046462Z",
    "edited_on": None,
    "form": {
        "@name": "Registration",
        "@uiVersion": "1",
        "@version": "10",
        "@xmlns": "http://openrosa.org/formdesigner/B9C4EB51",
        "#type": "data",
        "case": {
            "@case_id": "b0916685-7247-4c44-b712-633d3d64e0c0",
            "create": {"case_name": NAME, "case_type": "person"},
        },
        "commcare_usercase": {
            "case": {"@case_id": "9a54c1d0-0f43-4e8e-8a44-5b1f6a3f7a01", "update": {"visits": "3"}}
        },
        "subcase_0": {
            "case": {
                "@case_id": "f3d3f3f8-3a0e-4a0c-9b38-7b4cbb8a4f11",
                "create": {"case_name": NAME, "case_type": "child"},
                "index": {"parent": {"@case_type": "person", "#text": "b0916685"}},
            }
        },
        "person": {"name": NAME, "age": "30", "sex": "f"},
        "service": "medical",
        "meta": {
            "@xmlns": "http://openrosa.org/jr/xforms",
            "appVersion": {"#text": "CommCare 2.55", "@xmlns": "http://commcarehq.org/xforms"},
            "instanceID": "f2a8e3a1-6c40-4a7b-9a4d-0f2f4f7b3c11",
            "timeStart": "2026-11-10T16:04:50.000-04",
            "timeEnd": "2026-11-10T16:04:54.950-04:00",
            "username": "worker1",
        },
    },
    "metadata": {"userID": "d0e472a6b36dfd3ee5059222e12b8c1b"},
}
ACTIVITYINFO: dict[str, Any] = {
    "recordId": "cbzl8q9l2k3f1x7",
    "formId": "c5f1m2kl2k3f1xe",
    "parentRecordId": None,
    "lastEditTime": 1_762_755_000,
    "fields": {
        "E00000015620000000001": NAME,
        "E00000015620000000002": 30,
        "E00000015620000000003": "f",
        "E00000015620000000004": ["medical"],
        "E00000015620000000005": {"latitude": 10.64, "longitude": -71.6},
        "E00000015620000000006": "E0000001249:z0000000289",
    },
}
DHIS2: dict[str, Any] = {
    "trackedEntities": [
        {
            "trackedEntity": "PQfMcpmXeFE",
            "trackedEntityType": "nEenWmSyUEp",
            "orgUnit": "DiszpKrYNg8",
            "updatedAt": "2026-11-10T10:44:28.258",
            "deleted": False,
            "attributes": [
                {"attribute": "w75KJ2mc4zz", "displayName": "First name", "value": NAME},
                {"attribute": "cejWyOfXge6", "displayName": "Gender", "value": "Female"},
            ],
            "enrollments": [
                {
                    "enrollment": "JMgRZyeLWOo",
                    "program": "IpHINAT79UW",
                    "status": "ACTIVE",
                    "enrolledAt": "2026-11-08T00:00:00.000",
                    "attributes": [{"attribute": "zDhUuAYrxNC", "value": "30"}],
                    "events": [
                        {
                            "event": "ZwwuwNp6gVd",
                            "programStage": "A03MvHHogjR",
                            "occurredAt": "2026-11-09T00:00:00.000",
                            "dataValues": [{"dataElement": "UXz7xuGCEhU", "value": "medical"}],
                        }
                    ],
                }
            ],
        }
    ]
}
HEALTH, PSYCHOSOCIAL, LEGAL = "HLT", "GP-PSS", "GP-DOC"
SERVICE = "0190a000-0000-7000-8000-00000000c0de"
FLAT = {"name": "name", "age": "age", "sex": "sex"}
SEX = {"sex": {"f": "female", "Female": "female"}}
PRIMERO_MAPPING: dict[str, Any] = {
    "fields": {
        "name": "name",
        "age": "age",
        "date_of_birth": "birth_date",
        "sex": "sex",
        "case_id_display": "own_reference",
    },
    "area": "location_current",
    "area_values": {"Maracaibo": "VE2313"},
    "needs": {
        "services_section/service_type": {
            "health_medical_service": HEALTH,
            "psychosocial_service": PSYCHOSOCIAL,
            "other_service": None,
        }
    },
    "drafts": {HEALTH: SERVICE},
    "consents": ["consent_for_services", "disclosure_other_orgs"],
    "ignore": ["owned_by", "created_at", "last_updated_at", "services_section/*"],
}
CODES = {"medical": HEALTH, "psychosocial": PSYCHOSOCIAL}
OTHERS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "odk_central",
        ODK,
        {
            "fields": {"person/full_name": "name", "person/age": "age", "person/sex": "sex"},
            "values": SEX,
            "needs": {"needs/type": CODES},
        },
    ),
    (
        "commcare",
        COMMCARE,
        {
            "fields": {f"person/{path}": name for path, name in FLAT.items()},
            "values": SEX,
            "needs": {"service": CODES},
            # These fields copy the answers; the children are separate cases.
            "ignore": ["case/create/*", "commcare_usercase/*", "subcase_0/*"],
        },
    ),
    (
        "activityinfo",
        ACTIVITYINFO,
        {
            "fields": {f"E0000001562000000000{n}": part for n, part in enumerate(FLAT, 1)},
            "values": SEX,
            "needs": {"E00000015620000000004": CODES},
            "ignore": ["E00000015620000000005/*", "E00000015620000000006"],
        },
    ),
    (
        "dhis2",
        DHIS2,
        {
            "fields": {
                "attributes/w75KJ2mc4zz": "name",
                "attributes/zDhUuAYrxNC": "age",
                "attributes/cejWyOfXge6": "sex",
            },
            "values": SEX,
            "needs": {"A03MvHHogjR/UXz7xuGCEhU": CODES},
            "ignore": ["program", "orgUnit"],
        },
    ),
]


async def case_form(story: Story, peer: str, mapping: dict[str, Any]) -> dict[str, Any]:
    await story.service(service_id=UUID(SERVICE))
    where = {} if "area" in mapping else {"fixed_area": "VE2313"}
    body = {"name": "Puente", "peer": peer, "makes": "case", "mapping": {**where, **mapping}}
    return await story.made(SUPERVISOR, "/intake/forms", body)


async def plan_of(story: Story, case_id: str) -> list[str]:
    found = (await story.get("ngo-refugio", f"/cases/{case_id}/plan")).json()
    return [each["need"] for each in (found["items"] if isinstance(found, dict) else found)]


def changed(record: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"data": {**record["data"], **changes}}


async def test_a_primero_case_becomes_a_case_with_needs_a_draft_and_a_question(
    story: Story,
) -> None:
    made = await case_form(story, "primero", PRIMERO_MAPPING)
    taken = await send(story, made, PRIMERO)
    assert (taken.status_code, taken.json()["status"]) == (202, "taken"), taken.text
    assert NAME not in taken.text
    (row,) = await received(story, status="taken")
    case = (await story.get("ngo-refugio", f"/cases/{row['case_id']}")).json()
    assert (case["identity"]["name"], case["identity"]["birth_date"]) == (NAME, "2010-03-01")
    assert (case["area"], case["identity"]["own_reference"]) == ("VE2313", "f15a1a9")
    assert case["assigned_to"] is None
    assert await plan_of(story, case["id"]) == [HEALTH, PSYCHOSOCIAL]
    drafts = await story.rows("SELECT state, category, grant_id FROM referrals")
    assert [(each.state, each.category, each.grant_id) for each in drafts] == [
        ("draft", HEALTH, None)
    ]
    assert await story.rows("SELECT 1 FROM grants") == [], "their consent is no grant"
    tasks = await story.rows("SELECT kind FROM tasks WHERE done_at IS NULL")
    assert [each.kind for each in tasks] == ["ask_consent"]


async def test_a_record_that_is_sent_again_adds_what_is_new_and_doubles_nothing(
    story: Story,
) -> None:
    made = await case_form(story, "primero", PRIMERO_MAPPING)
    first = changed(PRIMERO, services_section=[{"service_type": "health_medical_service"}])
    assert (await send(story, made, first)).json()["status"] == "taken"
    touched = changed(first, last_updated_at="2031-01-01T00:00:00Z", owned_by="someone_else")
    assert (await send(story, made, touched)).json()["repeated"] is True
    more = await send(story, made, PRIMERO)
    assert (more.json()["status"], more.json()["repeated"]) == ("taken", False)
    late = await send(story, made, first)
    assert late.json()["repeated"] is True, "an older version that comes late changes nothing"
    (case,) = await story.rows("SELECT id FROM cases")
    assert await plan_of(story, str(case.id)) == [HEALTH, PSYCHOSOCIAL]
    assert len(await story.rows("SELECT 1 FROM referrals")) == 1
    other = await send(story, made, changed(PRIMERO, name="Otro Canaria"))
    assert other.json()["status"] == "quarantined"
    (waits,) = await received(story, status="quarantined")
    assert waits["reasons"] == ["person_changed"]
    assert len(await story.rows("SELECT 1 FROM cases")) == 1


async def test_what_waits_of_a_person_in_quarantine_goes_when_they_are_erased(story: Story) -> None:
    made = await case_form(story, "primero", PRIMERO_MAPPING)
    await send(story, made, PRIMERO)
    await send(story, made, changed(PRIMERO, name="Otro Canaria"))
    unmapped = [{"service_type": "not mapped"}]
    other = changed(PRIMERO, record_id="another", name="Otra Persona", services_section=unmapped)
    await send(story, made, other)
    (row,) = await received(story, status="taken")
    theirs, waits = await received(story, status="quarantined")
    case = (await story.get("ngo-refugio", f"/cases/{row['case_id']}")).json()
    erasure = {"confirm": case["reference"], "basis": "person_request"}
    await story.made(SUPERVISOR, f"/cases/{case['id']}/erase", erasure)
    gone = (await story.get("ngo-refugio", f"/intake/submissions/{waits['id']}")).json()
    assert (gone["status"], gone["content"]) == ("discarded", None)
    kept = (await story.get("ngo-refugio", f"/intake/submissions/{theirs['id']}")).json()
    assert "Otra Persona" in str(kept["content"]), "of somebody else nothing goes"


async def test_an_erased_person_is_not_brought_back(story: Story) -> None:
    made = await case_form(story, "primero", PRIMERO_MAPPING)
    await send(story, made, PRIMERO)
    (row,) = await received(story)
    case = (await story.get("ngo-refugio", f"/cases/{row['case_id']}")).json()
    erasure = {"confirm": case["reference"], "basis": "person_request"}
    await story.made(SUPERVISOR, f"/cases/{case['id']}/erase", erasure)
    assert (await story.rows("SELECT person FROM intake_records"))[0].person is None
    # No stored data points to the person in the other system.
    for table in ("intake_records", "intake_submissions"):
        (kept,) = await story.rows(f"SELECT to_jsonb(t)::text AS text FROM {table} t")
        assert PRIMERO["data"]["record_id"] not in kept.text
    unmapped = [{"service_type": "not mapped"}]
    for later in ({}, {"services_section": unmapped}):
        again = await send(story, made, changed(PRIMERO, name="Otra vez Canaria", **later))
        assert again.json()["status"] == "not_kept"
    assert len(await story.rows("SELECT 1 FROM cases WHERE status <> 'erased'")) == 0
    assert {r.content for r in await story.rows("SELECT content FROM intake_submissions")} == {None}


KOBO: dict[str, Any] = {
    "_uuid": "9d2f7c3e-2b1a-4b6e-8f4d-0a1b2c3d4e5f",
    "meta/instanceID": "uuid:9d2f7c3e-2b1a-4b6e-8f4d-0a1b2c3d4e5f",
    "person/name": NAME,
    "person/age": "30",
    "need": "medical",
}
KOBO_MAPPING = {
    "fields": {"person/name": "name", "person/age": "age"},
    "needs": {"need": {"medical": HEALTH, "psychosocial": PSYCHOSOCIAL}},
}


def corrected(**more: Any) -> dict[str, Any]:
    """Return an edited submission as KoboToolbox stores it, under another id."""
    own = "1b671a64-40d5-491e-99b0-da01ff1f3341"
    said = {"_uuid": own, "meta/instanceID": f"uuid:{own}"}
    return {**KOBO, **said, "meta/deprecatedID": f"uuid:{KOBO['_uuid']}", **more}


async def test_a_corrected_submission_makes_nobody_twice(story: Story) -> None:
    made = await case_form(story, "kobotoolbox", KOBO_MAPPING)
    await send(story, made, KOBO)
    (first,) = await received(story)
    added = await send(story, made, corrected(need="psychosocial"))
    assert added.json()["status"] == "taken", added.text
    assert await plan_of(story, first["case_id"]) == [HEALTH, PSYCHOSOCIAL]
    other = corrected(**{"person/name": "Otra Canaria", "meta/rootUuid": f"uuid:{KOBO['_uuid']}"})
    other["meta/deprecatedID"] = "uuid:e7b7c9c2-0000-4000-8000-000000000001"
    waits = await send(story, made, other)
    assert waits.json()["status"] == "quarantined"
    assert (await received(story, status="quarantined"))[0]["reasons"] == ["person_changed"]
    assert len(await story.rows("SELECT 1 FROM cases")) == 1


async def test_an_erased_person_is_not_brought_back_by_a_correction(story: Story) -> None:
    made = await case_form(story, "kobotoolbox", KOBO_MAPPING)
    await send(story, made, KOBO)
    (row,) = await received(story)
    case = (await story.get("ngo-refugio", f"/cases/{row['case_id']}")).json()
    erasure = {"confirm": case["reference"], "basis": "person_request"}
    await story.made(SUPERVISOR, f"/cases/{case['id']}/erase", erasure)
    again = await send(story, made, corrected())
    assert again.json()["status"] == "not_kept", again.text
    assert await story.rows("SELECT 1 FROM cases WHERE status <> 'erased'") == []


async def test_a_submission_of_a_telephone_without_a_date_is_taken(story: Story) -> None:
    made = await form(story, mapping={"fixed_area": "VE2313"})
    sent = await send(story, made, {**SCREENED, "end": "0001-01-01T00:00:00+05:00"})
    assert sent.json()["status"] == "taken", sent.text


async def test_the_form_of_a_former_holder_learns_nothing_of_what_the_new_one_does(
    story: Story,
) -> None:
    """The new holder stores nothing that identifies the person, and the response is the same before and after an
    erasure."""
    made = await case_form(story, "primero", PRIMERO_MAPPING)
    adult = changed(PRIMERO, age=26, date_of_birth="2000-03-01")
    await send(story, made, adult)
    (row,) = await received(story)
    case = (await story.get("ngo-refugio", f"/cases/{row['case_id']}")).json()
    await send(story, made, changed(adult, name="Otro Canaria"))
    (waits,) = await received(story, status="quarantined")
    offer = await transfer_offer(story, case["id"], SALUD)
    transfer = await story.made("ngo-refugio", "/transfers", offer)
    await story.made("ngo-salud", f"/transfers/{transfer['id']}/accept", {})
    gone = (await story.get("ngo-refugio", f"/intake/submissions/{waits['id']}")).json()
    assert (gone["status"], gone["content"]) == ("discarded", None)
    assert (await story.rows("SELECT person FROM intake_records"))[0].person is None
    before = await send(story, made, changed(adult, name="Otra vez Canaria"))
    erasure = {"confirm": case["reference"], "basis": "person_request"}
    await story.made("ngo-salud-supervisor", f"/cases/{case['id']}/erase", erasure)
    after = await send(story, made, changed(adult, name="Y otra vez Canaria"))
    assert (before.json()["status"], after.json()["status"]) == ("not_kept", "not_kept")
    reasons = [each["reasons"] for each in await received(story, status="not_kept")]
    assert reasons == [["case_handed_over"]] * 2
    assert len(await story.rows("SELECT 1 FROM cases")) == 1
    assert {r.content for r in await story.rows("SELECT content FROM intake_submissions")} == {None}


@pytest.mark.parametrize(("peer", "sent", "mapping"), OTHERS, ids=[each[0] for each in OTHERS])
async def test_each_system_becomes_a_case_once(
    story: Story, peer: str, sent: dict[str, Any], mapping: dict[str, Any]
) -> None:
    made = await case_form(story, peer, mapping)
    taken = await send(story, made, sent)
    assert taken.json()["status"] == "taken", (await received(story))[0]["reasons"]
    assert (await send(story, made, sent)).json()["repeated"] is True
    (row,) = await received(story)
    case = (await story.get("ngo-refugio", f"/cases/{row['case_id']}")).json()
    assert (case["identity"]["name"], case["identity"]["age"]) == (NAME, 30)
    assert case["attributes"]["sex"] == "female"
    both = peer == "odk_central"  # In this tool the question allows several choices.
    assert await plan_of(story, case["id"]) == ([HEALTH, PSYCHOSOCIAL] if both else [HEALTH])


async def test_what_does_not_map_waits_and_says_what_to_change(story: Story) -> None:
    made = await case_form(story, "primero", PRIMERO_MAPPING)
    renamed = {k: v for k, v in PRIMERO["data"].items() if k != "sex"} | {"gender": "female"}
    unknown = [{"service_type": "legal_assistance_service"}]
    kept = await send(story, made, {"data": {**renamed, "services_section": unknown, "age": "n/a"}})
    assert (kept.status_code, kept.json()["status"]) == (202, "quarantined")
    (row,) = await received(story)
    detail = (await story.get("ngo-refugio", f"/intake/submissions/{row['id']}")).json()
    assert {(w["code"], w["pointer"]) for w in detail["why"]} == {
        ("unmapped_field", "/gender"),
        ("unknown_code", "/services_section~1service_type"),
    }
    mapping = {
        **PRIMERO_MAPPING,
        "fields": {**PRIMERO_MAPPING["fields"], "gender": "sex"},
        "needs": {"services_section/service_type": {"legal_assistance_service": LEGAL}},
        "drafts": {},
    }
    change = {"name": "Puente", "peer": "primero", "makes": "case", "mapping": mapping}
    await story.call(SUPERVISOR, "PUT", f"/intake/forms/{made['id']}", change)
    done = await story.made("ngo-refugio", f"/intake/submissions/{row['id']}/retry", {})
    assert (done["status"], done["reasons"]) == ("taken", [])
    assert await plan_of(story, done["case_id"]) == [LEGAL]


REFUSED: list[tuple[str, Any, str]] = [
    ("primero", {"record_id": "x"}, "/data"),
    ("primero", {"data": {"record_id": "abcd", "record_type": "incident"}}, "/data/record_type"),
    ("primero", {"data": {"name": NAME}}, "/data/record_id"),
    ("odk_central", {"person": {"name": NAME}}, "/__id"),
    (
        "odk_central",
        {"__id": "uuid:abcd", "__system": {"status": "notDecrypted"}},
        "/__system/status",
    ),
    ("commcare", {"id": "abcd", "form": "<data/>"}, "/form"),
    ("activityinfo", {"recordId": "abcd", "fields": [1]}, "/fields"),
    ("dhis2", {"trackedEntities": [{}, {}]}, "/trackedEntities"),
    ("dhis2", {"trackedEntity": "abcd", "attributes": [NAME]}, "/attributes"),
    ("dhis2", {"trackedEntity": "abcd", "deleted": True}, "/deleted"),
]


@pytest.mark.parametrize(("peer", "sent", "pointer"), REFUSED)
async def test_what_is_another_shape_is_refused_with_its_place(
    story: Story, peer: str, sent: Any, pointer: str
) -> None:
    made = await case_form(story, peer, {})
    refused = await send(story, made, sent)
    assert (refused.status_code, refused.json()["pointer"]) == (422, pointer)
    assert NAME not in refused.text
    assert await story.rows("SELECT 1 FROM intake_submissions") == []


BAD_FORMS: list[tuple[dict[str, Any], str]] = [
    ({"makes": "case", "mapping": {"fields": {"a": "nickname"}}}, "/mapping/fields/a"),
    ({"makes": "case", "mapping": {"values": {"nickname": {}}}}, "/mapping/values/nickname"),
    ({"makes": "case", "mapping": {"drafts": {"HLT": SERVICE}}}, "/mapping/drafts/HLT"),
    ({"makes": "case", "mapping": {"needs": {"a": {"b": "nothing"}}}}, "/mapping/needs/a/b"),
    ({"makes": "case", "instrument_id": SERVICE}, ""),
    ({"makes": "screening"}, ""),
    ({"makes": "case", "peer": "paper"}, "/peer"),
]


@pytest.mark.parametrize(("changes", "pointer"), BAD_FORMS)
async def test_a_mapping_names_what_exists(
    story: Story, changes: dict[str, Any], pointer: str
) -> None:
    refused = await story.call(SUPERVISOR, "POST", "/intake/forms", {"name": "x", **changes})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)


def said(peer: Peer, sent: dict[str, Any]) -> dict[str, Any]:
    """Return the values that the mapping must use."""
    return account_of(peer, FormMapping(), read(peer, sent)).said


def test_older_and_newer_versions_of_the_systems_are_read_alike() -> None:
    (new,) = DHIS2["trackedEntities"]
    old = {
        "trackedEntityInstance": new["trackedEntity"],
        "orgUnit": new["orgUnit"],
        "lastUpdated": new["updatedAt"],
        "attributes": new["attributes"],
        "enrollments": [{**new["enrollments"][0], "enrollmentDate": "2026-11-08"}],
    }
    assert said(Peer.DHIS2, old) == said(Peer.DHIS2, DHIS2) == said(Peer.DHIS2, new)
    record = said(Peer.ACTIVITYINFO, ACTIVITYINFO)
    row = {
        "@id": ACTIVITYINFO["recordId"],
        "@lastEditTime": ACTIVITYINFO["lastEditTime"],
        **ACTIVITYINFO["fields"],
    }
    assert said(Peer.ACTIVITYINFO, row) == record
    table = {name.replace("@", "_"): value for name, value in row.items()}
    assert said(Peer.ACTIVITYINFO, table) == record
    wrapped = {"event": "new", "submission": {"_uuid": "abcd", "a/b": "1"}}
    assert read(Peer.KOBOTOOLBOX, wrapped, "submission") == {
        "_uuid": "abcd",
        "a/b": "1",
        "@around/event": "new",
    }
    with pytest.raises(NotThisPeer):
        read(Peer.KOBOTOOLBOX, {"_uuid": "abcd"}, "submission")


def test_repeats_of_odk_central_are_read_where_they_were_expanded() -> None:
    link = {"members@odata.navigationLink": "Submissions('uuid%3A85cb')/household/members"}
    members = [
        {"__id": "a1", "sex": "f", "__Submissions-id": "uuid:85cb"},
        {"__id": "b2", "sex": "m", "__Submissions-id": "uuid:85cb"},
    ]
    row = {"__id": "uuid:85cb", "household": {**link, "members": members}}
    assert said(Peer.ODK_CENTRAL, row) == {"household/members/sex": ["f", "m"]}
    first = FormMapping(fields={"household/members[0]/sex": "sex"})
    apart = {"household/members[0]/sex": "f", "household/members/sex": "m"}
    assert account_of(Peer.ODK_CENTRAL, first, read(Peer.ODK_CENTRAL, row)).said == apart


def test_what_was_deleted_in_dhis2_is_passed_over() -> None:
    (entity,) = DHIS2["trackedEntities"]
    (enrollment,) = entity["enrollments"]
    gone = {
        **enrollment["events"][0],
        "deleted": True,
        "dataValues": [{"dataElement": "UXz7xuGCEhU", "value": "legal"}],
    }
    events = [*enrollment["events"], gone]
    ended = {**enrollment, "deleted": True, "program": "another"}
    told = {**entity, "enrollments": [{**enrollment, "events": events}, ended]}
    assert said(Peer.DHIS2, told) == said(Peer.DHIS2, DHIS2)


def test_several_choices_in_one_text_are_several_needs() -> None:
    codes = {"medical": HEALTH, "psychosocial": PSYCHOSOCIAL, "other help": LEGAL}
    mapping = FormMapping(needs={"needs": codes}, country="VE")
    for said, needs in (
        ("medical psychosocial", [HEALTH, PSYCHOSOCIAL]),
        ("medical,psychosocial", [HEALTH, PSYCHOSOCIAL]),
        ("other help", [LEGAL]),
        (["medical", "other help"], [HEALTH, LEGAL]),
    ):
        assert translate_case(mapping, {"needs": said}).needs == needs
    unknown = translate_case(mapping, {"needs": "medical housing"})
    assert [each.code for each in unknown.reasons] == ["unknown_code"]


def test_no_answer_of_a_tool_is_read_as_consent() -> None:
    mapping = FormMapping(consents=frozenset({"agree"}), country="VE")
    for said in (True, False, "yes", "no"):
        found = translate_case(mapping, {"agree": said})
        assert (found.asked, found.body, found.reasons) == (True, {"country": "VE"}, [])
