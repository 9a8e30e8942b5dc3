"""Pages for closing a period and releasing its programmes."""

from collections.abc import Mapping
from typing import Any

from console.answers import Answer, together
from console.codes import Codes
from console.figures import views as figures
from console.forms import WITHDRAW, body
from console.listings import next_page
from console.referral_views import short_code
from console.screens.routing import Screens
from console.screens.visit import Elsewhere, Outcome, Page, Refused, Visit, shown

screens = Screens()
_CLOSINGS, _RELEASES = "/reports/v1/closings", "/reports/v1/releases"
CLOSE = ("period",)
WAIVE = ("organisation_id", "reason")


@screens.page("/releases", query=("cursor",))
async def releases(visit: Visit) -> Page:
    closings, listed, programmes = await together(
        visit.calls.get(_CLOSINGS, limit=10),
        visit.calls.get(_RELEASES, limit=50, cursor=visit.asked("cursor")),
        visit.calls.get("/reports/v1/programmes"),
    )
    shown(listed)
    titles = {one["id"]: one["title"][visit.language] for one in programmes.items}
    say = visit.say
    return Page(
        "releases/templates/releases.html",
        "title.releases",
        {
            "closings": [
                {
                    "path": f"/console/releases/closings/{one['id']}",
                    "period": visit.moments.period(one["period"]),
                    "state": say(f"closing.{one['state']}"),
                    "done": _done(one, visit),
                }
                for one in closings.items
            ],
            "away": not closings.ok and closings.status != 403,
            "releases": [
                {
                    "path": f"/console/releases/{one['id']}",
                    "programme": titles.get(one["programme"], one["programme"]),
                    "period": visit.moments.period(one["period"]),
                    "state": say(f"release.{one['status']}"),
                    "live": one["status"] == "published",
                }
                for one in listed.items
            ],
            "may_close": visit.visitor.may("reports:publish"),
            # A programme closes every half-month or every quarter.
            "periods": [each for each in visit.moments.ended() if not each[0][-2:].isdigit()],
            "more": next_page("/console/releases", listed),
        },
        fields=CLOSE,
        address="/console/releases",
    )


def _done(one: Mapping[str, Any], visit: Visit) -> str:
    done = one["done"]
    return visit.say(
        "closing.done",
        programmes=done["programmes"],
        closed=done["closed"],
        signed=done["signed_off"],
        published=done["published"],
    )


@screens.form("/releases", show=releases)
async def close(visit: Visit) -> Outcome:
    answer = await visit.calls.post(_CLOSINGS, body(visit.typed, CLOSE), key=visit.key)
    if not answer.ok:
        return Refused(answer)
    return Elsewhere(f"/console/releases/closings/{answer.body['id']}")


@screens.page("/releases/closings/{closing_id:uuid}")
async def closing(visit: Visit) -> Page:
    one = shown(await visit.calls.get(f"{_CLOSINGS}/{visit.ids['closing_id']}"))
    waiting = sorted(
        {
            each["organisation_id"]
            for step in one["steps"]
            for each in step["contributors"] or []
            if not each["signed_off"] and not each["waived"]
        }
    )
    names = await _names(visit, waiting)
    say = visit.say
    return Page(
        "releases/templates/closing.html",
        "title.releases",
        {
            "period": visit.moments.period(one["period"]),
            "state": say(f"closing.{one['state']}"),
            "code": one["state"],
            "running": one["state"] in {"closing", "publishing"},
            "done": _done(one, visit),
            "programmes": one["done"]["programmes"],
            "reached": one["done"]["published"] or one["done"]["closed"],
            "steps": [
                {
                    "title": step["title"][visit.language],
                    "state": say(f"closing.step.{step['state']}"),
                    "path": f"/console/releases/{step['release_id']}" if step["release_id"] else "",
                    "problem": visit.say.known(
                        f"problem.{step['problem']['code']}", "problem.conflict"
                    )
                    if step["problem"]
                    else "",
                    "waits": [
                        names.get(each["organisation_id"], short_code(each["organisation_id"]))
                        for each in step["contributors"] or []
                        if not each["signed_off"] and not each["waived"]
                    ],
                }
                for step in one["steps"]
            ],
            "legal": (legal := one.get("possible_steps") or []),
            "alone": visit.visitor.may("reports:publish")
            and one["state"] == "ready"
            and "publish" not in legal,
        },
        address=f"/console/releases/closings/{one['id']}",
    )


async def _names(visit: Visit, ids: list[str]) -> dict[str, str]:
    if not ids:
        return {}
    named = await visit.calls.post("/directory/v1/names", {"organization_id": ids})
    return {one["id"]: one["name"] for one in named.body["organizations"]} if named.ok else {}


