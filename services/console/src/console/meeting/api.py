"""The meeting pack, for coordinators and the IM role, as a page and as a PDF."""

from collections.abc import Mapping
from typing import Any

from console.answers import Answer, together
from console.codes import Codes
from console.figures import views
from console.screens.papers import Paper, Part, printed
from console.screens.routing import Screens
from console.screens.visit import Download, Page, Visit, shown
from console.work import late_api, service
from console.work.views import groups

screens = Screens()
_PROGRAMMES, _CONTEXT = "/reports/v1/programmes", "/reports/v1/context"
_SHOWN = ("referrals", "gaps", "unmet-needs")
_MOST_ROWS, _MOST = 12, 200


@screens.page("/meeting", query=("period",))
async def meeting(visit: Visit) -> Page:
    return Page("meeting/templates/meeting.html", "title.context", await _pack(visit))


@screens.file("/meeting.pdf", query=("period",))
async def meeting_file(visit: Visit) -> Download:
    say, found = visit.say, await _pack(visit)

    def nothing(key: str) -> str:
        return say("part.unknown" if visit.calls.missed else key)

    figures = [
        Part(
            subject,
            heads=counts["heads"] if counts else (),
            rows=counts["rows"] if counts else (),
            note=f"{say('figures.total')}: {counts['total']}"
            if counts
            else nothing("meeting.unpublished"),
        )
        for subject, counts in found["figures"]
    ]
    late = Part(
        say("late.heading"),
        facts=[
            (f"{row['name']} ({row['of']})", "; ".join(filter(None, (*row["late"], row["call"]))))
            for row in found["late"]
        ],
        note="" if found["late"] else nothing("meeting.none_late"),
    )
    decisions = [
        *((row.verb, " · ".join(filter(None, (row.what, row.left)))) for row in found["decisions"]),
        *((say("meeting.milestone"), f"{what} · {due}") for what, due in found["milestones"]),
        *((say("statement.agree"), text) for text in found["statements"]),
    ]
    paper = Paper(
        visit.language,
        f"{say('meeting.heading')}: {found['period']}",
        say("case.away", what=", ".join(found["away"])) if found["away"] else "",
        [
            *figures,
            *([late] if found["may_call"] else ()),
            Part(
                say("meeting.decisions"),
                facts=decisions,
                note="" if decisions else nothing("meeting.nothing"),
            ),
        ],
        say("paper.page"),
    )
    return await printed(paper, "meeting.pdf")


async def _pack(visit: Visit) -> Mapping[str, Any]:
    """Return what a meeting needs to know about a period, without data about any person or referral."""
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
    return {
        "code": period,
        "period": visit.moments.period(period),
        "figures": [
            (described[name]["title"][language], _counted(one, described[name], visit))
            for name, one in zip((name for name in _SHOWN if name in described), found, strict=True)
        ],
        "late": rows,
        "may_call": late.status != 403,
        "milestones": [
            (one["what"][language], visit.moments.period(one["due"])) for one in milestones.items
        ],
        "statements": [one["text"][language] for one in drafts.items if one["state"] == "draft"],
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
    }


def _asked(visit: Visit, one: Mapping[str, Any], period: str) -> Any:
    by = list(one["dimensions"])[:1]
    asked = {"from": period, "to": period, "by": by, "tier": "internal"}
    return visit.calls.get(f"{_PROGRAMMES}/{one['id']}/query", **asked)


def _counted(answer: Answer, described: Mapping[str, Any], visit: Visit) -> Any:
    """Return the protected figures; None before publication."""
    if not answer.ok:
        return None
    found = views.counted(answer.body, described, visit.say, Codes(visit.language))
    return {"total": found.total, "heads": found.heads, "rows": found.rows[:_MOST_ROWS]}
