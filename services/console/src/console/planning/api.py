"""Pages for activities with targets, series with their sources, protocols, and the system's state."""

import json
from typing import Any

from common.words import conventions

from console.answers import Answer, no_file, together
from console.codes import Areas, Codes
from console.forms import body
from console.listings import next_page
from console.referral_views import short_code
from console.screens.routing import Screens
from console.screens.visit import (
    Download,
    Elsewhere,
    Outcome,
    Page,
    Refused,
    Visit,
    downloaded,
    shown,
)
from console.shapes import bars
from console.texts import Wording

screens = Screens()
_ACTIVITIES, _SERIES = "/reports/v1/activities", "/reports/v1/context/series"
_PROTOCOLS = "/referrals/v1/protocols"
TARGET = ("plan", "indicator", "area", "start", "end", "target")
SERIES = (
    "code",
    "title/es",
    "title/en",
    "unit/es",
    "unit/en",
    "source",
    "url",
    "licence",
    "retrieved_on",
    "method",
)
PROTOCOL = ("from_country", "to_country", "valid_from", "valid_until")


@screens.page("/activities", query=("cursor", "done"))
async def activities(visit: Visit) -> Page:
    listed, progress, indicators = await together(
        visit.calls.get(_ACTIVITIES, limit=25, cursor=visit.asked("cursor")),
        visit.calls.get(f"{_ACTIVITIES}/progress"),
        visit.calls.get(f"{_ACTIVITIES}/indicators"),
    )
    shown(listed)
    return _activities(visit, listed, progress, indicators)


def _activities(
    visit: Visit,
    listed: Answer,
    progress: Answer,
    indicators: Answer,
    report: dict[str, Any] | None = None,
) -> Page:
    say, codes = visit.say, Codes(visit.language)
    known = {one["code"]: one["label"][visit.language] for one in indicators.items}
    rows = [
        (
            known.get(one["target"]["indicator"], one["target"]["indicator"]),
            codes.place(one["target"].get("area")) or say("risks.everywhere"),
            str(one["done"]),
            str(one["target"]["target"]),
            f"{round(float(one['share']) * 100)} %",
        )
        for one in progress.items
    ]
    shapes = [
        (name, f"{share}: {done} / {target}", float(one["share"]), 0.0, 0.0)
        for (name, _, done, target, share), one in zip(rows, progress.items, strict=True)
    ]
    return Page(
        "planning/templates/activities.html",
        "title.activities",
        {
            "rows": [
                (
                    _activity(one, say),
                    visit.moments.day(one["start"]),
                    codes.place(one.get("adm2_pcode") or one["adm1_pcode"]),
                    one["org_leader"],
                    say.known(f"activities.status.{one['status'].lower()}", "code.other"),
                    "–" if one["masked"] or one.get("reached") is None else str(one["reached"]),
                )
                for one in listed.items
            ],
            "progress": rows,
            "chart": bars(shapes, whole=1) if shapes else None,
            "indicators": sorted(known.items(), key=lambda pair: pair[1]),
            "groups": Areas(visit.country).groups,
            "away": not progress.ok and progress.status != 403,
            "may_plan": visit.visitor.may("reports:publish"),
            "report": report,
            "problems": [
                (str(one["row"]), one["column"], one["message"][visit.language])
                for one in (report or {}).get("problems", [])
            ],
            "more": next_page("/console/activities", listed),
            "done": visit.asked("done") and visit.refusal is None,
        },
        fields=(*TARGET, "file"),
        address="/console/activities",
    )


def _activity(one: dict[str, Any], say: Wording) -> str:
    """Return the activity's kind and the reporting organisation's description."""
    kind = say.known(f"activities.type.{one['type']}", "code.other")
    return " · ".join(filter(None, (kind, one["activity_detail"])))


@screens.form("/activities/import", show=activities, uploads=True)
async def bring_activities(visit: Visit) -> Outcome:
    """Import activities: the first button runs a trial, the second runs the real import."""
    if visit.upload is None:
        return Refused(no_file())
    really = visit.typed.one("really") == "true"
    answer = await visit.calls.upload_form(
        f"{_ACTIVITIES}/imports",
        visit.upload,
        key=visit.key,
        dry_run="false" if really else "true",
    )
    if not answer.ok:
        return Refused(answer)
    listed, progress, indicators = await together(
        visit.calls.get(_ACTIVITIES, limit=25),
        visit.calls.get(f"{_ACTIVITIES}/progress"),
        visit.calls.get(f"{_ACTIVITIES}/indicators"),
    )
    shown(listed)
    return _activities(visit, listed, progress, indicators, {**answer.body, "really": really})


@screens.file("/activities/template.xlsx")
async def template(visit: Visit) -> Download:
    found = await visit.calls.file(f"{_ACTIVITIES}/template", language=visit.language)
    return downloaded(found, "activities.xlsx")


@screens.form("/activities/targets", show=activities)
async def set_target(visit: Visit) -> Outcome:
    wanted = body(visit.typed, TARGET, numbers=("target",))
    answer = await visit.calls.put(f"{_ACTIVITIES}/targets", wanted, key=visit.key)
    return Elsewhere("/console/activities?done=1") if answer.ok else Refused(answer)


@screens.page("/series", query=("done",))
async def series(visit: Visit) -> Page:
    listed = shown(await visit.calls.get(_SERIES))
    language = visit.language
    return Page(
        "planning/templates/series.html",
        "title.series",
        {
            "rows": [
                {
                    "path": f"/console/series/{one['code']}",
                    "title": one["title"][language],
                    "source": one["source"],
                    "edition": one["edition"],
                    "retrieved": visit.moments.day(one["retrieved_on"]),
                }
                for one in listed
            ],
            "may_plan": visit.visitor.may("reports:publish"),
            "done": visit.asked("done") and visit.refusal is None,
        },
        fields=(*SERIES, "file"),
        address="/console/series",
    )


