"""Pages while part of the API fails, or after another person changed the data. They never claim that nothing exists or
that somebody withdrew, and no form deletes data that it did not show."""

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from console.app import SCREENS
from console.code_lists import _KEPT
from console.intake import mapping
from console.texts import wording
from starlette.routing import Route

from tests.services.console.answered import AWAY, SOMEBODY, Console, console
from tests.support.reference import ROOT

EN = wording("en")
PAGE = "0190a000-0000-7000-8000-00000000bbbb"
CASE, REFERRAL = f"/referrals/v1/cases/{PAGE}", f"/referrals/v1/referrals/{PAGE}"
TEMPLATES = (ROOT / "services/console/src/console").rglob("templates/*.html")
NONE = {
    key
    for template in TEMPLATES
    for key in re.findall(r'nothing\("([a-z_.]+)"\)', template.read_text(encoding="utf-8"))
}
# Texts about a whole list, and about who may read it.
NEVER = NONE | {
    "referral.unreadable",
    "referral.no_grant",
    "responsible.nobody",
    "refer.not_offered.unseen",
    "refer.not_offered.closed",
    "refer.not_offered.other_need",
}


@pytest.fixture
async def pages(tmp_path: Path) -> AsyncIterator[Console]:
    async with console(tmp_path) as opened:
        yield opened


def text_of(html: str) -> str:
    main = html.partition('<main class="govuk-main-wrapper"')[2].partition("</main>")[0]
    return unescape(re.sub(r"<[^>]+>", " ", main))


def ids_of(api: Any, path: str) -> str:
    """Return the ids in a list's first entry, for that entry's page."""
    _, body = api.of("GET", path)
    found = body if isinstance(body, list) else body["items"]
    return str(found[0]["id"])


def addresses(api: Any) -> list[str]:
    of_lists = {
        "task_id": "/referrals/v1/tasks", "assistance_id": f"{CASE}/assistance", "item_id": f"{CASE}/plan",
        "review_id": f"{CASE}/reviews", "entry_id": f"{CASE}/entries", "certificate_id": "/referrals/v1/certificates",
        "form_id": "/referrals/v1/intake/forms", "channel_id": "/referrals/v1/channels",
        "person_id": "/identity/v1/colleagues", "message_id": "/directory/v1/risk-messages/own", "programme": "/reports/v1/programmes",
    }  # fmt: skip

    said = {"key": "new", "section": "highlights"}

    def filled(part: re.Match[str]) -> str:
        name = part[1].partition(":")[0]
        return ids_of(api, of_lists[name]) if name in of_lists else said.get(name, PAGE)

    return [
        re.sub(r"{([^}]+)}", filled, route.path)
        for screens in SCREENS
        for route in screens.router.routes
        if isinstance(route, Route)
        and "GET" in (route.methods or ())
        and not re.search(r"\.(csv|pdf|xlsx)$|preview|/files/|/picture$", route.path)
    ]


async def test_no_page_says_that_there_is_nothing_where_nobody_answered(pages: Console) -> None:
    """The test makes each call of each page fail in turn. The page reports the failure and claims nothing that it
    cannot know."""
    looked, wrong = 0, []
    for path in addresses(pages.api):
        _KEPT.clear()
        pages.api.instead.clear()
        pages.api.asked.clear()
        assert (await pages.open(path)).status_code == 200, path
        for call in {call for call, _ in pages.api.asked if call.startswith("GET ")}:
            _KEPT.clear()
            pages.api.instead = {call: AWAY}
            shown = await pages.open(path)
            looked += 1
            if shown.status_code == 503:
                continue
            said = text_of(shown.text)
            wrong += [f"{path} without {call}: {key}" for key in NEVER if EN(key) in said]
            if shown.status_code != 200 or "part-away" not in shown.text:
                wrong.append(f"{path} without {call}: {shown.status_code}, and nothing said")
    assert wrong == []
    assert looked > 100


