"""All work that waits for somebody. Each row belongs to one list, and all rows have one order."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from common import clock
from hypothesis import given
from hypothesis import strategies as st
from referrals.ground.keys.store import CaseKeys
from referrals.ground.vocabulary.work_kinds import ROWS, WorkKind
from referrals.ground.vocabulary.work_order import RANKS, Rank, rank_of
from referrals.telling.todo.headings import Group, bounds

from tests.services.referrals.line_words import TIP, Reporter
from tests.services.referrals.screening_words import certify
from tests.services.referrals.story import SALUD, Story
from tests.services.referrals.test_every_list import CALLERS, SUPERVISOR, begin, implicated
from tests.services.referrals.test_intake import BAD_CONTENT, KOBO, form, send
from tests.services.referrals.test_scenarios import exception_body
from tests.support.principals import claims_of

CARACAS = ZoneInfo("America/Caracas")
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(  # noqa: DTZ001 -- hypothesis wants them so
    lambda moment: moment.replace(tzinfo=UTC)
)


async def work(story: Story, who: str, query: str = "", **claims: Any) -> list[dict[str, Any]]:
    """Return the rows of all pages, in order."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = await story.get(who, f"/work?{query}{cursor}", **claims)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def of_kind(items: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [item for item in items if item["kind"] == kind]


def every(_row: dict[str, Any], _own: set[str]) -> bool:
    return True


# Maps each kind of work to its list, the id that names a row, and a function that selects waiting rows.
OWN_LISTS: dict[str, tuple[str, str, Callable[[dict[str, Any], set[str]], bool]]] = {
    "referral_to_acknowledge": ("/referrals/inbox?state=sent", "referral_id", every),
    "referral_to_decide": (
        "/referrals/inbox?state=acknowledged&state=waitlisted",
        "referral_id",
        every,
    ),
    "referral_to_start": (
        "/referrals/inbox?state=accepted&state=scheduled",
        "referral_id",
        every,
    ),
    "referral_to_close": ("/referrals/inbox?state=in_service", "referral_id", every),
    "referral_on_hold": ("/referrals/inbox?state=on_hold", "referral_id", every),
    "referral_asked_back": (
        "/referrals?state=info_requested",
        "referral_id",
        every,
    ),
    "referral_draft": ("/referrals?state=draft", "referral_id", every),
    "referral_unmet": (
        "/referrals?state=declined&state=expired&unreplaced=true",
        "referral_id",
        every,
    ),
    "referral_to_confirm": ("/referrals?unconfirmed=true", "referral_id", every),
    "referral_appointment": ("/referrals?state=scheduled", "referral_id", every),
    "referral_consent_ending": ("/referrals?consent_ending=true", "referral_id", every),
    "task": (
        "/tasks?limit=500",
        "task_id",
        lambda row, _own: row["kind"] != "case_review",  # This work already counts as a review.
    ),
    "review": ("/assistance/reviews?by={week}", "review_id", every),
    "entry_due": (
        "/calendar?end={week}",
        "entry_id",
        lambda row, _own: row["kind"] != "referral",
    ),
    "transfer_offered": (
        "/transfers?limit=500",
        "transfer_id",
        lambda row, own: row["to_organisation"] in own and row["state"] == "offered",
    ),
    "match": (
        "/matches",
        "match_id",
        lambda row, _own: not row["you_agreed"] and row["status"] not in ("agreed", "ended"),
    ),
    "report_handed_over": (
        "/line/handed-over",
        "report_id",
        lambda row, _own: row["case_id"] is None,
    ),
    "consent_to_decide": ("/consents?mine_to_decide=true", "grant_id", every),
    "exception_to_decide": ("/exceptions?mine_to_decide=true", "exception_id", every),
    "case_to_look_at": ("/assistance/supervision", "case_id", every),
    "break_glass_to_decide": ("/break-glass?view=to-decide", "access_id", every),
    "certificate_ending": (
        "/certificates?expiring_within_days=60",
        "certificate_id",
        lambda row, own: row["organisation_id"] in own,
    ),
    "submission_quarantined": (
        "/intake/submissions?status=quarantined",
        "submission_id",
        every,
    ),
    "retention_ending": ("/cases/retention?within_days=30", "case_id", every),
    "line_report": ("/line/reports", "report_id", every),
    "line_exception_to_decide": (
        "/line/exceptions",
        "exception_id",
        lambda row, own: row["status"] == "pending" and row["requested_by"] not in own,
    ),
}
ONLY_FOR_SUPERVISORS = {"certificate_ending", "submission_quarantined", "retention_ending"}
"""Lists that others may read, too, who can do nothing about it."""