@screens.form("/releases/closings/{closing_id:uuid}/publish", show=closing)
async def publish_all(visit: Visit) -> Outcome:
    path = f"{_CLOSINGS}/{visit.ids['closing_id']}"
    answer = await visit.calls.post(f"{path}/publications", {}, key=visit.key)
    return _then(answer, f"/console/releases/closings/{visit.ids['closing_id']}")


@screens.form("/releases/closings/{closing_id:uuid}/sign-off", show=closing)
async def sign_all(visit: Visit) -> Outcome:
    path = f"{_CLOSINGS}/{visit.ids['closing_id']}"
    answer = await visit.calls.post(f"{path}/sign-offs", {}, key=visit.key)
    return _then(answer, f"/console/releases/closings/{visit.ids['closing_id']}")


def _then(answer: Answer, path: str) -> Outcome:
    return Elsewhere(path) if answer.ok else Refused(answer)


@screens.page("/releases/{release_id:uuid}", query=("tier",))
async def release(visit: Visit) -> Page:
    path = f"{_RELEASES}/{visit.ids['release_id']}"
    internal = visit.visitor.may("reports:publish")
    tier = visit.asked("tier") or ("internal" if internal else "public")
    one, programmes = await together(
        visit.calls.get(path, tier=tier), visit.calls.get("/reports/v1/programmes")
    )
    found = shown(one)
    by = list(found["dimensions"])[:1]
    counts = await visit.calls.get(f"{path}/query", tier=tier, by=by)
    described = next((p for p in programmes.items if p["id"] == found["programme"]), None)
    contributors = found["contributors"] or []
    names = await _names(visit, sorted({each["organisation_id"] for each in contributors}))
    say = visit.say
    return Page(
        "releases/templates/release.html",
        "title.releases",
        {
            "release": found,
            "period": visit.moments.period(found["period"]),
            "subject": described["title"][visit.language] if described else found["programme"],
            "state": say(f"release.{found['status']}"),
            "tier": tier,
            "tiers": ("internal", "public") if internal else (),
            "found": figures.counted(counts.body, described, say, Codes(visit.language))
            if counts.ok
            else None,
            "expected": [
                (
                    figures.dimension(one["margin"], say),
                    say("figures.error", n=visit.moments.number(one["mean_absolute"])),
                )
                for one in found["expected_errors"]
            ],
            "contributors": [
                {
                    "id": each["organisation_id"],
                    "name": names.get(each["organisation_id"], short_code(each["organisation_id"])),
                    "state": say(
                        "release.signed"
                        if each["signed_off"]
                        else "release.waived"
                        if each["waived"]
                        else "release.waits"
                    ),
                    "waits": not each["signed_off"] and not each["waived"],
                }
                for each in contributors
            ],
            "legal": (legal := found.get("possible_steps") or []),
            # Nobody can sign off or publish figures that were not loaded.
            "decidable": counts.answered,
            "alone": internal
            and found["status"] == "draft"
            and not {"publish", "waive"} & set(legal),
            "gone": found["withdrawal"]["reason"][visit.language]
            if found["status"] == "withdrawn"
            else "",
        },
        fields=(*WAIVE, *WITHDRAW),
        address=f"/console/releases/{found['id']}",
    )


async def _post(visit: Visit, step: str, made: dict[str, Any] | None = None) -> Outcome:
    path = f"{_RELEASES}/{visit.ids['release_id']}/{step}"
    answer = await visit.calls.post(path, made or {}, key=visit.key)
    return _then(answer, f"/console/releases/{visit.ids['release_id']}")


@screens.form("/releases/{release_id:uuid}/withdraw", show=release)
async def withdraw(visit: Visit) -> Outcome:
    return await _post(visit, "withdrawal", body(visit.typed, WITHDRAW))


@screens.form("/releases/{release_id:uuid}/withdraw/agree", show=release)
async def agree(visit: Visit) -> Outcome:
    return await _post(visit, "withdrawal/agreement")


@screens.form("/releases/{release_id:uuid}/waive", show=release)
async def waive(visit: Visit) -> Outcome:
    return await _post(visit, "waivers", body(visit.typed, WAIVE))


@screens.form("/releases/{release_id:uuid}/sign-off", show=release)
async def sign(visit: Visit) -> Outcome:
    return await _post(visit, "sign-offs")


@screens.form("/releases/{release_id:uuid}/publish", show=release)
async def publish(visit: Visit) -> Outcome:
    return await _post(visit, "publish")
