"""A form tool's submissions: Ruta accepts each once, maps it by configuration and stores unmapped content."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa
from common import clock
from common.crypto import key_from_base64
from httpx import Response
from referrals.ground.keys.store import CaseKeys
from referrals.ground.row_security import act_as_service
from referrals.listening.intake.mapping import FormMapping, submission_id, translate
from referrals.listening.intake.service import discard_old, hide_tool_ids
from referrals.screening.screenings.shipped import shipped
from referrals.settings import Settings
from standardwebhooks import Webhook

from tests.services.referrals.screening_words import SUPERVISOR, upload, workbook
from tests.services.referrals.story import Story
from tests.support.principals import bearer

NAME = "Yolimar Canaria"
KOBO: dict[str, Any] = {
    "_id": 4711,
    "formhub/uuid": "5f1c0c7ab2d94e0fa1d7d9b4f0c1a2b3",
    "start": "2026-11-20T09:58:11.402-04:00",
    "end": "2026-11-20T10:31:40.117-04:00",
    "intro/safe": "1",
    "intro/agree": "1",
    "q/years": "16",
    "q/when": "2026-10-02",
    "q/signs": "moved work",
    "q/work": "mina",
    "__version__": "vK3hJq9d",
    "meta/instanceID": "uuid:9d2f7c3e-2b1a-4b6e-8f4d-0a1b2c3d4e5f",
    "_xform_id_string": "aBcDeFgHiJkLmN",
    "_uuid": "9d2f7c3e-2b1a-4b6e-8f4d-0a1b2c3d4e5f",
    "_attachments": [],
    "_status": "submitted_via_web",
    "_geolocation": [None, None],
    "_submission_time": "2026-11-20T14:32:05",
    "_tags": [],
    "_notes": [],
    "_validation_status": {},
    "_submitted_by": None,
}


async def form(story: Story, **changes: Any) -> dict[str, Any]:
    _, instrument = await upload(story, workbook())
    body = {"name": "Frontera", "instrument_id": instrument["id"], **changes}
    return await story.made(SUPERVISOR, "/intake/forms", body)


async def send(
    story: Story, made: dict[str, Any], body: Any, headers: dict[str, str] | None = None
) -> Response:
    """Send the submission as the form tool does, without an account and with the form's secret in a header."""
    return await story.client.post(
        f"/referrals/v1/intake/forms/{made['id']}/submissions",
        content=body if isinstance(body, bytes) else orjson.dumps(body),
        headers={
            **bearer("anonymous", audience="ruta-referrals"),
            "Content-Type": "application/json",
            **({"X-Form-Secret": made["secret"]} if headers is None else headers),
        },
    )


async def received(story: Story, **query: str) -> list[dict[str, Any]]:
    found = await story.client.get(
        "/referrals/v1/intake/submissions",
        params=query,
        headers=bearer("ngo-refugio", audience="ruta-referrals"),
    )
    items: list[dict[str, Any]] = found.json()["items"]
    return items


async def test_a_kobotoolbox_submission_becomes_a_screening_once(story: Story) -> None:
    made = await form(story, mapping={"fixed_area": "VE2313"})
    taken = await send(story, made, KOBO)
    assert (taken.status_code, taken.json()["status"]) == (202, "taken"), taken.text
    assert NAME not in taken.text
    (row,) = await received(story, status="taken")
    screening = (await story.get("ngo-refugio", f"/screenings/{row['screening_id']}")).json()
    assert screening["answers"] == {
        "safe": "1",
        "agree": "1",
        "years": 16,
        "when": "2026-10-02",
        "signs": ["moved", "work"],
        "work": "mina",
    }
    assert (screening["source"], screening["status"]) == ("form", "open")
    assert screening["held_at"] == "2026-11-20T14:31:40.117000Z"
    assert screening["summary"]["age_group"] == "child"
    approved = {"uid": "validation_status_approved", "by_whom": "cp"}
    tagged = {**KOBO, "_validation_status": approved, "_status": "edited"}
    again = await send(story, made, tagged)
    assert (again.status_code, again.json()["repeated"]) == (202, True)
    other = await send(story, made, {**KOBO, "q/years": "17"})
    assert (other.status_code, other.json()["code"]) == (409, "submission_changed")
    assert len(await story.rows("SELECT 1 FROM screenings")) == 1