CHIEF: tuple[str, dict[str, Any]] = ("ngo-refugio-supervisor", {})


def test_each_kind_has_a_verb_and_a_list_of_its_own() -> None:
    assert set(ROWS) == set(OWN_LISTS)


def test_danger_to_a_person_comes_before_other_kinds_and_no_help_that_runs_is_an_emergency() -> (
    None
):
    danger = [row["danger"] for row in ROWS.values()]
    assert danger == sorted(danger, reverse=True)
    first = {kind for kind in WorkKind if rank_of(kind, "emergency") is Rank.FIRST}
    calm = {
        "referral_on_hold", "referral_to_close", "referral_to_confirm", "referral_appointment",
    }  # fmt: skip
    upkeep = {"submission_quarantined", "certificate_ending", "retention_ending"}
    assert first == set(WorkKind) - calm - upkeep
    assert set(RANKS) == {"emergency", "urgent", "routine"}


async def of_its_own_list(story: Story, kind: str, who: str, claims: dict[str, Any]) -> set[str]:
    path, name, waits = OWN_LISTS[kind]
    whole = claims_of(who, **claims)
    if kind in ONLY_FOR_SUPERVISORS and "supervisor" not in str(whole["roles"]):
        return set()
    week = clock.today() + timedelta(days=7)
    answer = await story.get(who, path.format(week=week), **claims)
    if answer.status_code == 403:
        return set()
    assert answer.status_code == 200, answer.text
    body = answer.json()
    own = {str(whole["org"]), str(whole["sub"])}
    rows = body["items"] if isinstance(body, dict) else body
    return {str(row.get("id") or row[name]) for row in rows if waits(row, own)}


@pytest.mark.slow
@pytest.mark.parametrize("marked", [False, True])
async def test_each_row_is_one_of_its_own_list_and_each_of_those_is_a_row(
    story: Story, case_keys: CaseKeys, marked: bool
) -> None:
    it = await begin(story, case_keys)
    await everything_else(story)
    if marked:
        await implicated(it)
    seen: Counter[str] = Counter()
    for who, claims in [*CALLERS.values(), CHIEF]:
        answer = await story.get(who, "/work?limit=500", **claims)
        if answer.status_code == 403:
            continue
        items = answer.json()["items"]
        for kind, (_path, name, _waits) in OWN_LISTS.items():
            listed = [item["ids"][name] for item in of_kind(items, kind)]
            assert len(listed) == len(set(listed))
            assert set(listed) == await of_its_own_list(story, kind, who, claims), (kind, who)
            seen[kind] += len(listed)
    unseen = {kind for kind in OWN_LISTS if not seen[kind]}
    assert unseen == ({"match", "referral_draft"} if marked else set())


async def test_the_load_says_how_much_of_each_kind_each_person_has_and_since_when(
    story: Story,
) -> None:
    service_id, before = await story.service(), clock.now()
    taken, waits = [
        (await story.sent(service_id=service_id, urgency="emergency"))["id"] for _ in range(2)
    ]
    await story.made("ngo-salud", f"/referrals/{taken}/acknowledge", {})

    async def load(kind: str) -> dict[str, Any]:
        rows = (await story.get("ngo-salud", f"/work/load?kind={kind}")).json()
        (row,) = rows
        return dict(row)

    row = await load("referral_to_acknowledge")
    assert (row["person"], row["count"], row["overdue"]) == (None, 1, 0)
    assert before <= datetime.fromisoformat(row["oldest"]) <= clock.now()
    row = await load("referral_to_decide")
    assert (row["person"], row["count"]) == ("ngo-salud", 1)
    with clock.shifted(timedelta(days=5)):
        assert (await load("referral_to_acknowledge"))["overdue"] == 1
    assert (await story.get("ngo-legal", "/work/load?kind=referral_to_decide")).json() == []
    assert waits not in (await story.get("ngo-salud", "/work/load")).text


STEPS: dict[str, dict[str, Any]] = {
    "acknowledge": {},
    "request-information": {"question": "?"},
    "accept": {"focal_point": "x"},
    "schedule": {"appointment_at": "2099-01-01T10:00:00Z"},
    "start": {},
    "hold": {"reason": "other", "review_on": "2099-01-01"},
    "complete": {"outcome": "delivered"},
    "decline": {"reason": "capacity"},
}


