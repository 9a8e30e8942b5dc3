"""Possible duplicates. The API reveals the other organisation only when both people agree."""

from console.commands import Command
from console.listings import organisation_names
from console.referral_views import short_code
from console.screens.routing import Screens
from console.screens.visit import Page, Visit, shown

screens = Screens()
_AGREE = Command("agree", "/referrals/v1/matches/{match_id}/agree")
_REFUSE = Command("refuse", "/referrals/v1/matches/{match_id}/refuse")


@screens.page("/matches", query=("cursor",))
async def matches(visit: Visit) -> Page:
    listed = shown(await visit.calls.get("/referrals/v1/matches", cursor=visit.asked("cursor")))
    found = listed["items"]
    names = await organisation_names(
        visit.calls,
        {one["other_organisation"] for one in found if one["other_organisation"]},
    )
    return Page(
        "matches/templates/matches.html",
        "title.matches",
        {
            "matches": [
                {
                    "id": one["id"],
                    "case": one["case_id"],
                    "code": short_code(one["case_id"]),
                    "at": visit.moments.day(one["created_at"]),
                    "status": visit.say.known(f"match.{one['status']}", "code.other"),
                    "asked": one["you_agreed"],
                    "open": one["status"] not in ("agreed", "refused", "ended")
                    and not one["you_agreed"],
                    "other": names.get(one["other_organisation"] or "", ""),
                    "reference": one["other_reference"] or "",
                }
                for one in found
            ],
            "more": listed["next_cursor"],
            "agree": _AGREE,
            "refuse": _REFUSE,
            "may_write": visit.visitor.may("referrals:write"),
        },
        address="/console/matches",
    )


for each in (_AGREE, _REFUSE):
    screens.command("/matches/{match_id:uuid}", each, show=matches, to="/console/matches")