def has(api: Any, call: str, **changes: Any) -> None:
    """Change the API's response to this call from now on."""
    status, body = api.of(*call.split(" "))
    api.instead[call] = (status, {**body, **changes})


def boxes(html: str, name: str) -> set[str]:
    """Return the ticked boxes with this name."""
    found = re.findall(r"<input[^>]*>", html)
    ticked = (one for one in found if f'name="{name}"' in one and " checked" in one)
    return {re.search(r'value="([^"]*)"', one)[1] for one in ticked}  # type: ignore[index]


OWN, OTHER = "0190a000-0000-7000-8000-000000000001", "0190a000-0000-7000-8000-000000000009"
WITHDRAWN = (410, {"code": "consent_withdrawn", "status": 410})


@pytest.mark.parametrize(
    ("answer", "said"), [(AWAY, "referral.unread"), (WITHDRAWN, "referral.unreadable")]
)
async def test_who_received_is_told_that_the_person_withdrew_only_where_they_did(
    pages: Console, answer: Any, said: str
) -> None:
    has(
        pages.api, f"GET {REFERRAL}", to_organisation=OWN, from_organisation=OTHER, state="accepted"
    )
    pages.api.instead[f"GET {REFERRAL}/disclosure"] = answer
    shown = text_of((await pages.open(f"/console/referrals/{PAGE}")).text)
    other = {"referral.unread", "referral.unreadable"} - {said}
    assert (EN(said) in shown, [key for key in other if EN(key) in shown]) == (True, [])


EXPIRED = (410, {"code": "consent_expired", "status": 410})


async def test_who_received_reads_that_the_date_of_the_consent_is_over(pages: Console) -> None:
    has(
        pages.api, f"GET {REFERRAL}", to_organisation=OWN, from_organisation=OTHER, state="accepted"
    )
    pages.api.instead[f"GET {REFERRAL}/disclosure"] = EXPIRED
    shown = text_of((await pages.open(f"/console/referrals/{PAGE}")).text)
    assert EN("referral.consent_over_there") in shown
    assert EN("referral.unreadable") not in shown


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("status", ["active", "expired"])
async def test_the_sender_asks_again_and_the_referral_goes_on_under_the_answer(
    pages: Console, language: str, status: str
) -> None:
    say, consents = wording(language), "GET /referrals/v1/consents"
    pages.http.headers["accept-language"] = language
    _, listed = pages.api.of(*consents.split(" "))
    former = {
        **listed["items"][0], "id": PAGE, "status": status, "items": ["name", "contact"],
        "valid_until": "2026-12-24T16:00:00Z",
    }  # fmt: skip
    view = {
        "from_organisation": OWN,
        "to_organisation": OTHER,
        "state": "accepted",
        "grant_id": PAGE,
    }
    has(pages.api, f"GET {REFERRAL}", **view)
    pages.api.instead[consents] = (200, {"items": [former], "next_cursor": None})
    pages.api.instead[f"GET /referrals/v1/consents/{PAGE}"] = (200, former)
    page = f"/console/referrals/{PAGE}"
    html = (await pages.open(page)).text
    words = "referral.consent_over" if status == "expired" else "referral.consent_until"
    assert say(words, at="").split(".")[-2].strip() in text_of(html)
    assert say("renew.title") in text_of(html)
    assert boxes(html, "ask-again/items[]") == {"name", "contact"}
    pages.api.instead["POST /referrals/v1/bulk"] = (
        200,
        {
            "results": [
                {"key": "a", "status": 201, "body": {}},
                {"key": "b", "status": 200, "body": {}},
            ]
        },
    )
    typed = {
        "ask-again/items[]": "name", "ask-again/decided_by": "person", "ask-again/method": "verbal",
        "ask-again/case_id": former["case_id"],
    }  # fmt: skip
    answer = await pages.post(f"{page}/ask-again", typed)
    assert answer.headers["location"] == page
    (sent,) = (body for call, body in pages.api.asked if call == "POST /referrals/v1/bulk")
    consent, renewal = sent["commands"]
    assert consent["body"]["items"] == ["name"]
    assert consent["body"]["service_id"] == former["service_id"]
    assert renewal["path"] == f"{REFERRAL}/renew-consent"
    assert renewal["only_if"] == {"key": consent["key"], "status": "active"}
    fresh = {**former, "id": f"f{PAGE[1:]}", "status": "active"}
    view |= {"service_id": former["service_id"], "category": former["purpose"]}
    has(pages.api, f"GET {REFERRAL}", **view)
    pages.api.instead[consents] = (200, {"items": [fresh, former], "next_cursor": None})
    assert say("renew.attach") in text_of((await pages.open(page)).text)


