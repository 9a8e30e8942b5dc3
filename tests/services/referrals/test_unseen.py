"""The API refuses invisible characters that reverse a number or a name; pages and form tools drop them."""

from typing import Any

import pytest

from tests.services.referrals.line_words import TIP, Reporter
from tests.services.referrals.screening_words import SUPERVISOR
from tests.services.referrals.story import Story
from tests.services.referrals.test_bridges import PRIMERO, PRIMERO_MAPPING, case_form
from tests.services.referrals.test_intake import send

TURNED = "\u202e0055\u202c"
JOINED = "Nur\u200cjahan \u200f👩\u200d👧"
"""A name that is written with them, and a sign that is drawn with one."""


def holding(text: str) -> dict[str, Any]:
    return {"name": text, "age": 29, "contact": {"phone": "1", "safe_way": "call"}}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"identity": holding(f"Ana {TURNED}"), "area": "VE2313"}, "/identity/name"),
        (
            {"identity": {**holding("Ana"), "contact": {"phone": TURNED, "safe_way": "call"}}},
            "/identity/contact/phone",
        ),
        (
            {"identity": {**holding("Ana"), "languages": ["spa", TURNED]}},
            "/identity/languages/1",
        ),
    ],
)
async def test_what_turns_a_text_is_refused_with_its_place_and_changes_nothing(
    story: Story, body: dict[str, Any], pointer: str
) -> None:
    answer = await story.post("ngo-refugio", "/cases", body)
    assert answer.status_code == 422, answer.text
    said = answer.json()
    assert [each["pointer"] for each in said["errors"]] == [pointer]
    assert "U+202A" in said["detail"]
    assert TURNED not in answer.text
    assert await story.rows("SELECT 1 FROM cases") == []


async def test_a_payload_is_looked_at_however_deep_it_is(story: Story) -> None:
    case = await story.case()
    service = await story.any_service()
    deep = {"a": {"b": {"c": {"d": {"e": [TURNED]}}}}}
    answer = await story.post(
        "ngo-refugio",
        "/referrals",
        {
            "case_id": case["id"],
            "service_id": service,
            "category": "HLT",
            "urgency": "urgent",
            "payload": {"situation": deep},
            "safe_contact": {"rule": "contact_directly"},
        },
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/payload/situation/a/b/c/d/e/0"


async def test_what_joins_letters_stays_as_it_is_written(story: Story) -> None:
    case = await story.case(identity=holding(JOINED))
    read = (await story.get("ngo-refugio", f"/cases/{case['id']}")).json()
    assert read["identity"]["name"] == JOINED


async def test_a_record_of_another_system_comes_in_without_them(story: Story) -> None:
    form = await case_form(story, "primero", PRIMERO_MAPPING)
    answer = await send(story, form, {"data": {**PRIMERO["data"], "name": f"Ana {TURNED}"}})
    assert answer.json()["status"] == "taken", answer.text
    (case,) = (await story.get(SUPERVISOR, "/cases")).json()["items"]
    read = (await story.get(SUPERVISOR, f"/cases/{case['id']}")).json()
    assert read["identity"]["name"] == "Ana 0055"


async def test_a_report_that_is_typed_into_the_page_of_the_line_is_taken_without_them(
    story: Story,
) -> None:
    reporter = Reporter(story)
    refused = await reporter.send(text=f"llamen al {TURNED}")
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/text")
    fields = {"form": await reporter.form(), "kind": "trafficking", "area": "VE2313"}
    page = await story.form("/line", {**fields, "text": f"llamen al {TURNED}"})
    assert page.status_code == 200, page.text
    (report,) = (await story.get(TIP, "/line/reports")).json()["items"]
    read = (await story.get(TIP, f"/line/reports/{report['id']}")).json()
    assert [each["text"] for each in read["thread"]] == ["llamen al 0055"]