async def test_after_an_erasure_nothing_leads_to_the_person_in_the_form_tool(story: Story) -> None:
    made = await form(story, mapping={"fixed_area": "VE2313"})
    await send(story, made, KOBO)
    (row,) = await received(story)
    path = f"/screenings/{row['screening_id']}/erase"
    await story.made(SUPERVISOR, path, {"confirm": row["screening_id"]})
    (kept,) = await story.rows("SELECT to_jsonb(t)::text AS text FROM intake_submissions t")
    assert KOBO["_uuid"] not in kept.text
    assert (await send(story, made, KOBO)).json()["repeated"] is True
    assert await story.rows("SELECT 1 FROM screenings WHERE status <> 'erased'") == []


async def kept_as_before(story: Story) -> None:
    """Store the submission under the tool's own id, as earlier releases did."""
    renamed = sa.text("UPDATE intake_submissions SET submission_id = :id RETURNING id")
    async with story.database.transaction() as session:
        await act_as_service(session)
        assert len((await session.execute(renamed, {"id": KOBO["_uuid"]})).all()) == 1


async def test_what_was_kept_under_the_tools_own_id_is_known_and_is_so_no_more(
    story: Story, settings: Settings
) -> None:
    made = await form(story, mapping={"fixed_area": "VE2313"})
    await send(story, made, KOBO)
    (named,) = [each["submission_id"] for each in await received(story)]
    await kept_as_before(story)
    again = await send(story, made, KOBO)
    assert (again.json()["repeated"], again.json()["submission_id"]) == (True, named)
    await kept_as_before(story)
    key = key_from_base64(settings.stored_result_key.get_secret_value())
    assert await hide_tool_ids(story.database, key) == 1
    assert await hide_tool_ids(story.database, key) == 0
    assert [each["submission_id"] for each in await received(story)] == [named]


async def test_only_who_knows_the_secret_is_heard(story: Story) -> None:
    made = await form(story)
    unknown = {**made, "id": "0190a000-0000-7000-8000-0000000000ff"}
    refused = [
        await send(story, made, KOBO, {}),
        await send(story, made, KOBO, {"X-Form-Secret": "whsec_wrong"}),
        await send(story, unknown, KOBO),
        await send(story, made, KOBO, signed(made, KOBO, ago=timedelta(minutes=20))),
        await send(story, made, {**KOBO, "q/years": "17"}, signed(made, KOBO)),
    ]
    assert {each.status_code for each in refused} == {404}
    assert len({each.text for each in refused}) == 1, "all refusals look alike"
    assert await story.rows("SELECT 1 FROM intake_submissions") == []
    good = await send(story, made, KOBO, signed(made, KOBO))
    assert good.json()["status"] == "taken"
    replayed = await send(story, made, KOBO, signed(made, KOBO))
    assert replayed.json()["repeated"] is True
    rotated = await story.made(SUPERVISOR, f"/intake/forms/{made['id']}/rotate-secret", {})
    assert (await send(story, made, KOBO)).status_code == 404
    assert (await send(story, rotated, KOBO)).status_code == 202


def signed(
    made: dict[str, Any], body: dict[str, Any], ago: timedelta = timedelta()
) -> dict[str, str]:
    at = datetime.now(UTC) - ago
    signature = Webhook(made["secret"]).sign("msg_1", at, orjson.dumps(body).decode())
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