async def everything_else(story: Story) -> None:
    """Create a referral in each state that needs an action, and the other kinds of work."""
    service_id = await story.service()
    for way in (
        (),
        ("acknowledge",),
        ("acknowledge", "request-information"),
        ("accept",),
        ("accept", "schedule"),
        ("accept", "start"),
        ("accept", "hold"),
        ("accept", "complete"),
        ("decline",),
    ):
        referral = await story.sent(service_id=service_id)
        for step in way:
            await story.made("ngo-salud", f"/referrals/{referral['id']}/{step}", STEPS[step])
    tomorrow = (clock.now() + timedelta(days=1)).isoformat()
    await story.sent(service_id=service_id, consent={"valid_until": tomorrow})
    case = (await story.case())["id"]
    consent = {"case_id": case, "kind": "transfer", "method": "signed"}
    legal = claims_of("ngo-legal")["org"]
    grant = await story.made(
        "ngo-refugio", "/consents", {**consent, "recipient_organisation_id": legal}
    )
    offer = {"case_id": case, "to_organisation": legal, "grant_id": grant["id"]}
    await story.made("ngo-refugio", "/transfers", offer)
    read = await story.accepted(service_id=service_id)
    assert (await story.get("ngo-salud", f"/referrals/{read['id']}/disclosure")).status_code == 200
    await story.made("ngo-refugio", f"/referrals/{read['id']}/withdraw", {})
    review = {"due_on": str(clock.today() + timedelta(days=2))}
    await story.made("ngo-refugio", f"/cases/{read['case_id']}/reviews", review)
    follow_up = {"kind": "follow_up", **review}
    await story.made("ngo-refugio", f"/cases/{read['case_id']}/entries", follow_up)
    planned = (await story.case())["id"]
    await story.made("ngo-refugio", f"/cases/{planned}/plan", {"need": "HLT"})
    child = (await story.child(13))["id"]
    grant = story.consent_body(child, service_id, decided_by="caregiver", child_assent="dissents")
    await story.made("ngo-refugio", "/consents", grant)
    await story.made("ngo-refugio", "/exceptions", exception_body(planned, service_id))
    await Reporter(story).report(text="Otra casa, otra calle.", urgent=True)
    asking = {
        "case_reference": (await story.case())["reference"],
        "reason": "missing since tonight",
    }
    await story.made("cp-coordinator", "/break-glass", asking)
    await certify(story, valid_until=str(clock.today() + timedelta(days=20)))
    report = await Reporter(story).report()
    body = {"organisation_id": str(SALUD), "basis": "vital_interest", "rationale": "está retenido"}
    await story.made(TIP, f"/line/reports/{report['id']}/exceptions", body)
    kept = await send(story, await form(story), {**KOBO, "_uuid": "bad", **BAD_CONTENT[0][0]})
    assert kept.json()["status"] == "quarantined"
    closed = (await story.case())["id"]
    await story.made("ngo-refugio", f"/cases/{closed}/close", {"reason": "needs_met"})
    await story.rows(
        f"UPDATE cases SET retain_until = CURRENT_DATE + 3 WHERE id = '{closed}' RETURNING id"
    )


async def test_work_is_in_one_order_over_all_pages(story: Story) -> None:
    await everything_else(story)
    for who in ("ngo-refugio", "ngo-salud", "ngo-refugio-supervisor", "tip-coordinator"):
        whole = (await story.get(who, "/work?limit=500")).json()["items"]
        places = [(list(Rank).index(Rank(item["rank"])), item["due"]) for item in whole]
        assert places == sorted(places)
        for limit in (1, 3, 7):
            assert await work(story, who, f"limit={limit}") == whole


