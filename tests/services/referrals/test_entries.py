"""The case record: notes, comments, risk, incidents, family, dates and pictures; the case word; reopening; the plan."""

import asyncio
import io
import tempfile
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from common import clock
from httpx import Response
from PIL import Image
from referrals.case.entries import scanner
from referrals.case.entries.kinds import KINDS
from referrals.case.entries.schemas import MOST_LETTERS, EntryContent

from tests.services.referrals.story import LEGAL, Story, attach, attached, photo

NGO, SUPERVISOR, LEGAL_AID = "ngo-refugio", "ngo-refugio-supervisor", "ngo-legal"
CANARY = "Guacharaca-77b"


def soon(days: int = 3) -> str:
    return (clock.today() + timedelta(days=days)).isoformat()


def code(response: Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


async def entries(story: Story, case: str, who: str = NGO, **query: str) -> list[dict[str, Any]]:
    asked = "&".join(f"{k}={v}" for k, v in query.items())
    answer = await story.get(who, f"/cases/{case}/entries?{asked}")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def actions(story: Story, case: str) -> list[str]:
    rows = await story.rows(
        "SELECT action FROM audit_entries WHERE chain = :case ORDER BY sequence", case=UUID(case)
    )
    return [row.action for row in rows]


def test_every_field_that_a_kind_names_is_one_of_its_body() -> None:
    known = {*EntryContent.model_fields, "due_on", "linked_case_id", "file"}
    for kind in KINDS.values():
        assert {*kind.needs, *kind.may} <= known, kind.code


async def test_a_note_is_sealed_read_back_and_audited(story: Story) -> None:
    case = (await story.case())["id"]
    await story.made(NGO, f"/cases/{case}/entries", {"kind": "note", "text": f"vino hoy {CANARY}"})
    (note,) = await entries(story, case)
    assert (note["kind"], note["content"]["text"]) == ("note", f"vino hoy {CANARY}")
    (row,) = await story.rows("SELECT content FROM case_entries")
    assert CANARY.encode() not in bytes(row.content)
    assert (await actions(story, case))[-2:] == ["entry.written", "entry.read"]
    told = await story.rows("SELECT payload::text AS said FROM outbox")
    logged = await story.rows("SELECT detail::text AS said FROM audit_entries")
    assert not [row for row in [*told, *logged] if CANARY in row.said]


async def test_another_organisation_finds_no_record(story: Story) -> None:
    case = (await story.case())["id"]
    note = await story.made(NGO, f"/cases/{case}/entries", {"kind": "note", "text": "x"})
    path = f"/cases/{case}/entries"
    assert (await story.get("ngo-salud", path)).status_code == 404
    other = (await story.case())["id"]
    for step in ("done", "take-back"):
        answer = await story.post(NGO, f"/cases/{other}/entries/{note['id']}/{step}")
        assert answer.status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "note"}, "/text"),
        ({"kind": "note", "text": "x" * (MOST_LETTERS + 1)}, "/text"),
        ({"kind": "note", "text": "x", "level": "high"}, "/level"),
        ({"kind": "risk", "level": "high"}, "/due_on"),
        ({"kind": "risk", "level": "high", "due_on": "2001-01-01"}, "/due_on"),
        ({"kind": "incident"}, "/incident_type"),
        (
            {"kind": "incident", "incident_type": "rape", "happened_on": "2099-01-01"},
            "/happened_on",
        ),
        ({"kind": "appointment", "due_on": "2099-01-01"}, "/clock"),
        ({"kind": "attachment", "document": "photo"}, "/file"),
    ],
)
async def test_a_wrong_entry_is_refused_at_its_field_and_nothing_is_kept(
    story: Story, body: dict[str, Any], pointer: str
) -> None:
    case = (await story.case())["id"]
    answer = await story.post(NGO, f"/cases/{case}/entries", body)
    assert code(answer) == (422, "invalid")
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert await story.rows("SELECT 1 FROM case_entries") == []


