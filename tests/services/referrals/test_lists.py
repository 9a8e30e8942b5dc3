"""No list, audit or feed shows data that a single read would refuse."""

from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from common import clock
from common.errors import NOT_FOUND, Problem
from referrals.ground.row_security import acting_as_service
from referrals.telling.todo import calendar_api
from sqlalchemy.ext.asyncio import AsyncSession

from tests.services.referrals.screening_words import begun, concluded
from tests.services.referrals.story import Story
from tests.services.referrals.test_scenarios import exception_body
from tests.services.referrals.test_stored_answers import transfer
from tests.support.principals import principal

NGO, RECIPIENT, CHIEF = "ngo-refugio", "ngo-salud", "ngo-salud-supervisor"


async def test_a_former_holder_finds_no_screening_of_the_case_in_its_lists(story: Story) -> None:
    case = (await story.case())["id"]
    screening = await concluded(story, case_id=case)
    alone = await begun(story)
    assert len((await story.get(NGO, "/screenings")).json()["items"]) == 2
    await transfer(story, case)
    assert (await story.get(NGO, f"/screenings/{screening['id']}")).status_code == 404
    for query in ("", "?status=concluded", f"?case_id={case}"):
        page = (await story.get(NGO, f"/screenings{query}")).json()
        assert screening["id"] not in {item["id"] for item in page["items"]}, query
    kept = (await story.get(NGO, "/screenings")).json()["items"]
    assert [item["id"] for item in kept] == [alone["id"]]


async def test_a_former_holder_finds_nothing_of_the_case_in_audit_feed_and_tasks(
    story: Story,
) -> None:
    referral = await story.sent()
    case = referral["case_id"]
    due = str(clock.today() + timedelta(days=9))
    await story.made(NGO, f"/cases/{case}/reviews", {"due_on": due})
    tasks = (await story.get(NGO, "/tasks")).json()["items"]
    await story.made(NGO, f"/tasks/{tasks[0]['id']}/done", {})
    lists = ("/audit?limit=200", "/feed?limit=500", "/tasks", "/tasks?done=true")
    # Both sides can read a transfer, which names the case.
    before = [(await story.get(NGO, path)).text.count(case) for path in lists]
    await transfer(story, case)
    after = [(await story.get(NGO, path)).json()["items"] for path in lists]
    named = [[i for i in items if "transfer" not in str(i)] for items in after]
    assert (before[0] > 3, before[3]) == (True, 1)
    assert [str(items).count(case) for items in named] == [0, 0, 0, 0]


async def test_a_colleague_outside_the_team_finds_the_referral_neither_in_feed_nor_in_audit(
    story: Story,
) -> None:
    service = await story.service()
    team = {"clients": ["someone-else"]}
    assert (await story.call(CHIEF, "PUT", f"/services/{service}/team", team)).status_code == 200
    referral = await story.sent(service_id=service)
    one = f"/referrals/{referral['id']}"
    await story.made(CHIEF, f"{one}/acknowledge", {})
    assert (await story.get(RECIPIENT, one)).status_code == 404
    assert await story.told_to(RECIPIENT, referral["id"]) == []
    entries = (await story.get(RECIPIENT, f"/audit?target_id={referral['id']}")).json()["items"]
    assert entries == []
    assert await story.told_to(CHIEF, referral["id"]) != []
    assert (await story.get(CHIEF, f"/audit?target_id={referral['id']}")).json()["items"] != []


async def test_a_refusal_inside_a_service_block_ends_it(story: Story) -> None:
    """Code that catches the refusal continues with the caller's rights, also in nested blocks."""
    case = (await story.case())["id"]
    stranger = principal("ngo-legal")
    seen = sa.text("SELECT count(*) FROM cases WHERE id = :case")

    async def count(session: AsyncSession) -> int:
        return int((await session.execute(seen, {"case": case})).scalar_one())

    async def refused(session: AsyncSession, depth: int) -> None:
        async with AsyncExitStack() as blocks:
            for _ in range(depth):
                await blocks.enter_async_context(acting_as_service(session))
            assert await count(session) == 1
            raise NOT_FOUND.saying("Nothing is here.")

    async with story.database.transaction(stranger) as session:
        for depth in (1, 2):
            assert await count(session) == 0, depth
            with pytest.raises(Problem):
                await refused(session, depth)
            assert await count(session) == 0, depth
        # A database error that rolls back to a savepoint keeps its message.
        with pytest.raises(sa.exc.DBAPIError, match="division by zero"):
            async with session.begin_nested(), acting_as_service(session):
                await session.execute(sa.text("SELECT 1 / 0"))
        assert await count(session) == 0
        async with acting_as_service(session):
            assert await count(session) == 1
        assert await count(session) == 0