async def test_a_question_its_answer_and_an_appointment_are_read_by_either_side(
    pages: Console,
) -> None:
    def step(command: str, detail: Any, **more: Any) -> Any:
        return {"version": 1, "command": command, "at": "2026-11-28T13:00:00Z", "organisation_id": OTHER, "by": None,
                "reason": None, "outcome": None, "detail": detail, **more}  # fmt: skip

    history = [
        step("request-information", {"question": "Which day was it?"}),
        step("answer-information", {"payload": {"situation": "Monday, after dark"}}),
        step("accept", {"focal_point": "Dra. Luz", "note": "Bring the card"}),
        step("schedule", {"appointment_at": "2026-12-01T18:30:00Z", "place": "Room 4"}),
        step("start", None),
    ]
    has(pages.api, f"GET {REFERRAL}", from_organisation=OWN, to_organisation=OTHER, state="scheduled",
        history=history)  # fmt: skip
    shown = text_of((await pages.open(f"/console/referrals/{PAGE}")).text)
    for written in (
        "Which day was it?",
        "Monday, after dark",
        "Dra. Luz",
        "Bring the card",
        "Room 4",
        "14:30",
    ):
        assert written in shown
    has(pages.api, f"GET {REFERRAL}", from_organisation=OTHER, to_organisation=OWN, history=[])
    received = text_of((await pages.open(f"/console/referrals/{PAGE}")).text)
    assert "since Monday" in received, "of the recorded disclosure"


PEOPLE, PERSON = "/identity/v1/people", f"/identity/v1/people/{PAGE}"
MESSAGES, REPORT = "/directory/v1/risk-messages", f"/referrals/v1/line/reports/{PAGE}"
TOWN = "VE2313"


@pytest.mark.parametrize(
    ("page", "call", "changes", "name", "stands"),
    [
        # This area is more precise than the form's choices; an empty value would mean everywhere.
        (f"/console/people/{PAGE}", f"GET {PERSON}", {"areas": [TOWN]}, "areas[]", TOWN),
        # The user's own organisation, and one that the directory does not list.
        (f"/console/cases/{PAGE}/implicated", f"GET {CASE}", {"implicated_organisations": [OWN]},
         "implicated/organisation_ids[]", OWN),
        (f"/console/line/{PAGE}", f"GET {REPORT}", {"implicated": [OTHER]},
         "implicated/organisation_ids[]", OTHER),
    ],
)  # fmt: skip
async def test_what_stands_and_is_not_offered_is_not_taken_away_by_sending_the_form(
    pages: Console, page: str, call: str, changes: Any, name: str, stands: str
) -> None:
    has(pages.api, call, **changes)
    assert stands in boxes((await pages.open(page)).text, name)
    pages.api.instead["GET /directory/v1/organizations"] = AWAY
    shown = await pages.open(page)
    assert shown.status_code == 503 or stands in boxes(shown.text, name)