async def test_what_does_not_map_waits_with_its_reasons_and_is_tried_again(story: Story) -> None:
    made = await form(story)
    strange = {**KOBO, "q/nombre": NAME, "q/signs": "work flown"}
    kept = await send(story, made, strange)
    assert (kept.status_code, kept.json()["status"]) == (202, "quarantined")
    (row,) = await received(story, status="quarantined")
    assert row["reasons"] == ["unknown_code", "unmapped_field"]
    stored = (await story.rows("SELECT content, reasons::text FROM intake_submissions"))[0]
    assert NAME.encode() not in bytes(stored.content)
    detail = (await story.get("ngo-refugio", f"/intake/submissions/{row['id']}")).json()
    assert {(w["code"], w["pointer"]) for w in detail["why"]} == {
        ("unmapped_field", "/q~1nombre"),
        ("unknown_code", "/q~1signs"),
    }
    assert detail["content"]["q/nombre"] == NAME
    assert (await story.get("ngo-salud", f"/intake/submissions/{row['id']}")).status_code == 404
    again = await story.made("ngo-refugio", f"/intake/submissions/{row['id']}/retry", {})
    assert again["status"] == "quarantined"
    mapping = {"ignore": ["q/nombre"], "values": {"signs": {"flown": "work"}}}
    change = {"name": "Frontera", "instrument_id": made["instrument_id"], "mapping": mapping}
    await story.call(SUPERVISOR, "PUT", f"/intake/forms/{made['id']}", change)
    twice = await story.made("ngo-refugio", f"/intake/submissions/{row['id']}/retry", {})
    assert twice["reasons"] == ["repeated_code"], "twice the same: a person decides"
    mapping["values"] = {"signs": {"flown": "lied"}}
    await story.call(SUPERVISOR, "PUT", f"/intake/forms/{made['id']}", change)
    done = await story.made("ngo-refugio", f"/intake/submissions/{row['id']}/retry", {})
    assert (done["status"], done["reasons"]) == ("taken", [])
    assert (await story.rows("SELECT content FROM intake_submissions"))[0].content is None
    over = await story.post("ngo-refugio", f"/intake/submissions/{row['id']}/retry")
    assert over.status_code == 409


BAD_CONTENT: list[tuple[dict[str, Any], str]] = [
    ({"q/years": "sixteen"}, "unreadable_value"),
    ({"q/years": "300"}, "out_of_range"),
    ({"q/when": "2026-02-30"}, "bad_date"),
    ({"q/when": "2999-01-01"}, "impossible_date"),
    ({"q/when": "2026-12-31"}, "constraint"),
    ({"q/signs": "moved"}, "not_asked"),
    ({"q/work": "x" * 1_000_000}, "too_long"),
    ({"q/years": {"deep": [1]}}, "unmapped_field"),
    ({"_tags": ["urgent"]}, "unmapped_field"),
    ({"_notes": ["Do not call her husband"]}, "unmapped_field"),
    ({"_validation_status": {"uid": "validation_status_on_hold"}}, "record_waits"),
    ({"other/years": "16"}, "mapped_twice"),
    ({"intro/safe": "9"}, "unknown_code"),
    ({"end": "2031-01-01T00:00:00Z"}, "invalid"),
    ({"meta/deprecatedID": "uuid:before"}, "edits_earlier_submission"),
    ({"q/note\u0000": "\u0000"}, "unmapped_field"),
]


async def test_bad_content_waits_in_quarantine(story: Story) -> None:
    made = await form(story)
    for number, (changes, reason) in enumerate(BAD_CONTENT):
        kept = await send(story, made, {**KOBO, "_uuid": f"bad-{number}", **changes})
        assert (kept.status_code, kept.json()["status"]) == (202, "quarantined"), reason
        row = (await received(story))[0]
        assert row["reasons"] == [reason]
    assert await story.rows("SELECT 1 FROM screenings") == []


async def test_where_nobody_agreed_nothing_is_kept(story: Story) -> None:
    made = await form(story)
    for number, changes in enumerate(({"intro/agree": "0"}, {"intro/safe": "0"})):
        gone = await send(story, made, {**KOBO, "_uuid": f"kobo-{number}", **changes})
        assert (gone.status_code, gone.json()["status"]) == (202, "not_kept")
    assert {
        (r.content, r.screening_id) for r in await story.rows("SELECT * FROM intake_submissions")
    } == {(None, None)}