async def test_whoever_does_not_work_with_cases_finds_nothing_of_them_in_any_list(
    story: Story,
) -> None:
    """Colleagues who coordinate, maintain information or only read find no case in any list."""
    referral = await story.sent()
    await story.made(NGO, f"/cases/{referral['case_id']}/plan", {"need": "HLT"})
    exception = exception_body(referral["case_id"], referral["service_id"])
    await story.made(NGO, "/exceptions", exception)
    lists = ("/feed?limit=500", "/audit?limit=200", "/audit/export", "/exceptions", "/work")
    for role in ("coordinator", "im", "reader"):
        who = {"sub": role, "client_id": role, "roles": [role], "scope": "referrals:read"}
        for path in lists:
            answer = await story.get(NGO, path, **who)
            assert answer.status_code == 200, (role, path)
            for thing in (referral["id"], referral["case_id"], referral["grant_id"]):
                assert thing not in answer.text, (role, path)
    for path in ("/audit?limit=200", "/audit/export", "/exceptions"):
        assert referral["case_id"] in (await story.get(NGO, path)).text, path
    assert await story.told_to(NGO, referral["id"]) != []


async def compared(story: Story, name: str) -> None:
    """Register one person in two organisations and compare both cases with consent."""
    consent = {"decided_by": "person", "method": "verbal"}
    for who in (NGO, RECIPIENT):
        identity = {"name": name, "birth_date": "1997-03-02"}
        case = (await story.case(who, identity=identity))["id"]
        answer = await story.call(who, "PUT", f"/cases/{case}/matching", consent)
        assert answer.status_code == 200, answer.text


async def test_pages_of_each_list_hold_every_row_once(story: Story) -> None:
    due = str(clock.today() + timedelta(days=3))
    cases = [(await story.case())["id"] for _ in range(3)]
    for case in cases:
        await story.made(NGO, f"/cases/{case}/plan", {"need": "HLT", "planned_end": due})
        await story.made(NGO, f"/cases/{case}/entries", {"kind": "follow_up", "due_on": due})
    supervised = await pages(story, "ngo-refugio-supervisor", "/assistance/supervision")
    assert [row["case_id"] for row in supervised] == cases
    for case in cases:
        await story.made(NGO, f"/cases/{case}/reviews", {"due_on": due})
    reviews = await pages(story, NGO, f"/assistance/reviews?by={due}")
    assert [row["case_id"] for row in reviews] == cases
    acts = await pages(story, NGO, f"/cases/{cases[0]}/timeline")
    assert [act["action"] for act in acts][:2] == ["case.registered", "plan.need_added"]
    overview = (await story.get(NGO, f"/cases/{cases[0]}/overview?limit=2")).json()
    assert overview["timeline"] == acts[-2:]
    for name in ("Yolimar Canaria Perdomo", "Marisol Canaria Quintero", "Nelly Canaria Bravo"):
        await compared(story, name)
    assert len(await pages(story, NGO, "/matches")) == 3
    for case in cases:
        await story.made(NGO, f"/cases/{case}/close", {"reason": "needs_met"})
    closed = await pages(story, NGO, "/cases/retention?within_days=3650")
    assert [row["case_id"] for row in closed] == cases


async def test_pages_of_a_search_hold_every_case_once(story: Story) -> None:
    cases = [(await story.case(identity={"name": "Ana Canaria"}))["id"] for _ in range(3)]
    found, cursor = [], ""
    while True:
        page = await story.made(NGO, f"/cases/search?limit=1{cursor}", {"name": "Ana Canaria"})
        found += [case["id"] for case in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == cases[::-1]
    audit = (await story.get("ngo-refugio-supervisor", "/audit?limit=500")).json()["items"]
    told = [each["detail"]["found"] for each in audit if each["action"] == "case.searched"]
    assert told == [1, 1, 1], "the audit counts what each page showed"


async def test_a_span_with_too_many_dates_is_refused_and_not_cut(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendar_api, "MOST_DATES", 1)
    case, due = (await story.case())["id"], str(clock.today() + timedelta(days=3))
    path, body = f"/cases/{case}/entries", {"kind": "follow_up", "due_on": due}
    await story.made(NGO, path, body)
    assert len((await story.get(NGO, "/calendar")).json()) == 1
    await story.made(NGO, path, body)
    refused = await story.get(NGO, "/calendar")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/end")
    assert "fewer days" in refused.json()["detail"]


async def pages(story: Story, who: str, path: str) -> list[dict[str, Any]]:
    """Read a list one row at a time by its `Link`, and compare it with the whole list."""
    whole = (await story.get(who, path)).json()
    asked, found = f"{path}{'&' if '?' in path else '?'}limit=1", []
    while True:
        page = await story.get(who, asked)
        found += page.json()["items"]
        if "next" not in page.links:
            break
        asked = page.links["next"]["url"].removeprefix("/referrals/v1")
    assert found == whole["items"]
    assert (len(found) > 1, whole["next_cursor"]) == (True, None)
    return found
