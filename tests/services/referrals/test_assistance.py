"""The assistance record: plan, services given, reviews, route, timeline, supervision and HTCDS."""

import json
from datetime import timedelta
from typing import Any

import pytest
from common import clock
from common.events.directory import PathwayPublished
from common.ids import new_id
from common.words.codelists import categories
from httpx import Response
from referrals.screening.assistance import htcds
from referrals.screening.assistance.codes import codes

from tests.services.referrals.story import SALUD, Story
from tests.services.referrals.test_scenarios import exception_body
from tests.support.reference import shipped_data

NGO, SUPERVISOR = "ngo-refugio", "ngo-refugio-supervisor"


def today(days: int = 0) -> str:
    return (clock.today() + timedelta(days=days)).isoformat()


def code(response: Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


async def trafficked(story: Story, **changes: Any) -> str:
    attributes = {
        "sex": "female",
        "nationality": "VE",
        "populations": ["VOT"],
        "exploitation_types": ["SexualExploitation", "purpose.debt_bondage"],
    }
    return str((await story.case(attributes=attributes, **changes))["id"])


async def assistance_events(story: Story) -> list[dict[str, Any]]:
    rows = await story.rows(
        "SELECT payload FROM outbox WHERE type LIKE '%assistance.given%' ORDER BY occurred_at, id"
    )
    return [row.payload.get("data", row.payload) for row in rows]


async def test_a_plan_from_need_to_met(story: Story) -> None:
    case = await trafficked(story)
    need = await story.made(
        NGO, f"/cases/{case}/plan", {"need": "TIP-JUSTICE", "objective": "denuncia en fiscalía"}
    )
    assert (need["support_type"], need["status"]) == ("Legal", "planned")
    await story.made(
        NGO,
        f"/cases/{case}/assistance",
        {"support_type": "Legal", "given_on": today(-3), "plan_item_id": need["id"]},
    )
    (given,) = (await story.get(NGO, f"/cases/{case}/assistance")).json()
    assert (given["support_type"], given["plan_item_id"]) == ("Legal", need["id"])
    plan = (await story.get(NGO, f"/cases/{case}/plan")).json()
    assert [(p["status"], p["assistance_count"], p["objective"]) for p in plan] == [
        ("in_progress", 1, "denuncia en fiscalía")
    ]
    await story.made(NGO, f"/cases/{case}/plan/{need['id']}/status", {"status": "met"})
    plan = (await story.get(NGO, f"/cases/{case}/plan")).json()
    assert (plan[0]["status"], plan[0]["ended_on"]) == ("met", today())
    sealed = (await story.rows("SELECT objective FROM plan_items"))[0]
    assert "fiscalía".encode() not in bytes(sealed.objective)


async def test_needs_are_suggested_by_the_pathways_of_the_area(story: Story) -> None:
    case = await trafficked(story)
    step = {"step": "legal", "need": "TIP-JUSTICE", "alternatives": [str(new_id())]}
    await story.told(
        PathwayPublished(pathway_id=new_id(), version=1, aor="TIP", area="VE23", steps=[step])
    )
    found = (await story.get(NGO, f"/cases/{case}/plan/suggestions?aor=TIP")).json()
    assert [(s["need"], s["support_type"]) for s in found] == [("TIP-JUSTICE", "Legal")]
    await story.made(NGO, f"/cases/{case}/plan", {"need": "TIP-JUSTICE"})
    assert (await story.get(NGO, f"/cases/{case}/plan/suggestions")).json() == []


async def test_money_is_a_band_and_never_a_sum(story: Story) -> None:
    case = await trafficked(story)
    path = f"/cases/{case}/assistance"
    cash = {"support_type": "Financial", "given_on": today(), "amount_band": "50_99"}
    assert code(await story.post(NGO, path, cash)) == (422, "invalid")
    given = await story.made(NGO, path, {**cash, "modality": "cash"})
    assert given["amount_band"] == "50_99"
    exact = {**cash, "modality": "cash", "amount_band": "75.00"}
    assert (await story.post(NGO, path, exact)).json()["pointer"] == "/amount_band"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"support_type": "Magic"}, "/support_type"),
        ({"given_on": "2026-02-30"}, "/given_on"),
        ({"given_on": "1850-01-01"}, "/given_on"),
        ({"given_on": "2098-01-01"}, "/given_on"),
        ({"note": "x" * 1_000_000}, "/note"),
        ({"referral_id": "0190b000-0000-7000-8000-000000000001"}, "/referral_id"),
        ({"extra": 1}, "/extra"),
    ],
)
async def test_bad_assistance_is_refused_and_changes_nothing(
    story: Story, changes: dict[str, Any], pointer: str
) -> None:
    case = await trafficked(story)
    body = {"support_type": "Health", "given_on": today(), **changes}
    answer = await story.post(NGO, f"/cases/{case}/assistance", body)
    assert (answer.status_code, answer.json()["pointer"]) == (422, pointer)
    assert await story.rows("SELECT 1 FROM assistance") == []


