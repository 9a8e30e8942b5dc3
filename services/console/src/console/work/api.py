"""Pages of the visitor's work."""

from console.code_lists import line_kinds
from console.codes import Codes
from console.screens.routing import Screens
from console.screens.visit import Elsewhere, Outcome, Page, Refused, Visit
from console.work import service, views

screens = Screens()


@screens.page("", query=("of", "urgency", "cursor"))
async def work(visit: Visit) -> Page:
    """Show the work list, the first page after signing in."""
    found = await service.waiting(visit)
    reported = any(one["kind"] in views.REPORTS for one in found.items)
    kinds = await line_kinds(visit.calls, visit.language) if reported else {}
    return Page(
        "work/templates/work.html",
        "title.work",
        {
            "groups": views.groups(
                found.items, visit.say, Codes(visit.language), visit.moments, kinds
            ),
            "now": found.now,
            "away": [visit.say(f"work.part.{part}") for part in found.away],
            "cut": [visit.say(f"work.part.{part}") for part in found.cut],
            "more": found.more,
            "filters": found.has_cases,
            "begins": found.has_cases and visit.visitor.may("referrals:write"),
            "of": visit.asked("of") or "organisation",
            "urgency": visit.asked("urgency"),
        },
    )


@screens.page("/tasks/{task_id:uuid}")
async def task(visit: Visit) -> Page:
    """Show a task created by a rule."""
    return Page("work/templates/task.html", "title.task", {"task": await service.task(visit)})


@screens.form("/tasks/{task_id:uuid}", show=task)
async def finish(visit: Visit) -> Outcome:
    path = f"/referrals/v1/tasks/{visit.ids['task_id']}/done"
    answer = await visit.calls.post(path, {}, key=visit.key)
    return Elsewhere("/console") if answer.ok else Refused(answer)
