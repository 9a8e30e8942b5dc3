"""The copy of a case for the person herself, in her language, as a page to print and as a PDF."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from common.words.choices import words
from common.words.languages import LANGUAGES

from console import record_views
from console.answers import together
from console.cases import views
from console.codes import Codes
from console.screens.papers import Paper, Part, printed
from console.screens.routing import Screens
from console.screens.visit import Download, Page, Visit, shown
from console.texts import wording

screens = Screens()
_MOST = 200
_STAYING = {code for code, row in words("entry_kinds").items() if row["stays"]}
"""A supervisor's comment is about the work of a colleague."""


@screens.page("/cases/{case_id:uuid}/copy", query=("language",))
async def copy(visit: Visit) -> Page:
    return Page("cases/templates/copy.html", "title.case", await _kept(visit))


@screens.file("/cases/{case_id:uuid}/copy.pdf", query=("language",))
async def copy_file(visit: Visit) -> Download:
    found = await _kept(visit)
    say, reference = found["say_to_her"], found["case"]["reference"]
    paper = Paper(
        found["her_language"],
        say("copy.heading"),
        found["by"],
        [
            Part("", facts=[(fact.label, fact.value) for fact in found["facts"]]),
            *(
                Part(say(f"copy.part.{part}"), lines=lines)
                for part, lines in found["kept"].items()
                if lines
            ),
        ],
        say("paper.page"),
        " ".join(filter(None, (found["more"], say("copy.rights")))),
    )
    return await printed(paper, f"{reference}.pdf")


async def _kept(visit: Visit) -> Mapping[str, Any]:
    """Return everything stored about the person as text, without the pictures. Each view is audited. Raise NotShown if
    a part is missing."""
    asked = visit.asked("language")
    language = asked if asked in LANGUAGES else visit.language
    say, codes = wording(language), Codes(language)
    moments = replace(visit.moments, language=language)
    case_id, path = visit.ids["case_id"], f"/referrals/v1/cases/{visit.ids['case_id']}"
    one, plan, consents, referrals = await together(
        visit.calls.get(path),
        visit.calls.get(f"{path}/plan"),
        visit.calls.get("/referrals/v1/consents", case_id=case_id, limit=_MOST),
        visit.calls.get("/referrals/v1/referrals", case_id=case_id, limit=_MOST),
    )
    case = shown(one)
    for each in (plan, consents, referrals):
        shown(each)
    services = {each["service_id"] for each in (*consents.items, *referrals.items)} - {None}
    entries, named = await together(
        visit.calls.get(f"{path}/entries", limit=_MOST),
        visit.calls.post("/directory/v1/names", {"service_id": sorted(services)}),
    )
    names = {each["id"]: each["name"] for each in shown(named)["services"]}

    def line(at: str | None, *parts: str) -> str:
        return " · ".join(filter(None, (moments.day(at), *parts)))

    kept: dict[str, list[Any]] = {
        "needs": [
            line(None, need.what, need.status, need.objective)
            for need in views.needs(plan.body, say, codes, moments)
        ],
        "consents": [
            line(
                grant["given_at"],
                codes.need(grant["purpose"]),
                names.get(grant["service_id"], ""),
                ", ".join(say(f"item.{item}") for item in grant["items"]),
                say.known(f"consent.status.{grant['status']}", "consent.status.other"),
            )
            for grant in consents.items
        ],
        "referrals": [
            line(
                each["sent_at"],
                codes.need(each["category"]),
                names.get(each["service_id"], ""),
                say.known(f"state.{each['state']}", "state.other"),
            )
            for each in referrals.items
        ],
        "entries": [
            line(
                each["created_at"],
                entry.kind,
                entry.due and say("record.due", day=entry.due).removesuffix("."),
                *(f"{label}: {value}" for label, value in entry.facts),
                entry.text,
            )
            for each in shown(entries)["items"]
            if each["kind"] not in _STAYING and not each["taken_back_at"]
            for entry in [record_views.one(each, path, say, codes, moments, {})]
        ],
    }
    more = any(each.body["next_cursor"] for each in (consents, referrals, entries))
    return {
        "case": case,
        "say_to_her": say,
        "her_language": language,
        "by": say(
            "copy.by",
            organisation=visit.visitor.organisation_name,
            day=moments.day(moments.today),
            code=case["reference"],
        ),
        "facts": [
            *views.identity(case, say, codes, moments),
            *views.summary(case, None, say, codes, moments),
        ],
        "kept": kept,
        "more": say("copy.more") if more else "",
    }