async def test_a_repeated_command_records_once(story: Story) -> None:
    case = await trafficked(story)
    body = {"support_type": "Health", "given_on": today()}
    for _ in range(2):
        await story.made(NGO, f"/cases/{case}/assistance", body, key="same")
    assert len(await story.rows("SELECT 1 FROM assistance")) == 1
    assert len(await assistance_events(story)) == 1


async def test_nobody_else_sees_or_changes_the_plan(story: Story) -> None:
    case, other = await trafficked(story), await trafficked(story)
    need = await story.made(NGO, f"/cases/{case}/plan", {"need": "HLT"})
    for path in ("plan", "assistance", "reviews", "timeline", "route", "plan/suggestions"):
        assert (await story.get("ngo-salud", f"/cases/{case}/{path}")).status_code == 404, path
    wrong = await story.post(NGO, f"/cases/{other}/plan/{need['id']}/status", {"status": "met"})
    assert code(wrong) == (404, "not_found")


async def test_assistance_is_counted_only_under_a_reporting_consent(story: Story) -> None:
    case = await trafficked(story)
    path, body = f"/cases/{case}/assistance", {"support_type": "Health", "given_on": today()}
    await story.made(NGO, path, body)
    grant = {"case_id": case, "kind": "reporting", "method": "verbal"}
    await story.made(NGO, "/consents", grant)
    given = await story.made(NGO, path, {**body, "note": "consulta"})
    before, after = await assistance_events(story)
    assert before.get("attributes") is None
    assert after["attributes"]["exploitation_types"][0] == "SexualExploitation"
    assert after["area"] == "VE2313"
    assert "consulta" not in json.dumps(after)
    await story.made(NGO, f"{path}/{given['id']}/entered-in-error", {})
    last = (await assistance_events(story))[-1]
    assert (last["assistance_id"], last["version"], last.get("attributes")) == (
        given["id"],
        2,
        None,
    )


async def test_help_to_somebody_not_trafficked_is_no_trafficking_statistic(story: Story) -> None:
    case = (await story.case())["id"]
    await story.made(NGO, "/consents", {"case_id": case, "kind": "reporting", "method": "verbal"})
    await story.made(
        NGO, f"/cases/{case}/assistance", {"support_type": "Health", "given_on": today()}
    )
    assert (await assistance_events(story))[0].get("attributes") is None


async def test_the_route_is_counted_only_if_the_person_lets_it(story: Story) -> None:
    case = await trafficked(story)
    await story.made(NGO, "/consents", {"case_id": case, "kind": "reporting", "method": "verbal"})
    route = {"origin": "VE231301", "transit": ["VE20", "CO"], "destination": "TT", "modes": ["sea"]}
    for statistics in (False, True):
        answer = await story.call(
            NGO, "PUT", f"/cases/{case}/route", {**route, "statistics": statistics}
        )
        assert answer.status_code == 200, answer.text
        await story.made(
            NGO, f"/cases/{case}/assistance", {"support_type": "Legal", "given_on": today()}
        )
    silent, told = [e["attributes"] for e in await assistance_events(story)]
    assert (silent.get("origin"), silent.get("transit")) in ((None, []), (None, None))
    assert (told["origin"], told["transit"], told["destination"]) == (
        "VE2313",
        ["VE20", "CO"],
        "TT",
    )
    read = (await story.get(NGO, f"/cases/{case}/route")).json()
    assert read["transit"] == ["VE20", "CO"]
    bad = await story.call(NGO, "PUT", f"/cases/{case}/route", {"origin": "ZZ"})
    assert (bad.status_code, bad.json()["pointer"]) == (422, "/origin")


