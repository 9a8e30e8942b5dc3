"""Pages of the anonymous line: queue, threads, second-person decisions, and reports handed over."""

import asyncio
from collections.abc import Mapping
from typing import Any

from console.answers import Answer, together
from console.cases import views as cases
from console.code_lists import LINE_ANSWERS, LINE_FORM, code_list
from console.codes import SPOKEN, Areas, Codes
from console.forms import body
from console.line import commands, views
from console.listings import organisation_names, organisations
from console.screens.routing import Screens
from console.screens.visit import Elsewhere, Outcome, Page, Refused, Visit, shown

screens = Screens()
_REPORTS = "/referrals/v1/line/reports"
_HANDED = "/referrals/v1/line/handed-over"
_PAGE = "/line/{report_id:uuid}"
_HERE = "/console/line/{report_id}"
_STATUSES = ("new", "open", "handed_over", "suspected", "closed", "spam")


@screens.page("/line", query=("status", "cursor"))
async def queue(visit: Visit) -> Page:
    """Show the queue: each report's kind, waiting time and owner, but none of its text."""
    listed, form, people = await together(
        visit.calls.get(
            _REPORTS, status=visit.asked("status"), cursor=visit.asked("cursor"), limit=50
        ),
        code_list(visit.calls, LINE_FORM),
        visit.calls.get("/identity/v1/colleagues", limit=200),
    )
    found = shown(listed)
    return Page(
        "line/templates/queue.html",
        "title.line",
        {
            "reports": [_row(one, form, people, visit) for one in found["items"]],
            "more": found["next_cursor"],
            "status": visit.asked("status"),
            "statuses": _STATUSES,
        },
    )


def _kinds(form: Answer) -> Mapping[str, Mapping[str, str]]:
    kinds: Mapping[str, Mapping[str, str]] = form.body["kinds"] if form.ok else {}
    return kinds


def _row(one: Mapping[str, Any], form: Answer, people: Answer, visit: Visit) -> views.Row:
    names = {each["id"]: each["sign_in_name"] for each in people.items}
    return views.row(one, _kinds(form), names, visit.say, visit.moments)


@screens.page(_PAGE, query=("template",))
async def report(visit: Visit) -> Page:
    """Show a report. Each view is audited."""
    form, answers = await asyncio.gather(
        code_list(visit.calls, LINE_FORM), code_list(visit.calls, LINE_ANSWERS)
    )
    (one, exceptions, people), (_, listed) = await asyncio.gather(
        together(
            visit.calls.get(f"{_REPORTS}/{visit.ids['report_id']}"),
            visit.calls.get("/referrals/v1/line/exceptions", limit=100),
            visit.calls.get("/identity/v1/colleagues", limit=200),
        ),
        organisations(visit.calls, visit.visitor),
    )
    found = shown(one)
    own = [each for each in exceptions.items if each["report_id"] == found["id"]]
    approved = next((each for each in own if each["status"] == "approved"), None)
    language = "en" if found["language"] == "en" else "es"
    templates = sorted(answers.items, key=lambda each: each["kind"] != found["kind"])
    chosen = next((each for each in templates if each["code"] == visit.asked("template")), None)
    kinds = _kinds(form)
    return Page(
        "line/templates/report.html",
        "title.report",
        {
            "report": found,
            "row": _row(found, form, people, visit),
            "thread": views.thread(found, visit.say, visit.moments),
            "language_of": language,
            "templates": [(each["code"], each[language][:60]) for each in templates],
            "beginning": chosen[language] if chosen else "",
            "commands_of": commands,
            "waits": next((each for each in own if each["status"] == "pending"), None),
            "may_hand_over": views.may_hand_over(found, approved),
            "options": {
                "organisation_id": listed,
                "organisation_ids": listed,
                "kind": [(code, words[visit.language]) for code, words in kinds.items()],
                "area": Areas(visit.country).groups,
            },
            "values": {
                "organisation_ids": tuple(found["implicated"]),
                "kind": found["kind"],
                "area": found["area"],
                "exception_id": approved["id"] if approved else "",
                "organisation_id": approved["organisation_id"] if approved else "",
            },
            "handed": dict(listed).get(found["handed_to"] or "", ""),
            "suspected": [
                visit.say.known(f"line.odd.{code}", "code.other") for code in found["suspected"]
            ],
        },
    )


for each in (
    commands.ANSWER,
    commands.TAKE,
    commands.REROUTE,
    commands.IMPLICATED,
    commands.NOT_SPAM,
    commands.SPAM,
    commands.EXCEPTION,
    commands.HAND_OVER,
):
    screens.command(_PAGE, each, show=report, to=_HERE)
