"""The case plan on one page; the result of a need and each review have their own pages."""

import asyncio
from collections.abc import Mapping
from typing import Any

from console.answers import together
from console.care import commands
from console.code_lists import assistance_codes
from console.codes import Codes
from console.screens.routing import Screens
from console.screens.visit import Page, Visit, one_of, shown

screens = Screens()
_CASE = "/referrals/v1/cases"
_PLAN = "/cases/{case_id:uuid}/plan"
_NEED = "/cases/{case_id:uuid}/needs/{item_id:uuid}"
_REVIEW = "/cases/{case_id:uuid}/reviews/{review_id:uuid}"
_EDITED = ("objective", "planned_end")
_EDIT_NAMES = tuple(f"edit/{name}" for name in _EDITED)
_BACK = "/console/cases/{case_id}/plan"


@screens.page(_PLAN)
async def plan(visit: Visit) -> Page:
    there = f"{_CASE}/{visit.ids['case_id']}"
    (needs, suggested, given, reviews), lists = await asyncio.gather(
        together(
            visit.calls.get(f"{there}/plan"),
            visit.calls.get(f"{there}/plan/suggestions"),
            visit.calls.get(f"{there}/assistance"),
            visit.calls.get(f"{there}/reviews"),
        ),
        assistance_codes(visit.calls, visit.language),
    )
    listed = shown(needs)
    kinds, bands = lists.get("support_type", {}), lists.get("amount_band", {})
    codes, say, moments = Codes(visit.language), visit.say, visit.moments
    return Page(
        "care/templates/plan.html",
        "title.plan",
        {
            "commands_of": commands,
            "case_id": visit.ids["case_id"],
            "needs": [_need(one, visit) for one in listed],
            "suggested": [
                {
                    **one,
                    "words": codes.need(one["need"]),
                    "kind": kinds.get(one["support_type"], ""),
                    "number": number,
                }
                for number, one in enumerate(suggested.items)
            ],
            "given": [
                {
                    "id": one["id"],
                    "what": kinds.get(one["support_type"], one["support_type"]),
                    "day": moments.day(one["given_on"]),
                    "more": bands.get(one["amount_band"] or "", ""),
                    "note": one["note"] or "",
                    "wrong": one["entered_in_error_at"] is not None,
                }
                for one in given.items
            ],
            "reviews": [
                {
                    "id": one["id"],
                    "day": moments.day(one["due_on"]),
                    "done": moments.day(one["done_on"]),
                    "outcome": say.code("done", one["outcome"]) if one["outcome"] else "",
                }
                for one in reviews.items
            ],
            "options": {
                "need": codes.needs(),
                "support_type": list(kinds.items()),
                "amount_band": list(bands.items()),
                "plan_item_id": [(one["id"], codes.need(one["need"])) for one in listed],
            },
            "today": moments.today,
            "away": [
                say(f"plan.part.{name}")
                for name, answer in (
                    ("suggested", suggested),
                    ("given", given),
                    ("reviews", reviews),
                )
                if not answer.ok
            ],
            "may_write": visit.visitor.may("referrals:write"),
        },
    )


def _need(one: Mapping[str, Any], visit: Visit) -> Mapping[str, Any]:
    return {
        **one,
        "words": Codes(visit.language).need(one["need"]),
        "state": visit.say.code("status", one["status"]),
        "end": visit.moments.day(one["planned_end"]),
    }


for each in (commands.ADD, commands.SUGGESTED, commands.GIVEN, commands.REVIEW):
    screens.command(_PLAN, each, show=plan, to=_BACK)


@screens.page("/cases/{case_id:uuid}/assistance/{assistance_id:uuid}")
async def given(visit: Visit) -> Page:
    """Ask for confirmation, because the statistics count this record."""
    there = f"{_CASE}/{visit.ids['case_id']}/assistance"
    listed, lists = await asyncio.gather(
        visit.calls.get(there), assistance_codes(visit.calls, visit.language)
    )
    one = one_of(listed, visit.ids["assistance_id"])
    kinds = lists.get("support_type", {})
    return Page(
        "care/templates/given.html",
        "title.given",
        {
            "command": commands.IN_ERROR,
            "what": kinds.get(one["support_type"], one["support_type"]),
            "day": visit.moments.day(one["given_on"]),
            "wrong": one["entered_in_error_at"] is not None,
            "case_id": visit.ids["case_id"],
        },
    )


screens.command(
    "/cases/{case_id:uuid}/assistance/{assistance_id:uuid}",
    commands.IN_ERROR,
    show=given,
    to=_BACK,
)


@screens.page(_NEED)
async def need(visit: Visit) -> Page:
    there = f"{_CASE}/{visit.ids['case_id']}/plan"
    one = one_of(await visit.calls.get(there), visit.ids["item_id"])
    return Page(
        "care/templates/need.html",
        "title.need",
        {
            "need": _need(one, visit),
            "command": commands.STATUS,
            "edit": commands.EDIT,
            "edited": {
                "expected_version": str(one["version"]),
                "objective": one["objective"],
                "planned_end": one["planned_end"],
            },
            "case_id": visit.ids["case_id"],
        },
        versions=visit.beside({f"edit/{name}": one[name] for name in _EDITED}, _EDIT_NAMES),
    )


screens.command(_NEED, commands.EDIT, show=need, to=_BACK)
screens.command(_NEED, commands.STATUS, show=need, to=_BACK)


@screens.page(_REVIEW)
async def review(visit: Visit) -> Page:
    there = f"{_CASE}/{visit.ids['case_id']}/reviews"
    one = one_of(await visit.calls.get(there), visit.ids["review_id"])
    return Page(
        "care/templates/review.html",
        "title.review",
        {
            "day": visit.moments.day(one["due_on"]),
            "done": visit.moments.day(one["done_on"]),
            "command": commands.DONE,
            "case_id": visit.ids["case_id"],
        },
    )


screens.command(_REVIEW, commands.DONE, show=review, to=_BACK)