async def test_reviews_are_due_done_and_planned_again(story: Story) -> None:
    case = await trafficked(story)
    path = f"/cases/{case}/reviews"
    review = await story.made(NGO, path, {"due_on": today(7)})
    assert code(await story.post(NGO, path, {"due_on": today(9)})) == (409, "conflict")
    assert code(await story.post(NGO, path, {"due_on": today(-1)})) in (
        (409, "conflict"),
        (422, "invalid"),
    )
    tasks = (await story.get(NGO, "/tasks")).json()["items"]
    assert [(t["kind"], t["due_on"]) for t in tasks] == [("case_review", today(7))]
    assert (await story.get(NGO, "/assistance/reviews")).json()["items"] == []
    due = (await story.get(NGO, f"/assistance/reviews?by={today(7)}")).json()["items"]
    assert [r["id"] for r in due] == [review["id"]]
    done = {"outcome": "continue", "next_due_on": today(30), "note": "sigue en riesgo"}
    await story.made(NGO, f"{path}/{review['id']}/done", done)
    listed = (await story.get(NGO, path)).json()
    assert [(r["outcome"], r["note"], r["due_on"]) for r in listed] == [
        ("continue", "sigue en riesgo", today(7)), (None, None, today(30)),
    ]  # fmt: skip
    tasks = (await story.get(NGO, "/tasks")).json()["items"]
    assert [t["due_on"] for t in tasks] == [today(30)]


async def test_closing_ends_plan_and_reviews_with_the_reason(story: Story) -> None:
    case = await trafficked(story)
    await story.made(NGO, f"/cases/{case}/plan", {"need": "HLT"})
    await story.made(NGO, f"/cases/{case}/reviews", {"due_on": today(7)})
    closed = await story.made(NGO, f"/cases/{case}/close", {"reason": "moved"})
    assert closed["closure_reason"] == "moved"
    plan = (await story.get(NGO, f"/cases/{case}/plan")).json()
    assert [(p["status"], p["reason"]) for p in plan] == [("dropped", "case_closed")]
    assert (await story.get(NGO, "/tasks")).json()["items"] == []
    late = await story.post(NGO, f"/cases/{case}/plan", {"need": "HLT"})
    assert code(late) == (409, "conflict")


async def test_the_timeline_tells_what_was_done_and_not_who_read(story: Story) -> None:
    case = await trafficked(story)
    await story.get(NGO, f"/cases/{case}")
    await story.made(NGO, f"/cases/{case}/plan", {"need": "HLT"})
    await story.made(
        NGO, f"/cases/{case}/assistance", {"support_type": "Health", "given_on": today()}
    )
    told = (await story.get(NGO, f"/cases/{case}/timeline")).json()["items"]
    assert [e["action"] for e in told] == ["case.registered", "plan.need_added", "assistance.given"]


async def test_whoever_reads_the_words_of_a_case_beside_its_record_is_audited(story: Story) -> None:
    """Ruta audits each read of the case record. A plan, a note, a review or an exception reveals no less."""
    case, service = (await story.case())["id"], await story.any_service()
    given = {"support_type": "Health", "given_on": today()}
    await story.made(NGO, f"/cases/{case}/plan", {"need": "HLT"})
    await story.made(NGO, f"/cases/{case}/assistance", given)
    review = await story.made(NGO, f"/cases/{case}/reviews", {"due_on": today(1)})
    exception = (await story.made(NGO, "/exceptions", exception_body(case, service)))["id"]
    lists = [f"/cases/{case}/{each}" for each in ("plan", "assistance", "reviews")]

    async def read(*paths: str) -> list[str]:
        for path in paths:
            assert (await story.get(NGO, path)).status_code == 200, path
        entries = (await story.get(NGO, f"/audit?case_id={case}&limit=200")).json()["items"]
        return sorted(e["action"] for e in entries if e["action"].endswith("read"))

    assert await read(*lists) == [], "codes say nothing that a list of cases would not"
    await story.made(NGO, f"/cases/{case}/plan", {"need": "GBV-PSS", "objective": "salir de allí"})
    await story.made(NGO, f"/cases/{case}/assistance", {**given, "note": "con su hermana"})
    done = {"outcome": "continue", "note": "sigue en casa de su tía"}
    await story.made(NGO, f"/cases/{case}/reviews/{review['id']}/done", done)
    assert await read(*lists, f"/exceptions/{exception}") == [
        "assistance.read",
        "exception.read",
        "plan.read",
        "review.read",
    ]


async def test_supervisors_see_which_cases_need_a_look(story: Story) -> None:
    case, quiet = await trafficked(story), await trafficked(story)
    await story.made(NGO, f"/cases/{case}/plan", {"need": "HLT", "planned_end": today(3)})
    await story.made(NGO, f"/cases/{quiet}/reviews", {"due_on": today(60)})
    listed = (await story.get(SUPERVISOR, "/assistance/supervision")).json()["items"]
    assert {r["case_id"]: r["reasons"] for r in listed} == {case: ["no_review_planned"]}
    with clock.shifted(timedelta(days=31)):
        listed = (await story.get(SUPERVISOR, "/assistance/supervision")).json()["items"]
    assert {r["case_id"]: r["reasons"] for r in listed} == {
        case: ["no_review_planned", "need_overdue", "need_without_assistance", "idle"],
        quiet: ["idle"],
    }
    assert (await story.get(NGO, "/assistance/supervision")).status_code == 403
    assert (await story.get("ngo-salud-supervisor", "/assistance/supervision")).json()[
        "items"
    ] == []


