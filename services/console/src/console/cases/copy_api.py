"""The copy of a case for the person herself, in her language; the browser prints it or saves it as PDF."""

from dataclasses import replace
from typing import Any

from common.words.choices import words
from common.words.languages import LANGUAGES

from console import record_views
from console.answers import together
from console.cases import views
from console.codes import Codes
from console.screens.routing import Screens
from console.screens.visit import Page, Visit, shown
from console.texts import wording

screens = Screens()
_MOST = 200
_STAYING = {code for code, row in words("entry_kinds").items() if row["stays"]}
"""A supervisor's comment is about the work of a colleague."""


@screens.page("/cases/{case_id:uuid}/copy", query=("language",))
async def copy(visit: Visit) -> Page:
    """Show all that is kept about the person, without the pictures. Each reading is audited."""
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
    services = {each["service_id"] for each in (*consents.items, *referrals.items)} - {None}
    entries, named = await together(
        visit.calls.get(f"{path}/entries", limit=_MOST),
        visit.calls.post("/directory/v1/names", {"service_id": sorted(services)}),
    )
    names = {each["id"]: each["name"] for each in named.body["services"]} if named.ok else {}

    def line(at: str | None, *parts: str) -> str:
        return " · ".join(filter(None, (moments.day(at), *parts)))

    kept: dict[str, list[Any]] = {
        "needs": [
            line(None, need.what, need.status, need.objective)
            for need in views.needs(plan.body if plan.ok else (), say, codes, moments)
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
                *(f"{label}: {value}" for label, value in entry.facts),
                entry.text,
            )
            for each in entries.items
            if each["kind"] not in _STAYING and not each["taken_back_at"]
            for entry in [record_views.one(each, path, say, codes, moments, {})]
        ],
    }
    return Page(
        "cases/templates/copy.html",
        "title.case",
        {
            "case": case,
            "more": any(
                each.ok and each.body["next_cursor"] for each in (consents, referrals, entries)
            ),
            "say_to_her": say,
            "her_language": language,
            "today": moments.day(moments.today),
            "facts": [
                *views.identity(case, say, codes, moments),
                *views.summary(case, None, say, codes, moments),
            ],
            "kept": kept,
        },
    )
