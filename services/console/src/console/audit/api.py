"""The record, for auditors: filters by codes and ids, a chain in order, and whether it adds up."""

import asyncio

from console.answers import Answer, together
from console.audit import views
from console.code_lists import assistance_codes
from console.doings import done, identity_change, identity_kind
from console.listings import next_page
from console.screens.routing import Screens
from console.screens.visit import Download, NotShown, Page, Visit, downloaded, shown

screens = Screens()
_QUERY = (*views.FILTERS, "cursor")


@screens.page("/audit", query=_QUERY)
async def record(visit: Visit) -> Page:
    values = {name: visit.asked(name) for name in _QUERY}
    asked = views.asked_of(values, visit.moments.offset)
    listed, lists = await asyncio.gather(
        visit.calls.get("/referrals/v1/audit", limit=50, cursor=visit.asked("cursor"), **asked),
        assistance_codes(visit.calls, visit.language),
    )
    if listed.status == 422 and listed.code != "unknown_parameter":
        return _page(visit, [], None, values, refusal=listed)
    cursor = shown(listed).get("next_cursor")
    entries = views.entries(
        listed.items, await _names(visit, listed), lists, visit.say, visit.moments
    )
    return _page(visit, entries, cursor, values)


def _page(
    visit: Visit,
    entries: list[views.Entry],
    cursor: str | None,
    values: dict[str, str],
    refusal: Answer | None = None,
) -> Page:
    say = visit.say
    return Page(
        "audit/templates/record.html",
        "title.audit",
        {
            "entries": entries,
            "more": views.address("/console/audit", values, cursor=cursor) if cursor else "",
            "export": views.address("/console/audit/record.csv", values),
            "values": values,
            "actions": [(code, done(code, say)) for code in views.ACTIONS],
            "refused": refusal is not None,
            "again": views.address("/console/audit", values),
        },
        fields=views.FILTERS,
        refusal=refusal,
    )


_READS = ("service_id", "doer", "from", "to")


@screens.page("/audit/reads", query=(*_READS, "cursor"))
async def reads(visit: Visit) -> Page:
    """Who was shown a restricted entry of the directory. The look stands in that log itself."""
    values = {name: visit.asked(name) for name in (*_READS, "cursor")}
    listed = await visit.calls.get(
        "/directory/v1/records/reads",
        limit=50,
        cursor=values["cursor"],
        **views.asked_of(values, visit.moments.offset, _READS),
    )
    refused = listed.status == 422 and listed.code != "unknown_parameter"
    cursor = None if refused else shown(listed).get("next_cursor")
    names = await _names(visit, listed)
    return Page(
        "audit/templates/reads.html",
        "title.audit",
        {
            "rows": views.reads(listed.items, names, visit.say, visit.moments),
            "values": values,
            "refused": refused,
            "more": views.address("/console/audit/reads", values, _READS, cursor=cursor or "")
            if cursor
            else "",
        },
        fields=_READS,
        refusal=listed if refused else None,
    )


@screens.page("/audit/identities", query=("cursor",))
async def identities(visit: Visit) -> Page:
    """Who changed whose access: ids and codes. The look stands in the record itself."""
    listed = await visit.calls.get(
        "/identity/v1/changes/record", limit=50, cursor=visit.asked("cursor")
    )
    cursor, say = shown(listed).get("next_cursor"), visit.say
    return Page(
        "audit/templates/identities.html",
        "title.audit",
        {
            "rows": [
                (
                    visit.moments.at(one["at"]),
                    f"{identity_change(one['what'], say)} ({identity_kind(one['kind'], say)})",
                    one["target"],
                    views.by(one["by_subject"], one["by_client"]),
                )
                for one in listed.items
            ],
            "more": f"/console/audit/identities?cursor={cursor}" if cursor else "",
        },
    )


async def _names(visit: Visit, listed: Answer) -> dict[str, str]:
    ids = sorted({one["organisation_id"] for one in listed.items if one["organisation_id"]})
    if not ids:
        return {}
    named = await visit.calls.post("/directory/v1/names", {"organization_id": ids})
    return {one["id"]: one["name"] for one in named.body["organizations"]} if named.ok else {}


@screens.file("/audit/record.csv", query=views.FILTERS)
async def export(visit: Visit) -> Download:
    asked = views.asked_of({n: visit.asked(n) for n in views.FILTERS}, visit.moments.offset)
    found = await visit.calls.file("/referrals/v1/audit/export", **asked)
    return downloaded(found, "audit.csv")


@screens.page("/audit/chains/{chain:uuid}", query=("cursor",))
async def chain(visit: Visit) -> Page:
    """What happened to one case or organisation, in order, and what its seal says."""
    identifier = visit.ids["chain"]
    (verified, listed), lists = await asyncio.gather(
        together(
            visit.calls.get(f"/referrals/v1/audit/chains/{identifier}"),
            visit.calls.get(
                "/referrals/v1/audit", case_id=identifier, limit=100, cursor=visit.asked("cursor")
            ),
        ),
        assistance_codes(visit.calls, visit.language),
    )
    if not verified.ok:
        raise NotShown(verified)
    shown(listed)
    return Page(
        "audit/templates/chain.html",
        "title.audit",
        {
            "verified": verified.body,
            "findings": [
                visit.say(
                    "audit.finding",
                    n=one["sequence"],
                    what=visit.say(f"audit.finding.{one['code']}"),
                )
                for one in verified.body["findings"]
            ],
            "entries": views.entries(
                listed.items, await _names(visit, listed), lists, visit.say, visit.moments
            ),
            "more": next_page(f"/console/audit/chains/{identifier}", listed),
            "export": f"/console/audit/record.csv?case_id={identifier}",
        },
    )