async def test_a_retired_version_loses_nothing(story: Story, case_keys: CaseKeys) -> None:
    made = await form(story)
    await story.made(SUPERVISOR, f"/instruments/{made['instrument_id']}/retire", {})
    kept = await send(story, made, KOBO)
    assert kept.json()["status"] == "quarantined"
    (row,) = await received(story)
    assert row["reasons"] == ["instrument_retired"]
    second = await send(story, made, {**KOBO, "_uuid": "kobo-2"})
    assert second.json()["status"] == "quarantined"
    await story.made(SUPERVISOR, f"/intake/submissions/{row['id']}/discard", {})
    assert (await story.get("ngo-refugio", f"/intake/submissions/{row['id']}")).json()[
        "content"
    ] is None
    later = clock.now() + timedelta(days=1)
    assert await discard_old(story.database, case_keys, later) == 1
    assert {r["status"] for r in await received(story)} == {"discarded"}
    assert (await send(story, made, KOBO)).json()["repeated"] is True


NO_SUBMISSIONS = [
    (b"not json", 400),
    (b"[]", 422),
    (b"{}", 422),
    (b'{"_uuid": 7}', 422),
    (b"[" * 20_000, 400),
    (orjson.dumps({**KOBO, "_uuid": "x'; DROP TABLE cases"}), 202),
]


async def test_what_is_no_submission_is_refused(story: Story) -> None:
    made = await form(story)
    for body, status in NO_SUBMISSIONS:
        answer = await send(story, made, body)
        assert answer.status_code == status, answer.text


async def test_a_form_is_switched_off_and_a_mapping_names_what_exists(story: Story) -> None:
    made = await form(story)
    change = {"name": "Frontera", "instrument_id": made["instrument_id"], "active": False}
    await story.call(SUPERVISOR, "PUT", f"/intake/forms/{made['id']}", change)
    assert (await send(story, made, KOBO)).status_code == 404
    for mapping, pointer in (
        ({"fields": {"a/b": "nobody"}}, "/mapping/fields/a~1b"),
        ({"values": {"safe": {"si": "perhaps"}}}, "/mapping/values/safe/si"),
        ({"fixed_area": "ZZ9"}, "/mapping/fixed_area"),
    ):
        body = {**change, "active": True, "mapping": mapping}
        refused = await story.call(SUPERVISOR, "PUT", f"/intake/forms/{made['id']}", body)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == pointer
    listed = (await story.get("ngo-refugio", "/intake/forms")).json()
    assert "secret" not in listed[0]
    assert (await story.post("ngo-refugio", "/intake/forms", change)).status_code == 403


def test_a_form_with_its_own_names_maps_by_configuration() -> None:
    mapping = FormMapping(
        fields={"a/p1": "safe_to_talk", "a/p2": "consent", "b/edad": "age"},
        values={"safe_to_talk": {"si": "yes"}, "consent": {"si": "yes"}},
        area="b/mun",
        area_values={"Maracaibo": "VE2313"},
    )
    submission = {
        "a/p1": "si",
        "a/p2": "si",
        "b/edad": 17,
        "b/mun": "Maracaibo",
    }
    found = translate(shipped(), mapping, submission, clock.today())
    assert found.reasons == []
    assert (found.answers, found.area) == (
        {"safe_to_talk": "yes", "consent": "yes", "age": 17},
        "VE2313",
    )
    wrong = translate(shipped(), mapping, {**submission, "b/mun": NAME}, clock.today())
    assert [each.code for each in wrong.reasons] == ["unknown_area"]
    assert NAME not in str(wrong.reasons)


def test_the_tools_own_id_is_found() -> None:
    assert submission_id({"_uuid": "abcd-1"}) == "abcd-1"
    assert submission_id({"meta/instanceID": "uuid:abcd-2"}) == "abcd-2"
    assert submission_id({"_uuid": "a b"}) is None