screens.command(_PAGE, commands.CLOSE, show=report, to="/console/line")


@screens.page("/line/exceptions")
async def exceptions(visit: Visit) -> Page:
    """Show other people's requests. The API refuses decisions on the visitor's own requests."""
    listed, people, form = await together(
        visit.calls.get("/referrals/v1/line/exceptions", limit=100),
        visit.calls.get("/identity/v1/colleagues", limit=200),
        code_list(visit.calls, LINE_FORM),
    )
    found = shown(listed)
    names = await organisation_names(
        visit.calls, {one["organisation_id"] for one in found["items"]}
    )
    return Page(
        "line/templates/exceptions.html",
        "title.line_exceptions",
        {
            "waiting": [
                _exception(one, form, people, names, visit)
                for one in found["items"]
                if one["status"] == "pending"
            ],
            "more": bool(found["next_cursor"]),
        },
        address="/console/line/exceptions",
    )


def _exception(
    one: Mapping[str, Any], form: Answer, people: Answer, names: Mapping[str, str], visit: Visit
) -> Mapping[str, Any]:
    """Return a request. Include only the report's queue facts, and only for visitors who may see them."""
    who = {each["id"]: each["sign_in_name"] for each in people.items}
    report = _row(one["report"], form, people, visit) if one["report"] else None
    said = (
        ("about", report.kind if report else ""),
        ("area", report.area if report else ""),
        ("to", names.get(one["organisation_id"], "")),
        ("by", who.get(one["requested_by"], "")),
        ("since", visit.moments.at(one["requested_at"])),
    )
    return {
        "id": one["id"],
        "basis": visit.say.code("exception", one["basis"]),
        "words": one["rationale"] or "",
        "report": report,
        "facts": [(visit.say(f"decisions.fact.{name}"), value) for name, value in said if value],
    }


@screens.form("/line/exceptions/{exception_id:uuid}", show=exceptions)
async def decide(visit: Visit) -> Outcome:
    """Record the decision that the pressed button represents."""
    answer = await visit.calls.post(
        f"/referrals/v1/line/exceptions/{visit.ids['exception_id']}/decide",
        {"approve": visit.typed.one("approve") == "true"},
        key=visit.key,
    )
    return Elsewhere("/console/line/exceptions") if answer.ok else Refused(answer)


@screens.page("/handed-over", query=("cursor",))
async def handed_over(visit: Visit) -> Page:
    listed, form = await together(
        visit.calls.get(_HANDED, cursor=visit.asked("cursor"), limit=50),
        code_list(visit.calls, LINE_FORM),
    )
    found = shown(listed)
    nobody = Answer(200, {"items": []})
    return Page(
        "line/templates/handed_over.html",
        "title.handed_over",
        {
            "reports": [_row(one, form, nobody, visit) for one in found["items"]],
            "more": found["next_cursor"],
        },
    )


@screens.page("/handed-over/{report_id:uuid}")
async def handed(visit: Visit) -> Page:
    one, form = await together(
        visit.calls.get(f"{_HANDED}/{visit.ids['report_id']}"),
        code_list(visit.calls, LINE_FORM),
    )
    found = shown(one)
    codes = Codes(visit.language)
    return Page(
        "line/templates/handed.html",
        "title.handed_over",
        {
            "report": found,
            "row": _row(found, form, Answer(200, {"items": []}), visit),
            "thread": views.thread(found, visit.say, visit.moments),
            "implicated": await organisation_names(visit.calls, found["implicated"]),
            "give_back": commands.GIVE_BACK,
            "areas": Areas(visit.country).groups,
            "sexes": [(code, visit.say(f"sex.{code}")) for code in cases.SEXES],
            "spoken": [(code, codes.spoken(code)) for code in SPOKEN],
            "may_write": visit.visitor.may("referrals:write") and not found["case_id"],
        },
        fields=cases.NEW_CASE,
        address=f"/console/handed-over/{found['id']}",
    )


@screens.form("/handed-over/{report_id:uuid}", show=handed)
async def register(visit: Visit) -> Outcome:
    """Register a case. From then on, the rules for cases and consent apply."""
    made = body(visit.typed, cases.NEW_CASE, numbers=cases.NUMBERS)
    if "area" not in made:
        made["country"] = visit.country
    answer = await visit.calls.post(f"{_HANDED}/{visit.ids['report_id']}/case", made, key=visit.key)
    return Elsewhere(f"/console/cases/{answer.body['id']}") if answer.ok else Refused(answer)


screens.command(
    "/handed-over/{report_id:uuid}",
    commands.GIVE_BACK,
    show=handed,
    to="/console/handed-over",
)