async def test_a_message_for_one_town_is_not_for_everywhere_once_it_is_saved_again(
    pages: Console,
) -> None:
    (message,) = pages.api.of("GET", f"{MESSAGES}/own")[1]
    pages.api.instead[f"GET {MESSAGES}/own"] = (200, [{**message, "areas": [TOWN]}])
    shown = (await pages.open(f"/console/risks/{message['id']}")).text
    assert boxes(shown, "areas[]") == {TOWN}
    # The page's other form, once refused, has no place fields either.
    pages.api.instead[f"POST {MESSAGES}/{message['id']}/publish"] = (
        403, {"code": "second_person_needed", "status": 403},
    )  # fmt: skip
    again = await pages.send(f"/console/risks/{message['id']}/publish", {"version": "1"})
    assert (again.status_code, boxes(again.text, "areas[]")) == (403, {TOWN})


async def test_rights_stay_ticked_where_another_form_of_the_page_was_refused(
    pages: Console,
) -> None:
    stands = pages.api.of("GET", PERSON)[1]
    pages.api.instead[f"PATCH {PERSON}"] = (412, {"code": "stale", "status": 412})
    shown = await pages.send(f"/console/people/{PAGE}", {"active": "false", "version": "2"})
    assert shown.status_code == 412
    for name in ("roles", "scopes", "aors"):
        assert boxes(shown.text, f"{name}[]") == set(stands[name])
    # In the roles form, a cleared box stays cleared.
    sent = {"version": "2", "shown": "roles[]", "roles[]": "auditor"}
    again = (await pages.send(f"/console/people/{PAGE}", sent)).text
    assert boxes(again, "roles[]") == {"auditor"}


async def test_nobody_is_made_responsible_by_a_list_of_colleagues_that_did_not_come(
    pages: Console,
) -> None:
    has(pages.api, f"GET {CASE}", assigned_to=SOMEBODY)
    shown = (await pages.open(f"/console/cases/{PAGE}/responsible")).text
    assert f'<option value="{SOMEBODY}" selected>' in shown, "who is not in the list any more"
    assert EN("responsible.nobody") not in shown
    pages.api.instead["GET /identity/v1/colleagues"] = AWAY
    assert (await pages.open(f"/console/cases/{PAGE}/responsible")).status_code == 503


async def test_nothing_is_approved_or_published_by_whoever_was_not_shown_what_it_changes(
    pages: Console,
) -> None:
    entry, review = f"/directory/v1/records/services/{PAGE}", f"/console/entries/{PAGE}"
    has(pages.api, f"GET {entry}", state="submitted", possible_steps=["approve", "return"])
    assert f'action="{review}/approve"' in (await pages.open(review)).text
    pages.api.instead[f"GET {entry}/review"] = AWAY
    shown = (await pages.open(review)).text
    assert f'action="{review}/approve"' not in shown
    assert f'action="{review}/return"' in shown

    path, page = f"/directory/v1/pathways/{PAGE}", f"/console/pathways/{PAGE}"
    has(pages.api, f"GET {path}/draft", state="submitted", possible_steps=["publish"])
    assert f'action="{page}/publish"' in (await pages.open(page)).text
    pages.api.instead[f"GET {path}/diff"] = AWAY
    assert f'action="{page}/publish"' not in (await pages.open(page)).text


async def test_a_draft_that_did_not_come_is_not_overwritten_with_what_is_published(
    pages: Console,
) -> None:
    page = f"/console/pathways/{PAGE}"
    pages.api.instead[f"GET /directory/v1/pathways/{PAGE}/draft"] = AWAY
    sent = {"version": "3", "step": "safety", "do": "up"}
    assert (await pages.send(f"{page}/steps", sent)).status_code == 503
    assert [call for call, _ in pages.api.asked if call.startswith("PUT ")] == []


async def test_a_release_is_shown_without_its_programmes_and_decided_on_with_its_figures(
    pages: Console,
) -> None:
    page, path = f"/console/releases/{PAGE}", f"/reports/v1/releases/{PAGE}"
    has(pages.api, f"GET {path}", id=PAGE, status="draft", possible_steps=["publish"])
    pages.api.instead["GET /reports/v1/programmes"] = AWAY
    shown = await pages.open(page)
    assert (shown.status_code, f'action="{page}/publish"' in shown.text) == (200, True)
    pages.api.instead[f"GET {path}/query"] = AWAY
    assert f'action="{page}/publish"' not in (await pages.open(page)).text


