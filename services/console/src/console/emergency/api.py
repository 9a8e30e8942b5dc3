"""Pages for requesting emergency access, its result, and the case while access is open."""

from collections.abc import Mapping
from typing import Any

from console.cases import views as cases
from console.codes import Codes
from console.commands import Command, Field
from console.listings import organisation_names
from console.screens.routing import Screens
from console.screens.visit import Page, Visit, shown

ASK = Command(
    "ask",
    "/referrals/v1/break-glass",
    (Field("case_reference", "text"), Field("reason", "area")),
)


screens = Screens()
_ACCESS = "/referrals/v1/break-glass"
_VIEWS = ("mine", "of-my-cases")


@screens.page("/emergency", query=("view", "cursor"))
async def emergency(visit: Visit) -> Page:
    view = visit.asked("view") or "mine"
    found = shown(await visit.calls.get(_ACCESS, view=view, cursor=visit.asked("cursor"), limit=50))
    return Page(
        "emergency/templates/emergency.html",
        "title.emergency",
        {
            "rows": [_row(one, visit) for one in found["items"]],
            "more": found["next_cursor"],
            "view": view,
            "views": _VIEWS,
            "command": ASK,
            "may_ask": visit.visitor.may("referrals:read"),
        },
    )


def _row(one: Mapping[str, Any], visit: Visit) -> Mapping[str, Any]:
    return {
        "id": one["id"],
        "open": one["status"] == "open"
        and one["expires_at"] is not None
        and visit.moments.local(one["expires_at"]) > visit.moments.now,
        "status": visit.say.known(f"access.{one['status']}", "code.other"),
        "at": visit.moments.at(one["requested_at"]),
        "until": visit.moments.at(one["expires_at"]),
        "words": one["reason"] or "",
    }


def _dangers(found: Mapping[str, Any], names: Mapping[str, str], visit: Visit) -> list[str]:
    """Describe the case's dangers: accused organisations, an absent or accused caregiver."""
    organisations = found.get("implicated_organisations", [])
    accused = ", ".join(names.get(each, each) for each in organisations)
    dangers = [visit.say("emergency.implicated", names=accused)] if accused else []
    if found.get("caregiver") in ("absent", "implicated"):
        dangers.append(visit.say(f"emergency.caregiver.{found['caregiver']}"))
    return dangers


screens.command("/emergency", ASK, show=emergency, to="/console/emergency")


@screens.page("/emergency/{access_id:uuid}")
async def access(visit: Visit) -> Page:
    """Show the case. Each view is audited and reported to the organisation that holds the case."""
    one = shown(await visit.calls.get(f"{_ACCESS}/{visit.ids['access_id']}"))
    found = shown(await visit.calls.get(f"{_ACCESS}/{visit.ids['access_id']}/case"))
    whole = {"area": None, **found}
    names = await organisation_names(visit.calls, found.get("implicated_organisations", []))
    return Page(
        "emergency/templates/access.html",
        "title.emergency",
        {
            "reference": found["reference"],
            "row": _row(one, visit),
            "dangers": _dangers(found, names, visit),
            "identity": cases.identity(whole, visit.say, Codes(visit.language), visit.moments),
        },
    )
