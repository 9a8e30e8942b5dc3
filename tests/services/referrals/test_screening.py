"""Screening over HTTP: consent first, a stop at any moment, no verdict, certified conclusions."""

import io
import json
import zipfile
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from common import clock
from referrals.ground.keys.store import CaseKeys, KeyDestroyed
from referrals.screening.screenings.service import erase_unattached
from referrals.screening.screenings.shipped import SHIPPED_ID

from tests.services.referrals.screening_words import (
    AGREED,
    CHILD,
    CHOICES,
    RATIONALE,
    SUPERVISOR,
    SURVEY,
    begun,
    certify,
    changed,
    concluded,
    upload,
    workbook,
)
from tests.services.referrals.story import LEGAL, SALUD, Story
from tests.services.referrals.test_scenarios import transfer_offer

WHO = "ngo-refugio"


async def test_nothing_is_kept_without_safety_and_consent(story: Story) -> None:
    for answers, code in (
        ({"safe_to_talk": "no", "consent": "yes"}, "not_safe_now"),
        ({"safe_to_talk": "unknown", "consent": "yes"}, "not_safe_now"),
        ({"safe_to_talk": "yes", "consent": "no"}, "screening_declined"),
        ({"consent": "yes"}, "invalid"),
        ({"safe_to_talk": "yes", "dec.job": "yes"}, "invalid"),
    ):
        body = {"instrument_id": str(SHIPPED_ID), "answers": answers}
        refused = await story.post(WHO, "/screenings", body)
        assert refused.status_code in (409, 422), refused.text
        assert refused.json()["code"] == code
    assert await story.rows("SELECT 1 FROM screenings") == []
    assert await story.rows("SELECT 1 FROM outbox") == []


async def test_each_answer_leads_to_the_next_question_and_can_be_taken_back(story: Story) -> None:
    screening = await begun(story, AGREED)
    path = f"/screenings/{screening['id']}/answers"
    assert screening["standing"]["next"] == "consent_statistics"
    assert "ch.begging" in screening["standing"]["open"]
    adult = await story.made(WHO, path, {"answers": {"age_group": "adult", "dec.job": "yes"}})
    assert "ch.begging" not in adult["standing"]["open"]
    assert [e["strength"] for e in adult["summary"]["elements"]] == ["none", "strong", "none"]
    assert adult["summary"]["missing"] == ["act", "purpose"]
    back = await story.made(WHO, path, {"answers": {"dec.job": None}})
    assert back["summary"]["missing"] == ["act", "means", "purpose"]
    stale = await story.post(WHO, path, {"answers": {}, "expected_version": 1})
    assert stale.status_code == 409
    unsafe = await story.post(WHO, path, {"answers": {"safe_to_talk": "no"}})
    assert unsafe.json()["code"] == "not_safe_now"


WRONG_ANSWERS: list[tuple[dict[str, Any], str, str]] = [
    ({"dec.job": "perhaps"}, "/answers/dec.job", "unknown_code"),
    ({"nobody": "yes"}, "/answers/nobody", "unknown_question"),
    ({"age_group": "adult", "ch.begging": "yes"}, "/answers/ch.begging", "not_asked"),
    ({"age": 300}, "/answers/age", "out_of_range"),
    ({"age": {"a": {"b": 1}}}, "/answers/age", "wrong_type"),
    ({"dec.job": "x" * 900_000}, "/answers/dec.job", "unknown_code"),
]


async def test_a_wrong_answer_is_named_and_changes_nothing(story: Story) -> None:
    screening = await begun(story, AGREED)
    path = f"/screenings/{screening['id']}"
    for answers, pointer, code in WRONG_ANSWERS:
        refused = await story.post(WHO, f"{path}/answers", {"answers": answers})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == pointer
        assert refused.json()["errors"][0]["code"] == code
        assert len(refused.text) < 2_000
    read = (await story.get(WHO, path)).json()
    assert (read["answers"], read["version"]) == (AGREED, 1)


async def test_an_impossible_time_is_refused(story: Story) -> None:
    for days in (1, -800):
        held_at = (clock.now() + timedelta(days=days)).isoformat()
        body = {"instrument_id": str(SHIPPED_ID), "answers": AGREED, "held_at": held_at}
        refused = await story.post(WHO, "/screenings", body)
        assert (refused.status_code, refused.json()["pointer"]) == (422, "/held_at")