@pytest.mark.parametrize("legal", [["publish"], []])
async def test_publication_is_offered_only_to_those_who_may_publish(
    pages: Console, legal: list[str]
) -> None:
    bulletin, release = f"/console/bulletins/{PAGE}", f"/console/releases/{PAGE}"
    has(
        pages.api,
        f"GET /reports/v1/bulletins/{PAGE}",
        id=PAGE,
        state="signed_off",
        possible_steps=legal,
    )
    has(
        pages.api, f"GET /reports/v1/releases/{PAGE}", id=PAGE, status="draft", possible_steps=legal
    )
    for page in (bulletin, release):
        text = (await pages.open(page)).text
        assert (f'action="{page}/publish"' in text, 'id="publisher"' in text) == (
            bool(legal),
            not legal,
        )


async def test_further_rows_of_one_list_leave_the_other_list_where_it_is(pages: Console) -> None:
    case = {"case_id": PAGE, "reference": "GG2BG-EVC8W"}
    looks = [{**case, "reasons": ["no_plan"]}]
    ending = [{**case, "closed_at": "2026-11-01T00:00:00Z", "retain_until": "2026-12-20"}]
    has(pages.api, "GET /referrals/v1/cases/retention", items=ending, next_cursor="later")
    has(pages.api, "GET /referrals/v1/assistance/supervision", items=looks, next_cursor="further")
    text = (await pages.open("/console/retention?ending=here&looks=there")).text
    assert 'href="/console/retention?ending=later&amp;looks=there"' in text
    assert 'href="/console/retention?ending=here&amp;looks=further"' in text


async def test_an_auditor_reads_names_and_codes_but_no_ids(pages: Console) -> None:
    path = "/directory/v1/records/reads"
    read = pages.api.of("GET", path)[1]["items"][0]
    known, hidden = PAGE, "0190a000-0000-7000-8000-0000000abcde"
    rows = [{**read, "service_id": each} for each in (known, hidden, None)]
    has(pages.api, f"GET {path}", items=rows)
    service = {"id": known, "name": "Clínica", "organization_id": None, "organization_name": None}
    names = {"services": [service], "organizations": []}
    pages.api.instead["POST /directory/v1/names"] = (200, names)
    shown = (await pages.open("/console/audit/reads")).text
    for identifier, name in ((known, "Clínica"), (hidden, "000ABCDE")):
        assert f'href="/console/audit/reads?service_id={identifier}">{name}</a>' in shown
    only = (await pages.open(f"/console/audit/reads?service_id={hidden}")).text
    assert f'type="hidden" name="service_id" value="{hidden}"' in only
    assert 'href="/console/audit/reads">' in only


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ((404, {"code": "not_found", "status": 404}), 404),
        ((429, {"code": "too_many_requests", "status": 429}), 503),
        ((401, {"code": "unauthenticated", "status": 401}), 401),
        (AWAY, 503),
    ],
)
async def test_what_was_typed_is_not_lost_with_the_page_that_it_was_typed_on(
    pages: Console, answer: Any, status: int
) -> None:
    pages.api.instead = {f"POST {CASE}/plan": answer, f"GET {CASE}/plan": answer}
    typed = {"add/need": "HLT", "add/objective": "A safe place before Friday"}
    shown = await pages.send(f"/console/cases/{PAGE}/plan/add", typed, key="of-the-form")
    assert shown.status_code == status
    assert "A safe place before Friday" in shown.text
    again = f'action="/console/cases/{PAGE}/plan/add"' in shown.text
    assert (again, 'value="of-the-form"' in shown.text) == (status != 404, status != 404)


