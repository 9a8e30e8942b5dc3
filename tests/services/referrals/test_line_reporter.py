"""The reporter's side of the anonymous line: receipts, the thread, and who can read which part."""

import base64
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from common import clock, crypto
from common.crypto import CannotOpen, key_from_base64
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from httpx import Response
from referrals.ground.keys.ring import KeyRing
from referrals.ground.keys.store import CaseKeys
from referrals.listening.line import threads
from referrals.listening.line.receipts import Receipts, digits_of
from referrals.listening.line.service import forget_expired
from referrals.settings import Settings

from tests.services.referrals.conftest import QUICK
from tests.services.referrals.line_words import TEXT, TIP, Reporter
from tests.services.referrals.story import AUDIENCE, Story
from tests.support.principals import bearer


def told(response: Response) -> tuple[int, Any]:
    body = response.json()
    return response.status_code, (body["code"], body["detail"], body.get("title"))


@pytest.fixture
def reporter(story: Story) -> Reporter:
    return Reporter(story)


async def test_24_a_wrong_an_expired_and_a_deleted_receipt_look_the_same(
    story: Story, reporter: Reporter, case_keys: CaseKeys
) -> None:
    await reporter.report()
    receipt, reporter.receipt = reporter.receipt, "0" * 20
    wrong = await reporter.do("open")
    reporter.receipt = receipt
    with clock.shifted(timedelta(days=181)):
        expired = await reporter.do("open")
        assert await forget_expired(story.database, case_keys, clock.now()) == 1
        forgotten = await reporter.do("open")
    again = Reporter(story)
    await again.report()
    assert (await again.do("delete")).status_code == 204
    deleted = await again.do("open")
    assert wrong.status_code == 404
    assert told(wrong) == told(expired) == told(forgotten) == told(deleted)
    assert set(wrong.headers) == set(expired.headers)


async def test_24_nobody_can_reset_a_receipt(story: Story) -> None:
    """Only sending a report creates a receipt."""
    paths = (await story.client.get("/openapi.json")).json()["paths"]
    named = [p for p in paths if "receipt" in p or "reset" in p]
    assert named == []


async def test_the_thread_goes_both_ways_and_only_there(story: Story, reporter: Reporter) -> None:
    report = await reporter.report()
    path = f"/line/reports/{report['id']}"
    await story.made(TIP, f"{path}/messages", {"text": "¿Cómo se llama la finca?"})
    assert await reporter.thread() == [("reporter", TEXT), ("desk", "¿Cómo se llama la finca?")]
    assert (await reporter.do("messages", text="La Esperanza")).status_code == 200
    read = (await story.get(TIP, path)).json()
    assert [m["text"] for m in read["thread"]] == [TEXT, "¿Cómo se llama la finca?", "La Esperanza"]
    assert read["status"] == "open"
    assert read["taken_by"] == TIP
    notices = await story.rows("SELECT kind, organisation_id FROM notices")
    assert [n.kind for n in notices] == ["line.report_changed"]


async def test_a_form_that_is_sent_twice_makes_one_report(story: Story, reporter: Reporter) -> None:
    """A phone on a bad network sends the form again, and the person gets the number that was lost."""
    form = await reporter.form()
    first, second = await reporter.send(form=form), await reporter.send(form=form)
    assert first.json()["receipt"] == second.json()["receipt"]
    reporter.receipt = first.json()["receipt"]
    assert await reporter.thread() == [("reporter", TEXT)]
    third = await reporter.send(form=form, text="Son ocho.")
    assert third.json()["receipt"] == reporter.receipt
    assert await reporter.thread() == [("reporter", TEXT), ("reporter", "Son ocho.")]
    assert (
        len(await story.rows("SELECT 1 FROM outbox WHERE type LIKE '%line.report-received%'")) == 1
    )


async def test_a_form_that_was_sent_shows_its_receipt_for_a_day_only(
    story: Story, reporter: Reporter
) -> None:
    form = await reporter.form()
    first = (await reporter.send(form=form)).json()["receipt"]
    with clock.shifted(timedelta(hours=23)):
        assert (await reporter.send(form=form)).json()["receipt"] == first
    with clock.shifted(timedelta(hours=25)):
        late = await reporter.send(form=form)
        assert (late.status_code, late.json().get("code")) == (409, "form_too_old")
        assert first not in late.text
        reporter.receipt = first
        assert len(await reporter.thread()) == 1


async def test_the_same_addition_sent_twice_is_kept_once(reporter: Reporter) -> None:
    await reporter.report()
    for _ in range(2):
        await reporter.do("messages", text="Hay un niño.")
    assert [text for _, text in await reporter.thread()] == [TEXT, "Hay un niño."]


async def test_deleting_destroys_the_desk_key_and_every_word(
    story: Story, reporter: Reporter, case_keys: CaseKeys
) -> None:
    report = await reporter.report()
    await story.made(TIP, f"/line/reports/{report['id']}/messages", {"text": "Gracias"})
    assert (await reporter.do("delete")).status_code == 204
    for table in ("line_reports", "line_messages", "line_exceptions"):
        assert await story.rows(f"SELECT 1 FROM {table}") == []
    from uuid import UUID

    assert UUID(report["id"]) in await case_keys.destroyed()