async def test_it_stops_at_any_moment_and_forgets(story: Story, case_keys: CaseKeys) -> None:
    screening = await begun(story)
    path = f"/screenings/{screening['id']}"
    stopped = await story.made(WHO, f"{path}/stop", {"reason": "person_wished"})
    assert stopped["status"] == "stopped"
    assert (await story.rows("SELECT answers FROM screenings"))[0].answers is None
    with pytest.raises(KeyDestroyed):
        await case_keys.of(UUID(screening["id"]))
    again = await story.post(WHO, f"{path}/answers", {"answers": {"dec.job": "yes"}})
    assert (again.status_code, again.json()["code"]) == (409, "screening_ended")
    assert (await story.post(WHO, f"{path}/stop", {})).status_code == 200
    assert (await story.get(WHO, path)).json()["answers"] == {}


async def test_only_a_certified_screener_concludes(story: Story) -> None:
    screening = await begun(story)
    path = f"/screenings/{screening['id']}/conclude"
    body: dict[str, Any] = {"judgement": "possible_victim", "rationale": RATIONALE}
    refused = await story.post(WHO, path, body)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_certified")
    today = clock.today()
    await certify(
        story, certified_on=str(today - timedelta(days=400)), valid_until=str(today - timedelta(1))
    )
    assert (await story.post(WHO, path, body)).json()["code"] == "not_certified"
    revoked = await certify(story)
    await story.made(SUPERVISOR, f"/certificates/{revoked['id']}/revoke", {"reason": "left"})
    assert (await story.post(WHO, path, body)).json()["code"] == "not_certified"
    await certify(story, "R-017")
    for wrong, pointer in (
        ({"judgement": "guilty"}, "/judgement"),
        ({"rationale": "no"}, "/rationale"),
        ({"exploitation_types": ["act.transfer"]}, "/exploitation_types/0"),
        ({"score": 9}, "/score"),
    ):
        answer = await story.post(WHO, path, {**body, "screener": "R-017", **wrong})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer
    done = await story.made(WHO, path, {**body, "screener": "R-017"})
    assert done["conclusion"]["screener"] == "R-017"
    assert done["conclusion"]["rationale"] == RATIONALE
    twice = await story.post(WHO, path, {**body, "screener": "R-017"})
    assert twice.json()["code"] == "screening_ended"


async def test_a_summary_over_http_has_no_verdict(story: Story) -> None:
    detail = await concluded(story)
    text = json.dumps({k: v for k, v in detail.items() if k not in ("conclusion", "judgement")})
    for word in ("score", "verdict", "likely", "probab", "threshold", "possible_victim"):
        assert f'"{word}' not in text.lower()
    assert {"child_two", "indicator_limits"} <= {r["id"] for r in detail["summary"]["rules"]}
    assert detail["summary"]["missing"] == []
    assert detail["profile"]["situations"] == ["trafficking", "sexual_exploitation"]


async def test_what_was_said_is_sealed_and_its_reading_audited(story: Story) -> None:
    detail = await concluded(story)
    row = (await story.rows("SELECT answers, conclusion FROM screenings"))[0]
    assert b"ch.older" not in bytes(row.answers)
    assert RATIONALE.encode() not in bytes(row.conclusion)
    assert (await story.get("ngo-salud", f"/screenings/{detail['id']}")).status_code == 404
    assert (await story.get("ngo-salud", "/screenings")).json()["items"] == []
    await story.get(WHO, f"/screenings/{detail['id']}")
    actions = {row.action for row in await story.rows("SELECT action FROM audit_entries")}
    assert {"screening.begun", "screening.concluded", "screening.read"} <= actions


async def test_events_tell_codes_and_the_person_only_with_consent_to_statistics(
    story: Story,
) -> None:
    await concluded(story)
    await begun(story, {**AGREED, "age_group": "adult", "sex": "male"})
    rows = await story.rows(
        "SELECT type, payload FROM outbox WHERE aggregatetype = 'screening' ORDER BY id"
    )
    assert [row.type.split(".")[3] for row in rows] == ["opened", "concluded", "opened"]
    assert [row.payload["version"] for row in rows] == [1, 2, 1]
    said = rows[1].payload
    assert (said["act"], said["means"], said["purpose"]) == ("some", "none", "some")
    assert said["attributes"]["age_band"] == "12-17"
    assert said["exploitation_types"] == ["purpose.sexual"]
    assert RATIONALE not in json.dumps(said)
    assert "attributes" not in rows[2].payload