async def test_a_count_of_what_was_cut_off_is_so_many_at_least_and_none_where_it_is_not_known(
    pages: Console,
) -> None:
    people = pages.api.of("GET", "/identity/v1/colleagues")[1]["items"]
    load = "GET /referrals/v1/cases/load"
    pages.api.instead[load] = (200, [{"person": people[0]["id"], "open": 1}])
    assert re.search(r">\s*1 open case<", (await pages.open("/console/team")).text)
    pages.api.instead[load] = AWAY
    assert "open case" not in text_of((await pages.open("/console/team")).text)
    assert EN("decisions.more") not in (await pages.open("/console/decisions")).text
    has(pages.api, "GET /referrals/v1/exceptions", next_cursor="more")
    assert EN("decisions.more") in (await pages.open("/console/decisions")).text


async def test_a_page_that_is_shown_again_leads_only_where_there_is_a_page(
    pages: Console,
) -> None:
    """A form in a row used to lead to an address without a page."""
    refused = (409, {"code": "conflict", "status": 409})
    for sent, call, page in (
        (f"/console/team/{PAGE}/no-shift", f"DELETE /referrals/v1/on-call/{PAGE}", "/console/team"),
        (f"/console/matches/{PAGE}/agree", f"POST /referrals/v1/matches/{PAGE}/agree", "/console/matches"),
        (f"/console/line/exceptions/{PAGE}", f"POST /referrals/v1/line/exceptions/{PAGE}/decide",
         "/console/line/exceptions"),
    ):  # fmt: skip
        pages.api.instead[call] = refused
        shown = await pages.send(sent, {})
        assert shown.status_code == 409
        assert f'href="{page}?lang=es"' in shown.text
        assert f'action="/console/team/{PAGE}/shift"' not in shown.text


async def test_all_is_well_only_where_each_part_answers(pages: Console) -> None:
    ready = {"status": "degraded", "parts": {"directory": "ok", "referrals": "unavailable"}}
    for status, well in (("degraded", False), ("ok", True)):
        pages.api.instead["GET /readyz"] = (200, {**ready, "status": status})
        shown = text_of((await pages.open("/console/state")).text)
        assert (EN("state.well") in shown, EN("state.not_well") in shown) == (well, not well)


async def test_a_list_beside_the_work_that_was_cut_off_says_so(pages: Console) -> None:
    assert EN("work.cut", what=EN("work.part.entries")) not in (await pages.open("/console")).text
    has(pages.api, "GET /directory/v1/records/services", next_cursor="more")
    assert EN("work.cut", what=EN("work.part.entries")) in (await pages.open("/console")).text


def test_a_mapping_is_written_and_read_the_same_whatever_signs_theirs_hold() -> None:
    fields, values = {"q=1": "sex", "group/age": "age"}, {"q1": {"a=b": "yes", "c: d": "no"}}
    assert mapping.read_lines(mapping.lines(fields)) == fields
    assert mapping.read_value_lines(mapping.value_lines(values)) == values
    assert mapping.read_lines("alone") == {"alone": ""}


@pytest.mark.parametrize(
    ("page", "asked"),
    [
        ("/console/clients/x%3Flimit=1", "GET /identity/v1/clients/x?limit=1"),
        ("/console/clients/x%23y", "GET /identity/v1/clients/x#y"),
        ("/console/series/a b", "GET /reports/v1/context/series/a b"),
        (f"/console/cases/{PAGE}/screen?instrument=../cases/{PAGE}", None),
    ],
)
async def test_a_name_in_an_address_leads_nowhere_but_to_its_own_place(
    pages: Console, page: str, asked: str | None
) -> None:
    """A name in an address cannot lead to another path. Otherwise a link from another person could read another record
    with the opener's rights."""
    await pages.open(page)
    others = {"GET /identity/v1/organisations", "GET /referrals/v1/instruments"}
    assert [call for call, _ in pages.api.asked if call not in others] == ([asked] if asked else [])