async def test_a_risk_level_waits_for_its_review_until_a_new_one_is_set(story: Story) -> None:
    case = (await story.case())["id"]

    async def waiting() -> list[tuple[str, str]]:
        items = (await story.get(NGO, "/work?kind=entry_due")).json()["items"]
        return [(item["about"], item["due"][:10]) for item in items]

    path = f"/cases/{case}/entries"
    await story.made(NGO, path, {"kind": "risk", "level": "high", "due_on": soon(2)})
    assert await waiting() == [("risk", soon(2))]
    await story.made(NGO, path, {"kind": "risk", "level": "low", "due_on": soon(5)})
    assert await waiting() == [("risk", soon(5))]
    await story.made(NGO, f"/cases/{case}/close", {"reason": "needs_met"})
    assert await waiting() == []


async def test_a_comment_is_the_supervisors_and_stays_when_the_case_goes(story: Story) -> None:
    case = (await story.case())["id"]
    path = f"/cases/{case}/entries"
    assert code(await story.post(NGO, path, {"kind": "comment", "text": "x"})) == (403, "forbidden")
    await story.made(SUPERVISOR, path, {"kind": "comment", "text": "hablemos"})
    await story.made(NGO, path, {"kind": "note", "text": "una nota"})
    assert [e["kind"] for e in await entries(story, case)] == ["note", "comment"]
    await handed_over(story, case)
    assert (await story.get(NGO, path)).status_code == 404
    assert [e["content"]["text"] for e in await entries(story, case, LEGAL_AID)] == ["una nota"]


async def handed_over(story: Story, case: str) -> None:
    consent = {
        "case_id": case,
        "kind": "transfer",
        "recipient_organisation_id": str(LEGAL),
        "method": "signed",
    }
    grant = await story.made(NGO, "/consents", consent)
    offer = {"case_id": case, "to_organisation": str(LEGAL), "grant_id": grant["id"]}
    transfer = await story.made(NGO, "/transfers", offer)
    await story.made(LEGAL_AID, f"/transfers/{transfer['id']}/accept", {})


async def test_siblings_are_linked_and_each_case_keeps_its_own_words(story: Story) -> None:
    one, two = (await story.child(9))["id"], (await story.child(12))["id"]
    body = {"kind": "relative", "relation": "sibling", "name": CANARY, "linked_case_id": two}
    await story.made(NGO, f"/cases/{one}/entries", body)
    (there,) = await entries(story, two)
    assert (there["linked_case_id"], there["content"]["relation"]) == (one, "sibling")
    assert there["content"]["name"] is None
    await story.consent(one, await story.service(), decided_by="caregiver", child_assent="agrees")
    assert (await story.get(NGO, f"/consents?case_id={two}")).json()["items"] == []
    await handed_over_child(story, one)
    (left,) = await entries(story, two)
    assert (left["linked_case_id"], left["linked_reference"]) == (None, None)


async def handed_over_child(story: Story, case: str) -> None:
    consent = {
        "case_id": case,
        "kind": "transfer",
        "recipient_organisation_id": str(LEGAL),
        "method": "signed",
        "decided_by": "caregiver",
        "child_assent": "agrees",
    }
    grant = await story.made(NGO, "/consents", consent)
    offer = {"case_id": case, "to_organisation": str(LEGAL), "grant_id": grant["id"]}
    transfer = await story.made(NGO, "/transfers", offer)
    await story.made(LEGAL_AID, f"/transfers/{transfer['id']}/accept", {})


async def test_a_case_of_somebody_else_is_not_linked(story: Story) -> None:
    one = (await story.case())["id"]
    theirs = (await story.case("ngo-salud"))["id"]
    body = {"kind": "relative", "relation": "sibling"}
    for linked in (theirs, one):
        answer = await story.post(NGO, f"/cases/{one}/entries", {**body, "linked_case_id": linked})
        assert code(answer) == (422, "invalid")
    assert await story.rows("SELECT 1 FROM case_entries") == []