async def test_a_dump_and_every_server_key_do_not_open_the_reporters_key(
    story: Story, reporter: Reporter, settings: Settings, case_keys: CaseKeys
) -> None:
    """The database, the key store, the key ring and the settings open the desk's copies. They open neither the
    reporter's key nor the reporter's copies."""
    report = await reporter.report()
    path = f"/line/reports/{report['id']}"
    await story.made(TIP, f"{path}/messages", {"text": "¿Está a salvo?"})
    row = (await story.rows("SELECT * FROM line_reports"))[0]
    messages = await story.rows("SELECT * FROM line_messages ORDER BY number")
    desk_key = await case_keys.of(row.id)
    assert threads.as_desk(messages[0].desk_copy, row.id, 1, desk_key) == TEXT

    dump = await _every_binary_value(story)
    known = [*dump, *_secrets_of(settings), *KeyRing.load(settings.key_encryption_keys_file).keys.values(), desk_key]  # fmt: skip
    derived = Receipts(key_from_base64(settings.blind_index_key.get_secret_value()), QUICK)
    known += [value for value in vars(derived).values() if isinstance(value, bytes)]
    candidates = {part for value in known for part in _keys_within(value)}
    assert len(candidates) > 50
    context = threads.reporter_key_context(row.id)
    for candidate in candidates:
        with pytest.raises(CannotOpen):
            crypto.open_sealed(candidate, row.reporter_key, context)
        private = X25519PrivateKey.from_private_bytes(candidate)
        for message in messages:
            with pytest.raises(CannotOpen):
                threads.as_reporter(message.reporter_copy, row.id, message.number, private)

    unlocked = derived.unlock(
        reporter.receipt
    )  # As a control, check that the receipt opens everything.
    private = threads.open_reporter_key(row.id, row.reporter_key, unlocked.key)
    assert threads.as_reporter(messages[1].reporter_copy, row.id, 2, private) == "¿Está a salvo?"
    assert not any(reporter.receipt.encode() in value or unlocked.key in value for value in dump)


async def _every_binary_value(story: Story) -> list[bytes]:
    columns = await story.rows(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND data_type = 'bytea'"
    )
    values: list[bytes] = []
    for table, column in columns:
        rows = await story.rows(f'SELECT "{column}" FROM "{table}"')
        values += [bytes(value) for (value,) in rows if value]
    return values


def _secrets_of(settings: Settings) -> list[bytes]:
    texts = [
        value.get_secret_value()
        for value in (getattr(settings, name) for name in type(settings).model_fields)
        if hasattr(value, "get_secret_value")
    ]
    return [text.encode() for text in texts] + [
        base64.b64decode(text) for text in texts if len(text) == 44
    ]


def _keys_within(value: bytes) -> set[bytes]:
    """Return every 32 bytes at the start or end of a value, or after an AES-GCM nonce."""
    return {p for p in (value[:32], value[-32:], value[12:44], value[16:48]) if len(p) == 32}


def test_a_receipt_has_twenty_digits_and_costs_a_third_of_a_second_of_a_core() -> None:
    import time

    receipts = Receipts(b"k" * 32)
    now = clock.now()
    forms = [receipts.read_form(receipts.new_form(now), now) for _ in range(2000)]
    numbers = [receipts.receipt_of(form) for form in forms]
    assert len(set(numbers)) == 2000
    assert all(digits_of(number) == number for number in numbers)
    digits = "".join(numbers)
    assert all(0.09 < digits.count(d) / len(digits) < 0.11 for d in "0123456789")
    began = time.process_time()
    receipts.unlock(numbers[0])
    assert time.process_time() - began > 0.05


async def test_a_text_of_a_megabyte_is_refused_and_nothing_is_kept(
    story: Story, reporter: Reporter
) -> None:
    answer = await reporter.send(text="x" * 1_000_000)
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/text")
    assert await story.rows("SELECT 1 FROM line_reports") == []


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"kind": "gossip"}, "/kind"),
        ({"area": "XX99"}, "/area"),
        ({"text": ""}, "/text"),
        ({"text": "a\x00b"}, ""),
        ({"form": "AAAA"}, "/form"),
        ({"phone": "+58 412 0000000"}, "/phone"),
    ],
)
async def test_bad_reports_are_refused_with_the_place(
    story: Story, reporter: Reporter, changes: dict[str, str], pointer: str
) -> None:
    answer = await reporter.send(**changes)
    assert 400 <= answer.status_code < 500
    assert answer.json()["pointer"].startswith(pointer)
    assert await story.rows("SELECT 1 FROM line_reports") == []


async def test_an_account_is_refused_so_that_no_receipt_is_stored_for_it(story: Story) -> None:
    answer = await story.post("ngo-refugio", "/line/threads/open", {"receipt": "1" * 20})
    assert (answer.status_code, answer.json()["code"]) == (400, "no_account_here")
    stored = await story.rows("SELECT 1 FROM stored_results WHERE route LIKE '%/line/%'")
    assert stored == []