async def test_one_step_leads_from_a_conclusion_to_drafts(story: Story) -> None:
    """The pathway creates the plan and names a gap; the drafts contain none of the answers."""
    child_care = await story.service(SALUD, ("CP-CM", "HLT"))
    adults_only = await story.service(LEGAL, ("CP-AUTH",), minimum_age=18)
    detail = await concluded(story)
    path = f"/screenings/{detail['id']}"
    early = await story.post(WHO, f"{path}/drafts")
    assert (early.status_code, early.json()["code"]) == (409, "case_needed")
    case = await story.case()
    await story.made(WHO, f"{path}/case", {"case_id": case["id"]})
    made = await story.made(WHO, f"{path}/drafts", {})
    assert [d["service_id"] for d in made["drafts"]] == [child_care, child_care]
    assert {d["category"] for d in made["drafts"]} == {"CP-CM", "HLT"}
    assert {d["state"] for d in made["drafts"]} == {"draft"}
    assert "CP-AUTH" in made["gaps"], adults_only
    assert "TIP-ASSIST" in made["gaps"]
    read = (await story.get(WHO, path)).json()
    assert read["answers"] == CHILD, "sealed anew under the case's key"
    assert read["referred_at"] is not None
    grant = await story.consent(case["id"], child_care)
    draft = next(d for d in made["drafts"] if d["category"] == "HLT")
    sent = await story.post(WHO, f"/referrals/{draft['id']}/send", {"grant_id": grant["id"]})
    assert sent.status_code in (200, 422), sent.text  # The draft may lack the safe-contact rule.
    assert "ch.older" not in sent.text


async def test_chosen_services_become_drafts_all_or_none(story: Story) -> None:
    good = await story.service(SALUD, ("HLT",))
    detail = await concluded(story)
    case = await story.case()
    path = f"/screenings/{detail['id']}"
    await story.made(WHO, f"{path}/case", {"case_id": case["id"]})
    wrong = {
        "choices": [
            {"service_id": good, "need": "HLT", "urgency": "urgent"},
            {"service_id": good, "need": "TIP-ASSIST"},
        ]
    }
    refused = await story.post(WHO, f"{path}/drafts", wrong)
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/choices/1/need")
    assert await story.rows("SELECT 1 FROM referrals") == []
    made = await story.made(WHO, f"{path}/drafts", {"choices": wrong["choices"][:1]})
    assert len(made["drafts"]) == 1


async def test_a_screening_of_an_open_question_makes_no_drafts(story: Story) -> None:
    screening = await begun(story)
    refused = await story.post(WHO, f"/screenings/{screening['id']}/drafts")
    assert refused.json()["code"] == "screening_open"


async def test_it_is_erased_with_its_case(story: Story, case_keys: CaseKeys) -> None:
    detail = await concluded(story)
    case = await story.case()
    await story.made(WHO, f"/screenings/{detail['id']}/case", {"case_id": case["id"]})
    other = await story.case()
    second = await story.post(WHO, f"/screenings/{detail['id']}/case", {"case_id": other["id"]})
    assert second.status_code == 409
    await story.made(
        SUPERVISOR,
        f"/cases/{case['id']}/erase",
        {"confirm": case["reference"], "basis": "person_request"},
    )
    row = (await story.rows("SELECT * FROM screenings"))[0]
    assert (row.status, row.answers, row.conclusion, row.judgement) == ("erased", None, None, None)
    with pytest.raises(KeyDestroyed):
        await case_keys.of(UUID(detail["id"]))
    assert (await story.get(WHO, f"/screenings/{detail['id']}")).status_code == 410
    told = await story.rows(
        "SELECT type, version FROM outbox WHERE aggregatetype = 'screening' ORDER BY id"
    )
    # Every field of the conclusion (2) reveals something about the person, so its row is deleted.
    assert [(row.type.split(".")[3], row.version) for row in told] == [
        *(("opened", 1), ("attached", 3), ("erased", 4))
    ]


async def test_one_without_a_case_is_erased_by_hand_and_by_the_calendar(
    story: Story, case_keys: CaseKeys
) -> None:
    first, second = await begun(story), await begun(story)
    path = f"/screenings/{first['id']}/erase"
    assert (await story.post(SUPERVISOR, path, {"confirm": "yes"})).status_code == 422
    await story.made(SUPERVISOR, path, {"confirm": first["id"]})
    assert (await story.get(WHO, f"/screenings/{first['id']}")).status_code == 410
    later = clock.now() + timedelta(days=1)
    assert await erase_unattached(story.database, case_keys, later) == 1
    assert (await story.get(WHO, f"/screenings/{second['id']}")).status_code == 410


