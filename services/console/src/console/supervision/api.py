"""The team, its certificates, and cases whose retention is about to end."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from common.auth import Role

from console import loads
from console.answers import Answer, together
from console.codes import Areas, Codes
from console.commands import key_of
from console.listings import found_in
from console.record_views import case_name
from console.screens.routing import Screens
from console.screens.visit import Elsewhere, Outcome, Page, Refused, Visit, one_of, shown
from console.supervision import commands
from console.work.views import groups

screens = Screens()
_NEAR_DAYS = 30


def _supervises(visit: Visit) -> bool:
    return Role.SUPERVISOR in visit.visitor.roles


@screens.page("/team")
async def team(visit: Visit) -> Page:
    """Show the team: its people, their open cases, each queue's workers, and the people on call."""
    own = visit.visitor.principal.organisation_id
    people, cases, services, shifts = await together(
        visit.calls.get("/identity/v1/colleagues", limit=200),
        visit.calls.get("/referrals/v1/cases/load"),
        visit.calls.get(
            "/directory/v1/services", organization_id=own, minimal="true", per_page=100
        ),
        visit.calls.get("/referrals/v1/on-call"),
    )
    shown(people)
    waiting = await visit.calls.get("/referrals/v1/work/load")
    load = {one["person"]: one["open"] for one in cases.items}
    names = {one["id"]: one["sign_in_name"] for one in people.items}
    return Page(
        "supervision/templates/team.html",
        "title.team",
        {
            "people": [
                {
                    "id": one["id"],
                    "waits": loads.of_person(waiting.items, one["id"], "", visit.moments),
                    "name": one["sign_in_name"],
                    "roles": [
                        visit.say.known(f"role.{role}", "role.other") for role in one["roles"]
                    ],
                    "active": one["active"],
                    "load": visit.say("team.load", n=load.get(one["id"], 0)) if cases.ok else "",
                }
                for one in people.items
            ],
            "unassigned": load.get(None, 0),
            "loads": loads.by_kind(waiting.items, names, visit.say, visit.moments),
            "services": sorted(services.items, key=lambda one: str(one["name"])),
            "shifts": [
                {
                    "id": one["id"],
                    "name": names.get(one["person"], one["person"]),
                    "rank": one["rank"],
                    "from": visit.moments.at(one["starts_at"]),
                    "until": visit.moments.at(one["ends_at"]),
                    "reachable": one["reachable"],
                }
                for one in shifts.items
            ],
            "commands_of": commands,
            "may_write": _supervises(visit),
            "options": {"person": list(names.items())},
            "away": [
                visit.say(f"team.part.{name}")
                for name, answer in (
                    ("cases", cases),
                    ("load", waiting),
                    ("services", services),
                    ("shifts", shifts),
                )
                if not answer.ok
            ],
        },
        address="/console/team",
    )


screens.command("/team", commands.SHIFT, show=team, to="/console/team")
screens.command("/team/{shift_id:uuid}", commands.NO_SHIFT, show=team, to="/console/team")


_PERSON = "/team/people/{person_id:uuid}"
_MOST_TOGETHER = 30
"""Cases that change hands in one batch."""
_MOST_SHOWN = 200


@screens.page(_PERSON)
async def person(visit: Visit) -> Page:
    """Show a person's waiting work, how much of it is overdue, and their open cases, which can be reassigned."""
    who = visit.ids["person_id"]
    people, waiting, listed, work = await together(
        visit.calls.get("/identity/v1/colleagues", limit=200),
        visit.calls.get("/referrals/v1/work/load"),
        visit.calls.get(
            "/referrals/v1/cases", status="open", assigned_to=who, limit=_MOST_TOGETHER
        ),
        visit.calls.get("/referrals/v1/work", person=who, limit=_MOST_SHOWN),
    )
    one, say = one_of(people, who), visit.say
    late = [each for each in work.items if each["group"] == "overdue"]
    theirs = [row for row in waiting.items if row["person"] == who]
    return Page(
        "supervision/templates/person.html",
        "title.team",
        {
            "name": one["sign_in_name"],
            "loads": [
                replace(each, people=()) for each in loads.by_kind(theirs, {}, say, visit.moments)
            ],
            "late": [
                row
                for group in groups(late, say, Codes(visit.language), visit.moments, {})
                for row in group.rows
            ],
            "cases": [(each["id"], case_name(each, say)) for each in listed.items],
            "changed": {each["id"]: visit.moments.day(each["changed_at"]) for each in listed.items},
            "more": listed.ok and listed.body["next_cursor"],
            "colleagues": [
                (each["id"], each["sign_in_name"])
                for each in people.items
                if each["active"] and each["id"] != who
            ],
            "may_write": _supervises(visit),
        },
        fields=("cases[]", "assigned_to"),
    )


@screens.form(_PERSON, show=person)
async def reassign(visit: Visit) -> Outcome:
    """Assign the chosen cases to a colleague, all or none."""
    to, chosen = visit.typed.one("assigned_to"), visit.typed.all("cases[]")
    missing = [name for name, said in (("cases", chosen), ("assigned_to", to)) if not said]
    if missing:
        errors = [{"pointer": f"/{name}", "code": "missing"} for name in missing]
        return Refused(Answer(422, {"code": "invalid", "errors": errors}))
    answer = await visit.calls.batch(
        [
            {
                "key": key_of(visit.key, [case_id, to]),
                "path": f"/referrals/v1/cases/{case_id}/assign",
                "body": {"assigned_to": to},
            }
            for case_id in chosen
        ]
    )
    return Elsewhere(visit.path) if answer.ok else Refused(answer)