async def test_erasure_leaves_codes_and_no_words(story: Story) -> None:
    case = await trafficked(story)
    await story.made(NGO, f"/cases/{case}/plan", {"need": "HLT", "objective": "x"})
    await story.made(
        NGO, f"/cases/{case}/assistance",
        {"support_type": "Health", "given_on": today(), "note": "x"},
    )  # fmt: skip
    await story.call(NGO, "PUT", f"/cases/{case}/route", {"origin": "VE23"})
    reference_code = (await story.get(NGO, f"/cases/{case}")).json()["reference"]
    await story.made(
        SUPERVISOR, f"/cases/{case}/erase", {"confirm": reference_code, "basis": "person_request"}
    )
    assert (await story.rows("SELECT objective FROM plan_items"))[0].objective is None
    assert (await story.rows("SELECT note FROM assistance"))[0].note is None
    assert await story.rows("SELECT 1 FROM case_routes") == []
    assert (await story.get(NGO, f"/cases/{case}/plan")).status_code == 200


async def test_the_plan_goes_with_the_case(story: Story) -> None:
    case = await trafficked(story)
    await story.made(NGO, f"/cases/{case}/plan", {"need": "HLT", "objective": "cirugía"})
    grant = await story.made(
        NGO, "/consents",
        {"case_id": case, "kind": "transfer", "recipient_organisation_id": str(SALUD), "method": "signed"},
    )  # fmt: skip
    transfer = await story.made(
        NGO, "/transfers",
        {"case_id": case, "to_organisation": str(SALUD), "grant_id": grant["id"]},
    )  # fmt: skip
    await story.made("ngo-salud", f"/transfers/{transfer['id']}/accept", {})
    assert (await story.get(NGO, f"/cases/{case}/plan")).status_code == 404
    plan = (await story.get("ngo-salud", f"/cases/{case}/plan")).json()
    assert [p["objective"] for p in plan] == ["cirugía"]


def picklists() -> dict[str, set[str]]:
    shipped = json.loads(shipped_data("htcds/codes.json").read_text(encoding="utf-8"))
    return {field: set(codes) for field, codes in shipped["codes"].items()}


def test_the_support_types_are_those_of_htcds() -> None:
    assert set(codes("support_type")) == picklists()["spl_Type"]
    assert {each.support_type for each in categories().values()} <= set(codes("support_type"))
    assert set(htcds.EXPLOITATION) == picklists()["vic_TypeOfExploitation"]


async def test_the_htcds_export_validates_against_its_code_lists(story: Story) -> None:
    lists = picklists()
    agreed, silent = await trafficked(story), await trafficked(story)
    closed = await trafficked(story)
    for case in (agreed, closed):
        await story.made(
            NGO, "/consents", {"case_id": case, "kind": "reporting", "method": "verbal"}
        )
        for need in ("HLT", "TIP-JUSTICE", "CVA", "EDU"):
            await story.made(NGO, f"/cases/{case}/plan", {"need": need})
        route = {"origin": "VE23", "transit": ["CO"], "destination": "VE2313", "statistics": True}
        await story.call(NGO, "PUT", f"/cases/{case}/route", route)
    await story.made(NGO, f"/cases/{agreed}/reviews", {"due_on": today(5)})
    await story.made(NGO, f"/cases/{closed}/close", {"reason": "transferred"})
    page = (await story.get(NGO, "/assistance/htcds")).json()
    assert len(page["items"]) == 2, f"{silent} did not agree to statistics"
    assert {r["cas_Status"] for r in page["items"]} == {"FollowUp", "ClosedReferred"}
    checked = 0
    for record in page["items"]:
        for each in (record, *record["support_plans"], *record["historic_trafficking_events"]):
            for name, value in each.items():
                if name in lists and value is not None:
                    for one in value if isinstance(value, list) else [value]:
                        assert one in lists[name], (name, one)
                        checked += 1
        assert len(record["historic_trafficking_events"]) == 3
        assert record["prs_Citizenship"] == ["VE"], "ISO 3166 alpha-2, as the dictionary says"
    assert checked >= 20
    assert "Yolimar" not in json.dumps(page)
    pages = (await story.get(NGO, "/assistance/htcds?limit=1")).json()
    rest = (await story.get(NGO, f"/assistance/htcds?limit=1&cursor={pages['next_cursor']}")).json()
    assert [*pages["items"], *rest["items"]] == page["items"]