async def test_an_emergency_comes_before_what_is_overdue_and_nothing_lacks_a_deadline(
    story: Story,
) -> None:
    service = await story.service()
    late = await story.accepted(service_id=service, urgency="routine")
    await story.rows(
        f"UPDATE referrals SET act_by = now() - interval '9 days' WHERE id = '{late['id']}' RETURNING id"
    )
    declined = await story.sent(service_id=service, urgency="emergency")
    await story.made("ngo-salud", f"/referrals/{declined['id']}/decline", {"reason": "capacity"})
    case = (await story.child(15))["id"]
    draft = await story.draft(case, service, urgency="emergency", from_case=["name"])
    asked = story.consent_body(case, service, decided_by="best_interest", child_assent="agrees")
    grant = await story.made("ngo-refugio", "/consents", asked)
    asking = {
        "case_reference": (await story.case())["reference"],
        "reason": "she is in danger tonight",
    }
    access = await story.made("cp-coordinator", "/break-glass", asking)
    items = await work(story, "ngo-refugio-supervisor")
    first = [item for item in items if item["rank"] == "first"]
    assert items[: len(first)] == first
    waits = {next(iter(item["ids"].values())) for item in first}
    assert waits >= {declined["id"], draft["id"], grant["id"], access["id"]}
    assert all(item["due"] and item["group"] in ("overdue", "today") for item in first)
    assert [item["kind"] for item in items if item["due"] is None] == []
    theirs = await work(story, "ngo-salud")
    assert [item["group"] for item in theirs if item["ids"]["referral_id"] == late["id"]] == [
        "overdue"
    ]
    new = await story.sent(service_id=service, urgency="emergency")
    theirs = await work(story, "ngo-salud")
    assert theirs[0]["ids"]["referral_id"] == new["id"], "it has an hour left; the other is overdue"


async def test_filters_leave_what_they_name_and_the_count_says_the_same(story: Story) -> None:
    await everything_else(story)
    who = "ngo-refugio"
    whole = await work(story, who, "limit=500")
    for query, keep in (
        ("kind=referral_draft&kind=task", lambda item: item["kind"] in ("referral_draft", "task")),
        ("urgency=urgent", lambda item: item["urgency"] == "urgent"),
        ("urgency=routine", lambda item: item["urgency"] == "routine"),
        ("aor=GP&aor=MULTI&aor=GBV", lambda item: item["aor"] in ("GP", "MULTI", "GBV")),
    ):
        kept = [item for item in whole if keep(item)]
        assert await work(story, who, query) == kept, query
        count = (await story.get(who, f"/work/count?{query}")).json()
        assert sum(count["by_group"].values()) == sum(count["by_kind"].values()) == len(kept)
        assert count["now"] == sum(item["group"] in ("overdue", "today") for item in kept)


async def test_mine_is_what_i_have_and_what_nobody_has_that_i_may_take(story: Story) -> None:
    service_id = await story.service()
    new, taken = [(await story.sent(service_id=service_id))["id"] for _ in range(2)]
    ana: dict[str, Any] = {"sub": "ana", "client_id": "ana"}
    luis: dict[str, Any] = {"sub": "luis", "client_id": "luis"}
    await story.made("ngo-salud", f"/referrals/{taken}/acknowledge", {}, **ana)

    async def ids(of: str, claims: dict[str, Any]) -> set[str]:
        items = await work(story, "ngo-salud", f"of={of}", **claims)
        return {item["ids"]["referral_id"] for item in items}

    assert await ids("mine", ana) == {new, taken}
    assert await ids("mine", luis) == {new}
    assert await ids("team", luis) == await ids("organisation", luis) == {new, taken}
    path, chief = f"/services/{service_id}/team", "ngo-salud-supervisor"
    assert (await story.call(chief, "PUT", path, {"clients": ["ana"]})).status_code == 200
    assert await ids("organisation", luis) == set(), "another team's queue is nobody else's"
    assert await ids("mine", ana) == {new, taken}
    supervisor: dict[str, Any] = {"sub": "eva", "client_id": "eva", **SUPERVISOR}
    assert await ids("organisation", supervisor) == {new, taken}
    assert await ids("team", supervisor) == await ids("mine", supervisor) == set()


async def test_a_draft_is_of_whoever_has_the_case(story: Story) -> None:
    ana: dict[str, Any] = {"sub": "ana", "client_id": "ana"}
    luis: dict[str, Any] = {"sub": "luis", "client_id": "luis"}
    case = await story.made("ngo-refugio", "/cases", {"area": "VE2313"}, **ana)
    await story.draft(case["id"], await story.service(), from_case=[], payload={})
    assert len(await work(story, "ngo-refugio", "of=mine", **ana)) == 1
    assert await work(story, "ngo-refugio", "of=mine", **luis) == []
    assert len(await work(story, "ngo-refugio", "of=team", **luis)) == 1, "nobody is in a team"