async def test_offline_screenings_come_as_a_batch_with_an_answer_each(story: Story) -> None:
    await certify(story)
    held_at = (clock.now() - timedelta(days=2)).isoformat()

    def begin(key: str, **answers: Any) -> dict[str, Any]:
        return {
            "key": key,
            "path": "/referrals/v1/screenings",
            "body": {
                "instrument_id": str(SHIPPED_ID),
                "held_at": held_at,
                "answers": {**AGREED, **answers},
            },
        }

    batch = {
        "commands": [
            begin("s1", **{"age_group": "adult", "dec.job": "yes"}),
            {
                "key": "c1",
                "path": "/referrals/v1/screenings/${s1.id}/conclude",
                "body": {"judgement": "insufficient_information", "rationale": RATIONALE},
            },
            begin("s2", **{"dec.job": "perhaps"}),
            begin("s3", consent="no"),
            {"key": "c2", "path": "/referrals/v1/screenings/${s2.id}/conclude", "body": {}},
        ]
    }
    results = (await story.made(WHO, "/bulk", batch))["results"]
    assert [each["status"] for each in results] == [201, 200, 422, 409, 424]
    again = (await story.made(WHO, "/bulk", batch))["results"]
    assert [each["status"] for each in again] == [201, 200, 422, 409, 424]
    assert again[0]["body"]["id"] == results[0]["body"]["id"]
    assert len(await story.rows("SELECT 1 FROM screenings")) == 1


async def test_an_xlsform_becomes_an_instrument_and_is_used(story: Story) -> None:
    dry = await upload(story, workbook(), dry_run=True)
    assert (dry[0], dry[1]["id"]) == (201, None)
    status, made = await upload(story, workbook())
    assert status == 201, made
    assert (await upload(story, workbook()))[1]["id"] == made["id"], "again: nothing new"
    other = await upload(story, workbook(changed(7, 3, "How old?")))
    assert (other[0], other[1]["pointer"]) == (409, "/settings/version")
    newer = await upload(story, workbook(changed(7, 3, "How old?"), version="2"))
    assert newer[0] == 201
    answers = {"safe": "1", "agree": "1", "years": 30, "signs": ["moved", "lied", "work"]}
    screening = await begun(story, {**answers, "work": "mina"}, instrument_id=made["id"])
    assert [e["strength"] for e in screening["summary"]["elements"]] == ["some", "strong", "some"]
    unasked = {**answers, "signs": ["moved"], "work": "mina"}
    refused = await story.post(
        WHO, "/screenings", {"instrument_id": made["id"], "answers": unasked}
    )
    assert refused.json()["errors"][0]["code"] == "not_asked"
    late = {**answers, "when": str(clock.today() + timedelta(days=3))}
    refused = await story.post(WHO, "/screenings", {"instrument_id": made["id"], "answers": late})
    assert refused.json()["errors"][0]["code"] == "constraint"


async def test_a_retired_version_takes_no_new_screening_and_stays_readable(story: Story) -> None:
    _, made = await upload(story, workbook())
    answers = {"safe": "1", "agree": "1", "years": 30}
    screening = await begun(story, answers, instrument_id=made["id"])
    foreign = await story.post("ngo-salud-supervisor", f"/instruments/{made['id']}/retire")
    assert foreign.status_code == 404
    shown = await story.made(SUPERVISOR, f"/instruments/{made['id']}/retire", {})
    assert shown["retired"] is True
    refused = await story.post(
        WHO, "/screenings", {"instrument_id": made["id"], "answers": answers}
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "instrument_retired")
    assert (await story.get(WHO, f"/screenings/{screening['id']}")).status_code == 200
    assert (await story.post(SUPERVISOR, f"/instruments/{SHIPPED_ID}/retire")).status_code == 403
    of_a_state = {"areas": ["VE20"]}
    away = await story.post("tip-coordinator", f"/instruments/{SHIPPED_ID}/retire", **of_a_state)
    assert away.status_code == 403, "for all, everywhere, and nothing brings a version back"
    await story.made("tip-coordinator", f"/instruments/{SHIPPED_ID}/retire", {})
    listed = (await story.get("ngo-salud", "/instruments")).json()
    assert [(each["shipped"], each["retired"]) for each in listed] == [(True, True)]


