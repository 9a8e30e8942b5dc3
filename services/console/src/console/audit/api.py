"""Audit pages for auditors: filters by code and id, the entries in order, and verification of the hash chain."""

import asyncio
import csv
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from io import StringIO
from typing import Any

from console import written_dates
from console.answers import Answer, together
from console.audit import views
from console.code_lists import assistance_codes
from console.doings import done, identity_change, identity_kind, is_id
from console.listings import next_page
from console.referral_views import short_code
from console.screens.routing import Screens
from console.screens.visit import Download, NotShown, Page, Visit, downloaded, shown

screens = Screens()
_QUERY = (*views.FILTERS, "cursor")
_PEOPLE = "/identity/v1/colleagues"
_AT_ONCE, _SHOWN = 100, 5
_SPAN = ("from", "to")


@screens.page("/audit", query=_QUERY)
async def record(visit: Visit) -> Page:
    values = _values(visit)
    asked, unknown = await _meant(visit, views.asked_of(values, visit.moments.offset))
    if unknown is not None:
        return _page(visit, [], None, values, refusal=unknown)
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


def _values(visit: Visit) -> dict[str, str]:
    """Return the filters. The case field accepts a case code or id."""
    values = {name: visit.asked(name) for name in _QUERY}
    return {**values, "case": values["case"] or values["case_id"], "case_id": ""}


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
            "only": short_code(values["target_id"]),
            "every": views.address("/console/audit", {**values, "target_id": ""}),
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
    """Show who read restricted directory entries. Each view is logged too."""
    values = {name: visit.asked(name) for name in (*_READS, "cursor")}
    asked, unknown = await _meant(visit, views.asked_of(values, visit.moments.offset, _READS))
    listed = unknown or await visit.calls.get(
        "/directory/v1/records/reads", limit=50, cursor=values["cursor"], **asked
    )
    refused = listed.status == 422 and listed.code != "unknown_parameter"
    cursor = None if refused else shown(listed).get("next_cursor")
    services = {one["service_id"] for one in listed.items} | {asked.get("service_id")}
    names = await _names(visit, listed) | await _services(visit, services)
    return Page(
        "audit/templates/reads.html",
        "title.audit",
        {
            "rows": views.reads(listed.items, names, visit.say, visit.moments),
            "only": views.entry(values["service_id"], names) if values["service_id"] else "",
            "every": views.address("/console/audit/reads", {**values, "service_id": ""}, _READS),
            "values": values,
            "refused": refused,
            "more": views.address("/console/audit/reads", values, _READS, cursor=cursor or "")
            if cursor
            else "",
        },
        fields=_READS,
        refusal=listed if refused else None,
    )


@screens.page("/audit/statement", query=_SPAN)
async def statement(visit: Visit) -> Page:
    """Summarise the audit record for a period, as a statement to sign. The default period is the last month."""
    ended = date.fromisoformat(visit.moments.today).replace(day=1) - timedelta(days=1)
    last_month = {"from": ended.replace(day=1).isoformat(), "to": ended.isoformat()}
    values = {name: written_dates.day(visit.asked(name)) or last_month[name] for name in _SPAN}
    answer = await visit.calls.get(
        "/referrals/v1/audit/statement", **views.asked_of(values, visit.moments.offset, _SPAN)
    )
    refused = answer.status == 422
    page: dict[str, object] = {"values": values, "refused": refused}
    if not refused:
        found, say = shown(answer), visit.say
        unusual = found["patterns"]
        names = await _named(
            visit,
            {one["organisation_id"] for one in unusual},
            {one["doer"] for one in unusual},
        )
        page |= {
            "found": found,
            "begin": visit.moments.day(values["from"]),
            "end": visit.moments.day(values["to"]),
            "findings": [(one["chain"], _finding(one, visit)) for one in found["findings"]],
            "counts": views.counts(found["by_action"], say, values),
            "patterns": views.patterns(unusual, names, say, visit.moments, values),
        }
    return Page(
        "audit/templates/statement.html",
        "title.audit",
        page,
        fields=_SPAN,
        refusal=answer if refused else None,
    )


def _finding(one: Mapping[str, Any], visit: Visit) -> str:
    what = visit.say(f"audit.finding.{one['code']}")
    return visit.say("audit.finding", n=one["sequence"], what=what)


@screens.page("/audit/identities", query=("cursor",))
async def identities(visit: Visit) -> Page:
    """Show access changes with the names of the author and the subject. Each view is recorded too."""
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
                    one.get("target_name") or ("" if one["kind"] == "record" else one["target"]),
                    views.by(one.get("by_name") or one["by_subject"], one["by_client"]),
                )
                for one in listed.items
            ],
            "more": f"/console/audit/identities?cursor={cursor}" if cursor else "",
        },
    )


