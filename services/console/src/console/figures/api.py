"""Figures of published periods by programme. Coordinators also see exact counts over time."""

from typing import Any

from common.auth import Role

from console.answers import Answer, together
from console.codes import Areas, Codes
from console.figures import views
from console.screens.routing import Screens
from console.screens.visit import Page, Visit, one_of, shown

screens = Screens()
_COUNTS = frozenset({Role.CASEWORKER, Role.SUPERVISOR, Role.COORDINATOR, Role.IM})
_PROGRAMMES, _RELEASES = "/reports/v1/programmes", "/reports/v1/releases"


@screens.page("/figures")
async def figures(visit: Visit) -> Page:
    programmes, releases = await together(
        visit.calls.get(_PROGRAMMES), visit.calls.get(_RELEASES, limit=200)
    )
    newest: dict[str, str] = {}
    for one in releases.items:
        if one["status"] == "published":
            newest.setdefault(one["programme"], one["period"])
    language = visit.language
    return Page(
        "figures/templates/figures.html",
        "title.figures",
        {
            "rows": [
                {
                    "path": f"/console/figures/{one['id']}" if one["id"] in newest else "",
                    "title": one["title"][language],
                    "note": one["note"][language],
                    "newest": visit.moments.period(newest.get(one["id"], "")),
                }
                for one in shown(programmes)
            ],
            "away": not releases.ok,
            "may_trend": bool(_COUNTS & visit.visitor.roles) and visit.visitor.may("reports:read"),
        },
    )


@screens.page("/figures/trends", query=("area", "category"))
async def trends(visit: Visit) -> Page:
    """Show exact counts for the visitor's AoRs or organisation. They are not for publication, and each view is
    recorded."""
    area, category = visit.asked("area"), visit.asked("category")
    months = views.last_months(visit.moments.counted_on)
    counted = await visit.calls.get(
        "/reports/v1/indicators",
        by="month",
        area=area,
        category=category,
        **{"from": months[0], "to": months[-1]},
    )
    refused = counted.status == 422 and counted.code != "unknown_parameter"
    say, codes = visit.say, Codes(visit.language)
    scopes = [] if refused else shown(counted)["scopes"]
    return Page(
        "figures/templates/trends.html",
        "title.figures",
        {
            "series": [views.series(one, months, say, codes, visit.moments) for one in scopes],
            "states": [places[0] for _, places in Areas(visit.country).groups],
            "needs": codes.needs(),
            "area": area,
            "category": category,
            "refused": refused,
        },
        fields=("area", "category"),
        refusal=counted if refused else None,
    )


@screens.page("/figures/{programme}", query=("from", "to", "by"))
async def programme(visit: Visit) -> Page:
    name = visit.ids["programme"]
    programmes, releases = await together(
        visit.calls.get(_PROGRAMMES), visit.calls.get(_RELEASES, programme=name, limit=24)
    )
    described = one_of(programmes, name)
    periods = [one["period"] for one in releases.items if one["status"] == "published"]
    first = visit.asked("from") or (periods[0] if periods else "")
    last = visit.asked("to") or first
    by = [one for one in visit.query.get("by", ()) if one] or list(described["dimensions"])[:1]
    tier = "internal" if visit.visitor.may("reports:read") else "public"
    asked: dict[str, Any] = {"from": first, "to": last, "by": by, "tier": tier}
    # Before the first publication, there is no period to query.
    asking = f"{_PROGRAMMES}/{name}/query"
    counts = await visit.calls.get(asking, **asked) if first else Answer(404, {})
    refused = counts if not counts.ok and counts.status not in {403, 404} else None
    say, codes = visit.say, Codes(visit.language)
    return Page(
        "figures/templates/programme.html",
        "title.figures",
        {
            "described": described,
            "subject": described["title"][visit.language],
            "note": described["note"][visit.language],
            "first": first,
            "last": last,
            "periods": [(each, visit.moments.period(each)) for each in periods],
            "dimensions": [(one, views.dimension(one, say)) for one in described["dimensions"]],
            "by": by,
            "found": views.counted(counts.body, described, say, codes) if counts.ok else None,
            "k": counts.body["k"] if counts.ok else 0,
        },
        fields=("from", "to", "by"),
        refusal=refused,
    )