@screens.form("/series", show=series, uploads=True)
async def bring_series(visit: Visit) -> Outcome:
    """Import a file with days and values. A source is required."""
    if visit.upload is None:
        return Refused(no_file())
    answer = await visit.calls.upload_form(
        f"{_SERIES}/imports",
        visit.upload,
        {"provenance": json.dumps(body(visit.typed, SERIES))},
        key=visit.key,
    )
    return Elsewhere("/console/series?done=1") if answer.ok else Refused(answer)


@screens.page("/series/{code}")
async def one_series(visit: Visit) -> Page:
    editions = shown(await visit.calls.get(f"{_SERIES}/{visit.ids['code']}"))
    newest, codes, language = editions[-1], Codes(visit.language), visit.language
    if len(editions) > 1 and editions[0]["edition"] > newest["edition"]:
        newest = editions[0]
    points = newest["points"]
    shapes = [
        (
            " ".join(filter(None, (visit.moments.day(one["day"]), codes.place(one.get("area"))))),
            conventions.number(one["value"], language),
            float(one["value"]),
            0.0,
            0.0,
        )
        for one in points
    ]
    say = visit.say
    return Page(
        "planning/templates/one_series.html",
        "title.series",
        {
            "subject": newest["title"][language],
            "unit": newest["unit"][language],
            "facts": [
                (say("field.source"), newest["source"]),
                (say("field.url"), newest["url"]),
                (say("field.licence"), newest["licence"]),
                (say("field.retrieved_on"), visit.moments.day(newest["retrieved_on"])),
                (say("series.method"), newest.get("method") or ""),
                (say("series.edition"), str(newest["edition"])),
            ],
            "chart": bars(shapes[-40:]) if shapes else None,
            "rows": [
                (
                    visit.moments.day(one["day"]),
                    codes.place(one.get("area")) or visit.say("series.everywhere"),
                    conventions.number(one["value"], language),
                )
                for one in points
            ],
        },
    )


@screens.page("/protocols", query=("done",))
async def protocols(visit: Visit) -> Page:
    # People who maintain protocols may lack the right to read referrals.
    answer = await visit.calls.get(_PROTOCOLS)
    listed = [] if answer.status == 403 and visit.visitor.may("admin") else shown(answer)
    say, codes, moments = visit.say, Codes(visit.language), visit.moments
    return Page(
        "planning/templates/protocols.html",
        "title.protocols",
        {
            "rows": [
                {
                    "id": one["id"],
                    "between": say("protocols.between", a=one["from_country"], b=one["to_country"]),
                    "needs": ", ".join(codes.need(code) for code in one["categories"] or [])
                    or say("protocols.all_needs"),
                    "who": ", ".join(
                        short_code(one[name])
                        for name in ("from_organisation", "to_organisation")
                        if one[name]
                    ),
                    "from": moments.day(one["valid_from"]),
                    "until": moments.day(one["valid_until"]),
                    "open": one["valid_until"] is None or one["valid_until"] >= moments.today,
                }
                for one in listed
            ],
            "may_write": visit.visitor.may("admin"),
            "done": visit.asked("done") and visit.refusal is None,
        },
        fields=PROTOCOL,
        address="/console/protocols",
    )


@screens.form("/protocols", show=protocols)
async def agree(visit: Visit) -> Outcome:
    answer = await visit.calls.post(_PROTOCOLS, body(visit.typed, PROTOCOL), key=visit.key)
    return Elsewhere("/console/protocols?done=1") if answer.ok else Refused(answer)


@screens.form("/protocols/{protocol_id:uuid}/end", show=protocols)
async def end(visit: Visit) -> Outcome:
    path = f"{_PROTOCOLS}/{visit.ids['protocol_id']}/end"
    answer = await visit.calls.post(path, {}, key=visit.key)
    return Elsewhere("/console/protocols?done=1") if answer.ok else Refused(answer)


PARTS = ("directory", "referrals", "reporting", "issuer", "console", "token_keys", "revocations")


@screens.page("/state")
async def state(visit: Visit) -> Page:
    """Show each service's state as the gateway reports it, and period closings that need attention."""
    ready, closings = await together(
        visit.calls.get("/readyz"), visit.calls.get("/reports/v1/closings", limit=20)
    )
    say = visit.say
    found = ready.body if isinstance(ready.body, dict) else {}
    parts = found.get("parts") or {}
    return Page(
        "planning/templates/state.html",
        "title.state",
        {
            # If a part is unavailable, the gateway is still ready, but `degraded`.
            "well": found.get("status") == "ok",
            "rows": [
                (
                    say(f"state.part.{name}") if name in PARTS else name,
                    say("state.ok") if told == "ok" else say("state.not_ok"),
                    say(f"state.circuit.{(found.get('circuits') or {}).get(name)}")
                    if (found.get("circuits") or {}).get(name) in {"open", "closed"}
                    else "–",
                )
                for name, told in parts.items()
                if name != "remedy"
            ],
            "closings": [
                (
                    f"/console/releases/closings/{one['id']}",
                    visit.moments.period(one["period"]),
                    say(f"closing.{one['state']}"),
                )
                for one in closings.items
                if one["state"] == "needs_attention"
            ],
        },
    )