async def test_a_moved_appointment_shows_the_second_editor_a_conflict(story: Story) -> None:
    case = (await story.case())["id"]
    body = {"kind": "appointment", "due_on": soon(1), "clock": "09:30", "place": "Clínica"}
    made = await story.made(NGO, f"/cases/{case}/entries", body)
    path = f"/cases/{case}/entries/{made['id']}"
    moved = {"due_on": soon(4), "clock": "15:00", "expected_version": 1}
    assert (await story.call(NGO, "PUT", path, moved)).json()["version"] == 2
    assert code(await story.call(NGO, "PUT", path, moved)) == (409, "version_conflict")
    await story.made(NGO, f"{path}/done", {})
    assert code(await story.post(NGO, f"{path}/done", {})) == (409, "conflict")


async def test_an_entry_by_mistake_is_destroyed_by_its_writer(story: Story) -> None:
    case = (await story.case())["id"]
    made = await attached(story, case, text=CANARY)
    path = f"/cases/{case}/entries/{made['id']}"
    colleague = {"sub": "colleague", "client_id": "colleague", "roles": ["caseworker"]}
    assert (await story.post(NGO, f"{path}/take-back", {}, **colleague)).status_code == 403
    await story.made(NGO, f"{path}/take-back", {})
    (row,) = await story.rows("SELECT content, file, taken_back_at FROM case_entries")
    assert (row.content, row.file) == (None, None)
    assert row.taken_back_at is not None
    assert (await story.get(NGO, f"{path}/picture")).status_code == 404


async def test_a_picture_is_kept_without_what_the_phone_wrote_into_it(story: Story) -> None:
    case = (await story.case())["id"]
    exif = Image.Exif()
    exif[0x010E] = CANARY
    polyglot = photo(exif=exif) + b"PK\x03\x04<script>" + CANARY.encode()
    answer = await attach(story, case, polyglot, document="photo")
    assert answer.status_code == 201, answer.text
    shown = await story.get(NGO, f"/cases/{case}/entries/{answer.json()['id']}/picture")
    assert shown.headers["content-type"] == "image/jpeg"
    assert "sandbox" in shown.headers["content-security-policy"]
    assert CANARY.encode() not in shown.content
    assert b"PK\x03\x04" not in shown.content
    assert not Image.open(io.BytesIO(shown.content)).getexif()
    (row,) = await story.rows("SELECT file FROM case_entries")
    assert b"\xff\xd8\xff" not in bytes(row.file)
    assert "entry.picture_read" in await actions(story, case)


async def test_the_pages_of_a_pdf_are_kept_as_one_picture_and_nothing_else_of_it(
    story: Story,
) -> None:
    case = (await story.case())["id"]
    pages = [Image.new("RGB", (400, 600), colour) for colour in ("white", "black")]
    written = io.BytesIO()
    pages[0].save(written, "PDF", save_all=True, append_images=pages[1:], title=CANARY)
    answer = await attach(story, case, written.getvalue(), "consentimiento.pdf")
    assert answer.status_code == 201, answer.text
    shown = await story.get(NGO, f"/cases/{case}/entries/{answer.json()['id']}/picture")
    picture = Image.open(io.BytesIO(shown.content))
    assert (picture.format, picture.size) == ("JPEG", (1000, 3000))
    grey = picture.convert("L").tobytes()
    assert (grey[100 * 1000] > 200, grey[2900 * 1000] < 50) == (True, True)
    assert CANARY.encode() not in shown.content
    long = io.BytesIO()
    pages[0].save(long, "PDF", save_all=True, append_images=pages[1:] * 10)
    refused = await attach(story, case, long.getvalue(), "consentimiento.pdf")
    assert refused.json()["detail_code"] == "picture_cannot_be_read"


