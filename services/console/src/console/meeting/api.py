"""The page of the meeting pack, for coordinators and the IM role. A browser prints it or saves it as a PDF."""

from collections.abc import Mapping
from typing import Any

from console.answers import Answer, together
from console.codes import Codes
from console.figures import views
from console.screens.routing import Screens
from console.screens.visit import Page, Visit, shown
from console.work import late_api, service
from console.work.views import groups

screens = Screens()
_PROGRAMMES, _CONTEXT = "/reports/v1/programmes", "/reports/v1/context"
_SHOWN = ("referrals", "gaps", "unmet-needs")
_MOST_ROWS, _MOST = 12, 200


@screens.page("/meeting", query=("period",))
async def meeting(visit: Visit) -> Page:
    """Show what a meeting needs about a period, without any person or referral."""
    period = visit.asked("period") or next(
        code for code, _ in visit.moments.ended() if code[-1] in "ab"
    )
    programmes, late, milestones, drafts = await together(
        visit.calls.get(_PROGRAMMES),
        visit.calls.get(late_api.LATE),
        visit.calls.get(f"{_CONTEXT}/milestones", late="true", limit=_MOST),
        visit.calls.get(f"{_CONTEXT}/statements", limit=_MOST),
    )
    described = {one["id"]: one for one in shown(programmes)}
    found = await together(
        *(_asked(visit, described[name], period) for name in _SHOWN if name in described)
    )
    waiting = await service.waiting(visit)
    say, codes, language = visit.say, Codes(visit.language), visit.language
    rows = await late_api.rows(visit, late.items, {}) if late.ok else []
    decisions = [
        row
        for group in groups(waiting.items, say, codes, visit.moments, {})
        for row in group.rows
        if row.path
    ]
    return Page(
        "meeting/templates/meeting.html",
        "title.context",
        {
            "period": visit.moments.period(period),
            "figures": [
                (described[name]["title"][language], _counted(one, described[name], visit))
                for name, one in zip(
                    (name for name in _SHOWN if name in described), found, strict=True
                )
            ],
            "late": rows,
            "may_call": late.status != 403,
            "milestones": [
                (one["what"][language], visit.moments.period(one["due"]))
                for one in milestones.items
            ],
            "statements": [
                one["text"][language] for one in drafts.items if one["state"] == "draft"
            ],
            "decisions": decisions,
            "away": [
                say(f"meeting.part.{name}")
                for name, answer in (
                    ("late", late),
                    ("milestones", milestones),
                    ("statements", drafts),
                )
                if not answer.ok and answer.status != 403
            ]
            + [say(f"work.part.{part}") for part in waiting.away],
        },
    )


def _asked(visit: Visit, one: Mapping[str, Any], period: str) -> Any:
    by = list(one["dimensions"])[:1]
    asked = {"from": period, "to": period, "by": by, "tier": "internal"}
    return visit.calls.get(f"{_PROGRAMMES}/{one['id']}/query", **asked)


def _counted(answer: Answer, described: Mapping[str, Any], visit: Visit) -> Any:
    """Return the protected figures; None before their publication."""
    if not answer.ok:
        return None
    found = views.counted(answer.body, described, visit.say, Codes(visit.language))
    return {"total": found.total, "heads": found.heads, "rows": found.rows[:_MOST_ROWS]}