async def test_the_coordinators_instrument_is_for_everyone(story: Story) -> None:
    _, made = await upload(story, workbook(), who="tip-coordinator")
    listed = (await story.get("ngo-salud", "/instruments")).json()
    assert made["id"] in [each["id"] for each in listed]
    detail = (await story.get("ngo-salud", f"/instruments/{made['id']}")).json()
    assert detail["instrument"]["questions"][0]["label"]["en"] == "Is it safe?"


async def test_a_version_cannot_be_changed_in_the_database(story: Story) -> None:
    await upload(story, workbook())
    with pytest.raises(Exception, match="permission denied"):
        await story.rows("UPDATE instruments SET code = 'other' RETURNING 1")


def _with_part(name: str, content: bytes) -> bytes:
    out = io.BytesIO(workbook())
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


UNFIT = [
    (b"PK\x03\x04 but not really", "/file"),
    (b"type,name\nnote,n", "/file"),
    (_with_part("xl/vbaProject.bin", b"x"), "/file"),
    (_with_part("xl/bomb.xml", b"0" * 20_000_000), "/file"),
    (_with_part("xl/dtd.xml", b'<!DOCTYPE a [<!ENTITY b "c">]>'), "/file"),
    (workbook(changed(7, 3, "=1+1")), "/survey/D8"),
    (workbook(changed(10, 4, "pulldata('a','b')")), "/survey/work"),
    (workbook(changed(10, 4, "${nobody} = 1")), "/file"),
    (workbook(changed(10, 0, "image")), "/survey/work"),
    (workbook(changed(10, 3, None)), "/survey/work"),
    (workbook(changed(4, 7, None)), "/survey/safe"),
    (workbook(changed(7, 7, None)), "/survey"),
    (workbook(changed(7, 7, "soul")), "/survey/years"),
    (workbook([SURVEY[0], *SURVEY[6:]]), "/survey/years"),
    (workbook(choices=[row[:5] for row in CHOICES]), "/survey"),
    (workbook(version="a b"), "/settings"),
]


async def test_a_workbook_that_cannot_be_an_instrument_is_refused_with_its_place(
    story: Story,
) -> None:
    for content, pointer in UNFIT:
        status, body = await upload(story, content)
        found = (status, body["code"], body["pointer"])
        assert found == (422, "instrument_unreadable", pointer), body
    assert await story.rows("SELECT 1 FROM instruments") == []


async def test_the_new_holder_of_a_case_reads_and_concludes_its_screening(story: Story) -> None:
    """The new holder uses the questions of the original instrument, and the old holder can read nothing."""
    await upload(story, workbook())
    listed = (await story.get(SUPERVISOR, "/instruments")).json()
    private = next(each["id"] for each in listed if not each["shared"])
    case_id = (await story.case())["id"]
    answers = {"safe": "1", "agree": "1", "years": 30, "signs": ["moved"]}
    screening = await begun(story, answers, instrument_id=private, case_id=case_id)
    path = f"/screenings/{screening['id']}"
    offer = await transfer_offer(story, case_id, SALUD)
    transfer = await story.made("ngo-refugio", "/transfers", offer)
    assert (await story.get("ngo-salud", path)).status_code == 404
    assert (await story.get("ngo-salud", f"/instruments/{private}")).status_code == 404
    await story.made("ngo-salud", f"/transfers/{transfer['id']}/accept", {})
    read = await story.get("ngo-salud", path)
    assert read.status_code == 200, read.text
    assert read.json()["answers"] == answers
    assert (await story.get("ngo-salud", f"/instruments/{private}")).status_code == 200
    another = {"instrument_id": private, "answers": answers}
    assert (await story.post("ngo-salud", "/screenings", another)).status_code == 404
    await story.made("ngo-salud", f"{path}/answers", {"answers": {"years": 31}})
    today = clock.today()
    await story.made(
        "ngo-salud-supervisor",
        "/certificates",
        {
            "holder": "ngo-salud",
            "certified_on": str(today - timedelta(days=30)),
            "valid_until": str(today + timedelta(days=300)),
        },
    )
    body = {"judgement": "possible_victim", "rationale": RATIONALE}
    done = await story.made("ngo-salud", f"{path}/conclude", body)
    assert done["status"] == "concluded"
    assert (await story.get("ngo-refugio", path)).status_code == 404
    assert (await story.get("ngo-refugio", "/screenings")).json()["items"] == []