async def test_a_team_has_the_reviews_of_each_case_that_somebody_else_of_it_has(
    story: Story,
) -> None:
    """The test uses two reviews, because a subquery without the outer condition would find exactly one."""
    eva: dict[str, Any] = {"sub": "eva", "client_id": "eva", "roles": ["supervisor"]}
    for _ in range(2):
        path = f"/cases/{(await story.case())['id']}/reviews"
        await story.made("ngo-refugio", path, {"due_on": clock.today().isoformat()})
    assert len(await work(story, "ngo-refugio", "of=team", **eva)) == 2
    assert await work(story, "ngo-refugio", "of=mine", **eva) == []


async def test_who_reads_no_cases_is_shown_no_work_of_theirs(story: Story) -> None:
    await everything_else(story)
    assert await work(story, "auditor") == []
    assert (await story.get("health-cluster", "/work")).status_code == 403


def test_what_has_no_deadline_stands_last_under_its_own_heading() -> None:
    for by_day in (False, True):
        assert bounds(clock.now(), by_day=by_day).group(None) is Group.NO_DEADLINE


@given(MOMENTS, st.timedeltas(timedelta(days=-9), timedelta(days=9)))
def test_a_moment_is_overdue_once_it_has_passed_and_of_today_until_the_night_ends(
    now: datetime, ahead: timedelta
) -> None:
    due = now + ahead
    days = (due.astimezone(CARACAS).date() - now.astimezone(CARACAS).date()).days
    expected = (
        Group.OVERDUE
        if due < now
        else Group.TODAY
        if days == 0 or ahead < timedelta(hours=6)
        else Group.WEEK
        if days < 7
        else Group.LATER
    )
    assert bounds(now, by_day=False).group(due) is expected


@given(MOMENTS, st.integers(-9, 9))
def test_a_day_is_overdue_when_it_has_ended_and_not_when_it_begins(
    now: datetime, ahead: int
) -> None:
    """In the home time zone it may still be yesterday, and a task due that day is not overdue yet."""
    at_home = now.astimezone(CARACAS).date()
    day = at_home + timedelta(days=ahead)
    begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
    group = bounds(now, by_day=True).group(begins)
    assert (group is Group.OVERDUE) == (ahead < 0)
    assert (group is Group.TODAY) == (ahead == 0)
    assert (group is Group.WEEK) == (0 < ahead < 7)


async def test_the_caseworker_is_told_of_a_withdrawal_that_somebody_else_recorded(
    story: Story,
) -> None:
    by_code, by_recipient, by_us = [await story.sent() for _ in range(3)]
    grant = f"/consents/{by_code['grant_id']}"
    code = (await story.made("ngo-refugio", f"{grant}/withdrawal-code", {}))["withdrawal_code"]
    anonymous = await story.post("anonymous", "/withdrawals", {"code": code})
    assert anonymous.status_code == 200, anonymous.text
    await story.made("ngo-salud", f"/referrals/{by_recipient['id']}/withdraw", {"method": "phone"})
    await story.made("ngo-refugio", f"/referrals/{by_us['id']}/withdraw", {"method": "phone"})
    told = [i for i in await work(story, "ngo-refugio") if i["about"] == "person_withdrew"]
    assert {i["ids"]["referral_id"] for i in told} == {by_code["id"], by_recipient["id"]}
    assert {i["group"] for i in told} == {"today"}
    await story.made("ngo-refugio", f"/tasks/{told[0]['ids']['task_id']}/done", {})
    left = [i for i in await work(story, "ngo-refugio") if i["about"] == "person_withdrew"]
    assert left == told[1:]


async def test_the_list_of_one_person_has_what_the_load_counts_for_them(story: Story) -> None:
    service_id = await story.service()
    taken, _ = [(await story.sent(service_id=service_id))["id"] for _ in range(2)]
    await story.made("ngo-salud", f"/referrals/{taken}/acknowledge", {})
    load = (await story.get("ngo-salud", "/work/load")).json()
    theirs = sum(row["count"] for row in load if row["person"] == "ngo-salud")
    listed = (await story.get("ngo-salud", "/work?person=ngo-salud")).json()["items"]
    assert taken in {row["ids"].get("referral_id") for row in listed}
    assert len(listed) == theirs
    assert (await story.get("ngo-salud", "/work?person=nobody.else")).json()["items"] == []