@screens.page("/team/services/{service_id:uuid}")
async def queue(visit: Visit) -> Page:
    service_id = visit.ids["service_id"]
    of, people, named = await together(
        visit.calls.get(f"/referrals/v1/services/{service_id}/team"),
        visit.calls.get("/identity/v1/colleagues", limit=200),
        visit.calls.post("/directory/v1/names", {"service_id": [service_id]}),
    )
    now = shown(of)["clients"]
    listed = {one["id"]: one["sign_in_name"] for one in people.items if one["active"]}
    # The organisation's client systems appear under their client name.
    listed |= {name: name for name in now if name not in listed}
    return Page(
        "supervision/templates/queue.html",
        "title.queue",
        {
            "name": next((one["name"] for one in named.body["services"]), "") if named.ok else "",
            "now": now,
            "may_write": _supervises(visit),
            "command": commands.TEAM,
            "options": {"clients": list(listed.items())},
        },
    )


screens.command(
    "/team/services/{service_id:uuid}",
    commands.TEAM,
    show=queue,
    to="/console/team/services/{service_id}",
)


@screens.page("/certificates", query=("cursor",))
async def certificates(visit: Visit) -> Page:
    listed, people, trainings = await together(
        visit.calls.get("/referrals/v1/certificates", cursor=visit.asked("cursor"), limit=50),
        visit.calls.get("/identity/v1/colleagues", limit=200),
        visit.calls.get("/referrals/v1/trainings", limit=20),
    )
    found = shown(listed)
    names = {one["id"]: one["sign_in_name"] for one in people.items}
    codes, moments = Codes(visit.language), visit.moments
    return Page(
        "supervision/templates/certificates.html",
        "title.certificates",
        {
            "certificates": [_certificate(one, names, visit) for one in found["items"]],
            "more": found["next_cursor"],
            "trainings": [
                {
                    "topic": visit.say.known(f"topic.{one['topic']}", "topic.other"),
                    "where": codes.place(one["area"]),
                    "when": moments.day(one["starts_on"]),
                    "people": one["women"] + one["men"] + one["others"],
                }
                for one in trainings.items
                if not one["cancelled"]
            ],
            "commands_of": commands,
            "options": {
                "holder": [
                    (one["id"], one["sign_in_name"]) for one in people.items if one["active"]
                ],
                "area": Areas(visit.country).groups,
                "topic": [
                    (code, visit.say(f"topic.{code}"))
                    for code in ("screening", "trafficking_basics", "safe_referral")
                ],
            },
            "today": {"certified_on": moments.today},
            "may_write": _supervises(visit),
        },
    )


def _certificate(
    one: Mapping[str, Any], names: Mapping[str, str], visit: Visit
) -> Mapping[str, Any]:
    return {
        "id": one["id"],
        "holder": names.get(one["holder"], one["holder"]),
        "topic": visit.say.known(f"topic.{one['topic']}", "topic.other"),
        "until": visit.moments.day(one["valid_until"]),
        "standing": visit.say(f"certificate.{one['standing']}"),
        "current": one["standing"] in ("valid", "expiring", "future"),
        "near": one["standing"] in ("expiring", "expired"),
    }


for each in (commands.CERTIFY, commands.TRAINING):
    screens.command("/certificates", each, show=certificates, to="/console/certificates")


@screens.page("/certificates/{certificate_id:uuid}")
async def certificate(visit: Visit) -> Page:
    listed, people = await together(
        found_in(visit.calls, "/referrals/v1/certificates", visit.ids["certificate_id"]),
        visit.calls.get("/identity/v1/colleagues", limit=200),
    )
    one = one_of(listed, visit.ids["certificate_id"])
    names = {each["id"]: each["sign_in_name"] for each in people.items}
    return Page(
        "supervision/templates/certificate.html",
        "title.certificates",
        {
            "one": _certificate(one, names, visit),
            "command": commands.REVOKE,
            "may_write": _supervises(visit),
        },
    )


screens.command(
    "/certificates/{certificate_id:uuid}",
    commands.REVOKE,
    show=certificate,
    to="/console/certificates",
)


_LISTS = ("ending", "looks")


def _more(visit: Visit, **further: str | None) -> str:
    """Return the address with the next page of one list, while the other list keeps its page; empty at the end."""
    if not all(further.values()):
        return ""
    asked = {**{name: visit.asked(name) for name in _LISTS}, **further}
    return "/console/retention?" + urlencode(
        {name: cursor for name, cursor in asked.items() if cursor}
    )


@screens.page("/retention", query=_LISTS)
async def retention(visit: Visit) -> Page:
    """Show closed cases whose retention ends soon, and open ones that need attention."""
    ending, looks = await together(
        visit.calls.get(
            "/referrals/v1/cases/retention", within_days=_NEAR_DAYS, cursor=visit.asked("ending")
        ),
        visit.calls.get("/referrals/v1/assistance/supervision", cursor=visit.asked("looks")),
    )
    found = shown(ending)
    return Page(
        "supervision/templates/retention.html",
        "title.retention",
        {
            "ending": [
                {
                    "id": one["case_id"],
                    "reference": one["reference"],
                    "closed": visit.moments.day(one["closed_at"]),
                    "until": visit.moments.day(one["retain_until"]),
                }
                for one in found["items"]
            ],
            "more_ending": _more(visit, ending=found["next_cursor"]),
            "looks": [
                {
                    "id": one["case_id"],
                    "reference": one["reference"],
                    "why": [
                        visit.say.known(f"look.{code}", "look.other") for code in one["reasons"]
                    ],
                }
                for one in looks.items
            ],
            "more_looks": _more(visit, looks=looks.body["next_cursor"] if looks.ok else None),
            "days": _NEAR_DAYS,
            "away": [] if looks.ok or looks.status == 403 else [visit.say("retention.looks")],
        },
    )
