"""Late organisations for a coordinator to call, and the call record."""

from collections.abc import Mapping, Sequence
from typing import Any

from common.words.choices import offered

from console.answers import together
from console.screens.routing import Screens
from console.screens.visit import Elsewhere, Outcome, Page, Refused, Visit, shown
from console.work.service import all_of

screens = Screens()
LATE = "/referrals/v1/timers/overdue/organisations"
_MOST_SERVICES = 12
"""The most services for which the page reads the phone; the others show it on their own page."""


@screens.page("/late")
async def late(visit: Visit) -> Page:
    """Show each organisation's late steps, its phone number, and what it said in the last call, but no referrals."""
    listed, people = await together(
        visit.calls.get(LATE), visit.calls.get("/identity/v1/colleagues", limit=200)
    )
    found: Sequence[Mapping[str, Any]] = shown(listed)
    found_rows = await rows(visit, found, {one["id"]: one["sign_in_name"] for one in people.items})
    return Page(
        "work/templates/late.html",
        "title.late",
        {
            "waiting": [row for row in found_rows if row["to_call"]],
            "called": [row for row in found_rows if not row["to_call"]],
            "outcomes": offered("call", "coordinator"),
        },
        address="/console/late",
    )


async def rows(
    visit: Visit, found: Sequence[Mapping[str, Any]], who: Mapping[str, str]
) -> list[Mapping[str, Any]]:
    """Return the late organisations as text; `who` maps ids to people's names."""
    ids = [one["organisation_id"] for one in found if one["organisation_id"]]
    services = list(dict.fromkeys(id_ for one in found for id_ in one["service_ids"]))
    named, *entries = await all_of(
        [
            visit.calls.post("/directory/v1/names", {"organization_id": sorted(set(ids))}),
            *(
                visit.calls.get(f"/directory/v1/services/{one}")
                for one in services[:_MOST_SERVICES]
            ),
        ]
    )
    houses = {one["id"]: one["name"] for one in named.body["organizations"]} if named.ok else {}
    reached = {one.body["id"]: _reached(one.body) for one in entries if one.ok}
    return [_row(one, houses, reached, who, visit) for one in found]


def _reached(service: Mapping[str, Any]) -> tuple[str, list[str]]:
    return service["name"], [each["number"] for each in service.get("phones") or ()]


def _row(
    one: Mapping[str, Any],
    houses: Mapping[str, str],
    reached: Mapping[str, tuple[str, list[str]]],
    who: Mapping[str, str],
    visit: Visit,
) -> Mapping[str, Any]:
    say, call = visit.say, one["call"]
    return {
        "id": one["organisation_id"],
        "name": houses.get(one["organisation_id"] or "", say("late.hidden")),
        "aor": one["aor"],
        "of": say.known(f"aor.{one['aor']}", "code.other"),
        "urgency": one["urgency"],
        "late": [
            say(
                f"late.many.{each['at_least'] > 1}",
                n=each["at_least"],
                what=say.known(f"late.state.{each['state']}", "late.state.other"),
                urgency=say(f"urgency.{each['urgency']}"),
            )
            for each in one["late"]
        ],
        "reached": [reached[id_] for id_ in one["service_ids"] if id_ in reached],
        "to_call": one["to_call"],
        "call": call
        and say(
            f"late.called.{call['outcome']}",
            at=visit.moments.at(call["called_at"]),
            by=who.get(call["called_by"], say("late.somebody")),
        ),
    }


@screens.form("/late/{organisation_id:uuid}", show=late)
async def note(visit: Visit) -> Outcome:
    """Record the organisation's answer; the form has one button for each of the three answers."""
    made = {name: visit.typed.one(name) for name in ("aor", "outcome")}
    path = f"{LATE}/{visit.ids['organisation_id']}/calls"
    answer = await visit.calls.post(path, made, key=visit.key)
    return Elsewhere("/console/late") if answer.ok else Refused(answer)