async def _names(visit: Visit, listed: Answer) -> dict[str, str]:
    """Return the names of the organisations and people in these rows, by id."""
    return await _named(
        visit,
        {one["organisation_id"] for one in listed.items},
        {one.get("client") or one.get("client_id") for one in listed.items},
    )


async def _named(
    visit: Visit, organisations: set[str | None], people: set[str | None]
) -> dict[str, str]:
    ids = sorted(each for each in organisations if each)
    found: dict[str, str] = {}
    for begin in range(0, len(ids), _AT_ONCE):
        wanted = {"organization_id": ids[begin : begin + _AT_ONCE]}
        named = await visit.calls.post("/directory/v1/names", wanted)
        if named.ok:
            found |= {one["id"]: one["name"] for one in named.body["organizations"]}
    return found | await _people(visit, people)


async def _services(visit: Visit, ids: set[str | None]) -> dict[str, str]:
    """Return the names of the services that the auditor may see. Restricted services show their code only."""
    wanted = sorted(each for each in ids if each and is_id(each))
    if not wanted:
        return {}
    named = await visit.calls.post("/directory/v1/names", {"service_id": wanted})
    return {one["id"]: one["name"] for one in named.body["services"]} if named.ok else {}


async def _people(visit: Visit, ids: set[str | None]) -> dict[str, str]:
    wanted = sorted(each for each in ids if each and is_id(each))
    found: dict[str, str] = {}
    for begin in range(0, len(wanted), _AT_ONCE):
        some = wanted[begin : begin + _AT_ONCE]
        listed = await visit.calls.get(_PEOPLE, id=some, limit=_AT_ONCE)
        found |= {one["id"]: one["sign_in_name"] for one in listed.items}
    return found


async def _meant(visit: Visit, asked: dict[str, str]) -> tuple[dict[str, str], Answer | None]:
    """Replace names of people and organisations with their ids. Refuse unknown names, because an empty list would
    suggest that nobody read anything."""
    meant, doer, organisation = dict(asked), asked.get("doer", ""), asked.get("organisation_id", "")
    for name in _SPAN:
        if name in asked and not views.is_moment(asked[name]):
            return meant, _unknown(name, "date_from_datetime_parsing")
    if doer:
        by = {"id": doer} if is_id(doer) else {"sign_in_name": doer.lower()}
        people = await visit.calls.get(_PEOPLE, **by)
        if people.items:
            meant["doer"] = people.items[0]["id"]
        elif is_id(doer):
            return meant, _unknown("doer", "no_such_person")
    if organisation and not is_id(organisation):
        listed = await visit.calls.get("/directory/v1/organizations", search=organisation)
        shown(listed)
        found = [(one["id"], one["name"]) for one in listed.items]
        exact = [one for one in found if one[1].casefold() == organisation.casefold()]
        if len(exact or found) != 1:
            code = "several_organisations" if found else "no_such_organisation"
            names = ", ".join(name for _, name in found[:_SHOWN])
            return meant, _unknown("organisation_id", code, names=names)
        meant["organisation_id"] = (exact or found)[0][0]
    return meant, None


def _unknown(name: str, code: str, **params: str) -> Answer:
    error = {"pointer": f"/{name}", "code": code, "params": params}
    return Answer(422, {"code": "invalid", "errors": [error]})


@screens.file("/audit/record.csv", query=views.FILTERS)
async def export(visit: Visit) -> Download:
    """Download the API's table with the names that the page shows added."""
    values = _values(visit)
    asked, unknown = await _meant(visit, views.asked_of(values, visit.moments.offset))
    if unknown is not None:
        raise NotShown(unknown)
    found = await visit.calls.file("/referrals/v1/audit/export", **asked)
    table = downloaded(found, "audit.csv")
    rows = list(csv.DictReader(StringIO(table.content.decode())))
    names = await _named(
        visit, {row["organisation_id"] for row in rows}, {row["client"] for row in rows}
    )
    return replace(table, content=views.named(table.content.decode(), names).encode())


@screens.page("/audit/chains/{chain:uuid}", query=("cursor",))
async def chain(visit: Visit) -> Page:
    """Show the entries of one case or organisation in order, and whether their seal is intact."""
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
            "findings": [_finding(one, visit) for one in verified.body["findings"]],
            "entries": views.entries(
                listed.items, await _names(visit, listed), lists, visit.say, visit.moments
            ),
            "more": next_page(f"/console/audit/chains/{identifier}", listed),
            "export": f"/console/audit/record.csv?case_id={identifier}",
        },
    )