async def test_an_uploaded_picture_is_in_no_temporary_file(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(_self: object) -> None:
        raise AssertionError("an unsealed picture was written to disk")

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", written)
    case = (await story.case())["id"]
    large = photo() + bytes(3_000_000)
    answer = await attach(story, case, large, document="photo")
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    ("content", "name", "status", "said"),
    [
        (b"MZ\x90\x00" * 9, "consentimiento.pdf.exe", 415, "picture_is_of_another_kind"),
        (photo(), "consentimiento.pdf.exe", 415, "picture_is_of_another_kind"),
        (b"%PDF-1.7 ...", "consentimiento.pdf", 422, "picture_cannot_be_read"),
        (b"<svg onload='alert(1)'/>", "a.svg", 415, "picture_is_of_another_kind"),
        (b"\x00\x00\x00\x18ftypheic" + b"\x00" * 40, "IMG_1.HEIC", 415, "picture_is_heic"),
        (b"\xff\xd8\xff" + b"not a picture at all", "a.jpg", 422, "picture_cannot_be_read"),
        (b"\xff\xd8\xff" + b"\x00" * (8 * 1024 * 1024), "a.jpg", 413, "picture_is_too_large"),
        (b"", "a.jpg", 422, "file_is_empty"),
    ],
)
async def test_a_file_that_is_no_picture_is_refused_with_the_remedy(
    story: Story, content: bytes, name: str, status: int, said: str
) -> None:
    case = (await story.case())["id"]
    answer = await attach(story, case, content, name)
    assert (answer.status_code, answer.json()["detail_code"]) == (status, said)
    assert await story.rows("SELECT 1 FROM case_entries") == []


async def test_a_scanner_that_finds_something_or_is_away_keeps_the_picture_out() -> None:
    async def clamd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(b"zINSTREAM\0"))
        size = int.from_bytes(await reader.readexactly(4), "big")
        content = await reader.readexactly(size)
        writer.write(b"stream: Eicar FOUND\0" if b"EICAR" in content else b"stream: OK\0")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(clamd, "127.0.0.1", 0)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        await scanner.refuse_infected(address, b"a picture")
        with pytest.raises(Exception, match="scanner rejected"):
            await scanner.refuse_infected(address, b"EICAR")
    with pytest.raises(Exception, match="not responding"):
        await scanner.refuse_infected(address, b"a picture")


async def test_a_case_is_known_by_a_word_that_no_other_open_case_has(story: Story) -> None:
    one, two = (await story.case())["id"], (await story.case())["id"]
    for case, status in ((one, 200), (two, 422)):
        answer = await story.call(NGO, "PATCH", f"/cases/{case}", {"word": "mango"})
        assert answer.status_code == status, answer.text
    listed = (await story.get(NGO, "/cases")).json()["items"]
    assert {case["id"]: case["word"] for case in listed} == {one: "mango", two: None}
    name = await story.call(NGO, "PATCH", f"/cases/{two}", {"word": "Yolimar"})
    assert code(name) == (422, "invalid")


async def test_a_case_that_closed_or_moved_gave_its_word_away(story: Story) -> None:
    first, second = (await story.case())["id"], (await story.case())["id"]
    for case in (first, second):
        answer = await story.call(NGO, "PATCH", f"/cases/{case}", {"word": "mango"})
        assert answer.status_code == 200, answer.text
        if case == first:
            await story.made(NGO, f"/cases/{case}/close", {"reason": "moved"})
    reopened = await story.made(NGO, f"/cases/{first}/reopen", {"reason": "came_back"})
    assert reopened["word"] is None
    await handed_over(story, second)
    assert (await story.get(LEGAL_AID, f"/cases/{second}")).json()["word"] is None


async def test_a_closed_case_is_reopened_and_is_no_longer_about_to_be_erased(story: Story) -> None:
    case = (await story.case())["id"]
    path, why = f"/cases/{case}/reopen", {"reason": "came_back"}
    assert code(await story.post(NGO, path, why)) == (409, "conflict")
    await story.made(NGO, f"/cases/{case}/close", {"reason": "moved"})
    opened = await story.made(NGO, path, why)
    assert (opened["status"], opened["closed_at"], opened["retain_until"]) == ("open", None, None)
    await story.made(NGO, f"/cases/{case}/entries", {"kind": "note", "text": "volvió"})
    assert (await story.post("ngo-salud", path, why)).status_code == 404