async def test_no_answer_of_the_line_may_be_stored(story: Story, reporter: Reporter) -> None:
    await reporter.report()
    headers = bearer("anonymous", audience=AUDIENCE)
    for method, path, body in (
        ("GET", "/line", None), ("GET", "/line/thread", None), ("GET", "/line/form", None),
        ("POST", "/line/threads/open", {"receipt": reporter.receipt}),
        ("POST", "/line/threads/messages", {"receipt": reporter.receipt, "text": "x"}),
    ):  # fmt: skip
        answer = await story.client.request(
            method, f"/referrals/v1{path}", json=body, headers=headers
        )
        assert answer.status_code == 200, path
        assert answer.headers["cache-control"] == "no-store", path
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("language", "why"),
    [
        ("es", "Por SMS no se puede reportar: su operadora telefónica guarda su número"),
        ("en", "You cannot report by SMS: your phone operator keeps your number"),
    ],
)
async def test_the_page_says_why_nobody_reports_by_text_message(
    story: Story, language: str, why: str
) -> None:
    answer = await story.client.get(
        "/referrals/v1/line",
        params={"language": language},
        headers=bearer("anonymous", audience=AUDIENCE),
    )
    assert why in answer.text


async def test_suspicion_puts_apart_and_loses_nothing(story: Story, reporter: Reporter) -> None:
    quick = await reporter.send(form=await reporter.form(filled_in_seconds=0))
    linked = await reporter.send(text="http://a http://b http://c")
    assert (quick.status_code, linked.status_code) == (201, 201)
    assert (await story.get(TIP, "/line/reports")).json()["items"] == []
    apart = (await story.get(TIP, "/line/reports?status=suspected")).json()["items"]
    assert [item["suspected"] for item in apart] == [["too_quick"], ["many_links"]]
    assert await story.rows("SELECT 1 FROM outbox WHERE type LIKE '%line.report-received%'") == []
    reporter.receipt = quick.json()["receipt"]
    assert (await reporter.do("open")).json()["status"] == "new"
    await story.made(TIP, f"/line/reports/{apart[0]['id']}/not-spam", {})
    await story.made(TIP, f"/line/reports/{apart[1]['id']}/spam", {})
    assert len((await story.get(TIP, "/line/reports")).json()["items"]) == 1
    assert (
        len(await story.rows("SELECT 1 FROM outbox WHERE type LIKE '%line.report-received%'")) == 1
    )


@pytest.mark.parametrize("apart", ["suspected", "spam"])
async def test_whoever_comes_back_and_writes_is_no_machine(
    story: Story, reporter: Reporter, apart: str
) -> None:
    sent = await reporter.send(form=await reporter.form(filled_in_seconds=0))
    reporter.receipt = sent.json()["receipt"]
    (report,) = (await story.get(TIP, "/line/reports?status=suspected")).json()["items"]
    if apart == "spam":
        await story.made(TIP, f"/line/reports/{report['id']}/spam", {})
    assert (await story.get(TIP, "/line/reports")).json()["items"] == []
    assert (await reporter.do("messages", text="Ahora son ocho, y hay niños.")).status_code == 200
    seen = (await story.get(TIP, "/line/reports")).json()["items"]
    assert [(each["id"], each["messages"]) for each in seen] == [(report["id"], 2)]


async def test_a_form_that_lacked_something_is_no_quicker_when_it_is_sent_again(
    story: Story, reporter: Reporter
) -> None:
    """A person who only has to choose a topic can do so quickly, so no minimum time applies."""
    fields = {"form": await reporter.form(), "text": TEXT}
    page = "/referrals/v1/line"
    sender = bearer("anonymous", audience=AUDIENCE)
    lacking = await story.client.post(page, data=fields, headers=sender)
    assert lacking.status_code == 422
    (form,) = re.findall(r'name="form" value="([^"]+)"', lacking.text)
    whole = {**fields, "form": form, "kind": "trafficking"}
    assert (await story.client.post(page, data=whole, headers=sender)).status_code == 200
    assert len((await story.get(TIP, "/line/reports")).json()["items"]) == 1


async def test_the_event_says_a_kind_and_a_state_and_no_more(
    story: Story, reporter: Reporter
) -> None:
    await reporter.report()
    event = (await story.rows("SELECT * FROM outbox WHERE type LIKE '%line.report-received%'"))[0]
    assert "finca" not in str(event)
    assert reporter.receipt not in str(event)
    data = event.payload.get("data", event.payload)
    assert (data["kind"], data["area"]) == ("trafficking", "VE23")


def test_the_texts_of_both_languages_are_the_same_set() -> None:
    import referrals.listening.line

    folder = Path(referrals.listening.line.__file__).parent
    texts = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
    assert set(texts["es"]) == set(texts["en"])
    assert all(text.strip() for language in texts.values() for text in language.values())