async def test_two_people_who_edit_one_plan_do_not_overwrite_each_other(story: Story) -> None:
    case = (await story.case())["id"]
    need = await story.made(NGO, f"/cases/{case}/plan", {"need": "HLT", "objective": "uno"})
    path = f"/cases/{case}/plan/{need['id']}"
    body = {"objective": "dos", "planned_end": soon(9), "expected_version": need["version"]}
    assert (await story.call(NGO, "PUT", path, body)).status_code == 200
    late = {**body, "objective": "tres"}
    assert code(await story.call(NGO, "PUT", path, late)) == (409, "version_conflict")
    (kept,) = (await story.get(NGO, f"/cases/{case}/plan")).json()
    assert (kept["objective"], kept["planned_end"]) == ("dos", soon(9))


async def test_the_overview_shows_risk_plan_and_latest_entries_to_the_holder_alone(
    story: Story,
) -> None:
    case = (await story.case())["id"]
    path = f"/cases/{case}/entries"
    await story.made(NGO, path, {"kind": "risk", "level": "high", "due_on": soon(2)})
    note = await story.made(NGO, path, {"kind": "note", "text": CANARY})
    await story.made(NGO, f"/cases/{case}/plan", {"need": "HLT"})
    seen = (await story.get(NGO, f"/cases/{case}/overview")).json()
    assert seen["risk"]["content"]["level"] == "high"
    assert [one["need"] for one in seen["plan"]] == ["HLT"]
    assert [one["kind"] for one in seen["entries"]] == ["note", "risk"]
    assert "plan.need_added" in [one["action"] for one in seen["timeline"]]
    one = await story.get(NGO, f"{path}/{note['id']}")
    assert one.json()["content"]["text"] == CANARY
    for hidden in (f"/cases/{case}/overview", f"{path}/{note['id']}"):
        assert (await story.get("ngo-salud", hidden)).status_code == 404


async def test_the_calendar_shows_both_sides_their_days_and_says_neither_name_nor_place(
    story: Story,
) -> None:
    case = await story.case()
    path = f"/cases/{case['id']}/entries"
    visit = {"kind": "appointment", "due_on": soon(1), "clock": "09:30", "place": CANARY}
    await story.made(NGO, path, visit)
    done = await story.made(NGO, path, {"kind": "follow_up", "due_on": soon(2), "text": CANARY})
    await story.made(NGO, f"{path}/{done['id']}/done", {})
    referral = await story.accepted()
    at = clock.begins(clock.today() + timedelta(days=2)) + timedelta(hours=10)
    step = {"appointment_at": at.isoformat()}
    await story.made("ngo-salud", f"/referrals/{referral['id']}/schedule", step)
    answer = await story.get(NGO, "/calendar")
    rows = answer.json()
    assert [(row["kind"], row["on"]) for row in rows] == [
        ("appointment", soon(1)),
        ("referral", soon(2)),
    ]
    assert (rows[0]["clock"], rows[0]["case_reference"]) == ("09:30", case["reference"])
    assert CANARY not in answer.text
    theirs = (await story.get("ngo-salud", "/calendar")).json()
    assert [row["referral_id"] for row in theirs] == [referral["id"]]
    assert (await story.get("ngo-legal", "/calendar")).json() == []
    assert (await story.get(NGO, "/calendar?end=2099-01-01")).status_code == 422


@pytest.mark.parametrize(
    ("registered", "asked", "found"),
    [
        ("Yusmary Gonzales", "yusmari gonzález", True),
        ("María José Vásquez Peña", "Maria Basques", True),
        ("Wilmer Hernández", "wilmer ernandes", True),
        ("Ana Chacón", "Ana Chacin", False),
    ],
)
async def test_a_person_is_found_by_a_name_that_sounds_alike(
    story: Story, registered: str, asked: str, found: bool
) -> None:
    await story.case(identity={"name": registered})
    answer = await story.post(NGO, "/cases/search", {"name": asked})
    assert bool(answer.json()["items"]) is found
    elsewhere = await story.post("ngo-salud", "/cases/search", {"name": asked})
    assert elsewhere.json()["items"] == []
