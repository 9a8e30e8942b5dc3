"""Requests that need a second person's decision. The API refuses decisions on the visitor's own requests.

Above its two buttons, each decision shows the person's age band, the need, the urgency, the requester and the time of
the request.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.answers import AT_ONCE, Answer, together
from console.codes import Codes
from console.referral_views import left, short_code
from console.screens.routing import Screens
from console.screens.visit import Elsewhere, Outcome, Page, Refused, Visit

screens = Screens()
# Page path → path of the decision in the API.
_KINDS = {
    "consents": "/referrals/v1/consents/{}/decision",
    "exceptions": "/referrals/v1/exceptions/{}/decision",
    "break-glass": "/referrals/v1/break-glass/{}/decision",
}


@screens.page("/decisions")
async def decisions(visit: Visit) -> Page:
    consents, exceptions, accesses, work = await together(
        visit.calls.get("/referrals/v1/consents", status="pending", mine_to_decide="true"),
        visit.calls.get("/referrals/v1/exceptions", status="pending", mine_to_decide="true"),
        visit.calls.get("/referrals/v1/break-glass", view="to-decide"),
        visit.calls.get("/referrals/v1/work", kind=_WORK, limit=200),
    )
    asked = [
        *(("consents", one) for one in consents.items),
        *(("exceptions", one) for one in exceptions.items),
        *(("break-glass", one) for one in accesses.items),
    ]
    order = [_decided(one["ids"]) for one in work.items]
    asked.sort(
        key=lambda each: order.index(each[1]["id"]) if each[1]["id"] in order else len(order)
    )
    around = await _around(visit, [one for _, one in asked], work)
    rows = [_row(visit, kind, one, around) for kind, one in asked]
    parts = (("consents", consents), ("exceptions", exceptions), ("break-glass", accesses))
    return Page(
        "decisions/templates/decisions.html",
        "title.decisions",
        {
            "rows": rows,
            "away": [
                visit.say(f"decisions.part.{name}")
                for name, answer in parts
                if not answer.ok and answer.status != 403
            ],
            "more": any(answer.ok and answer.body["next_cursor"] for _, answer in parts),
        },
        address="/console/decisions",
    )


_WORK = ("consent_to_decide", "exception_to_decide", "break_glass_to_decide")
_MOST_CASES = 12
"""The most cases for which the page reads the age; the others show it on their own page."""


@dataclass(frozen=True)
class Around:
    """Data for the rows: cases the visitor may read, services, organisations, colleagues, and work items."""

    cases: Mapping[str, Any]
    services: Mapping[str, Any]
    organisations: Mapping[str, str]
    people: Mapping[str, str]
    work: Mapping[str, Any]


def _decided(ids: Mapping[str, str]) -> str:
    return next(
        (ids[name] for name in ("grant_id", "exception_id", "access_id") if name in ids), ""
    )


async def _around(visit: Visit, asked: Sequence[Mapping[str, Any]], work: Answer) -> Around:
    """Fetch the data. The result omits cases that the visitor may not read (those of another organisation)."""
    if not asked:
        return Around({}, {}, {}, {}, {})
    services = sorted({one["service_id"] for one in asked if one.get("service_id")})
    organisations = sorted({one["organisation_id"] for one in asked if one.get("organisation_id")})
    names, people = await together(
        visit.calls.post(
            "/directory/v1/names", {"service_id": services, "organization_id": organisations}
        ),
        visit.calls.get("/identity/v1/colleagues", limit=200),
    )
    ids = list(dict.fromkeys(one["case_id"] for one in asked if one.get("case_id")))[:_MOST_CASES]
    found: list[Answer] = []
    for begin in range(0, len(ids), AT_ONCE):
        some = ids[begin : begin + AT_ONCE]
        found += await together(*(visit.calls.get(f"/referrals/v1/cases/{each}") for each in some))
    return Around(
        {one.body["id"]: one.body for one in found if one.ok},
        {one["id"]: one for one in names.body["services"]} if names.ok else {},
        {one["id"]: one["name"] for one in names.body["organizations"]} if names.ok else {},
        {one["id"]: one["sign_in_name"] for one in people.items},
        {_decided(one["ids"]): one for one in work.items},
    )


_BANDS = ((5, "0-5"), (11, "6-11"), (14, "12-14"), (17, "15-17"), (59, "18-59"))


def band_of(age: int | None) -> str:
    """Return the age band, which is enough for a decision."""
    if age is None:
        return "unknown"
    return next((band for last, band in _BANDS if age <= last), "60")


def _row(visit: Visit, kind: str, one: Mapping[str, Any], around: Around) -> Mapping[str, Any]:
    """Return a row that uses codes and names: the person, the purpose, the requester, and the requester's own text."""
    say = visit.say
    case = around.cases.get(one.get("case_id") or "")
    service = around.services.get(one.get("service_id") or "", {})
    work = around.work.get(one["id"], {})
    by = (
        around.people.get(one.get("requested_by") or "", ""),
        around.organisations.get(one.get("organisation_id") or "", ""),
    )
    at = one.get("created_at") or one.get("requested_at") or one.get("given_at")
    about = one.get("purpose") or one.get("basis") or ""
    return {
        "kind": kind,
        "id": one["id"],
        "code": case["reference"] if case else short_code(one["id"]),
        "what": say(f"decisions.what.{kind}"),
        "about": Codes(visit.language).need(about)
        if kind == "consents"
        else say.known(f"basis.{about}", "basis.other"),
        "shared": [say(f"item.{item}") for item in one.get("items", [])],
        "decider": say.known(f"decider.{one['decided_by']}", "decider.person")
        if kind == "consents"
        else "",
        "assent": say.known(f"assent.{one['child_assent']}", "assent.not_asked")
        if one.get("child_assent")
        else "",
        "words": one.get("rationale") or one.get("reason") or "",
        "facts": [
            (say(f"decisions.fact.{name}"), value)
            for name, value in (
                ("age", say(f"decisions.band.{band_of(case['age'])}") if case else ""),
                ("need", Codes(visit.language).need(one["purpose"]) if one.get("purpose") else ""),
                (
                    "service",
                    ", ".join(
                        filter(None, (service.get("name"), service.get("organization_name")))
                    ),
                ),
                ("by", ", ".join(filter(None, by))),
                ("since", visit.moments.at(at)),
            )
            if value
        ],
        "urgency": work.get("urgency") or "",
        "left": left(work["due"], say, visit.moments, late=work["group"] == "overdue")
        if work.get("due")
        else "",
        "case": f"/console/cases/{one['case_id']}" if case else "",
    }


def _add(kind: str, path: str) -> None:
    @screens.form(f"/decisions/{kind}/{{id:uuid}}", show=decisions)
    async def decide(visit: Visit) -> Outcome:
        """Record the decision that the pressed button represents."""
        answer = await visit.calls.post(
            path.format(visit.ids["id"]),
            {"approve": visit.typed.one("approve") == "true"},
            key=visit.key,
        )
        return Elsewhere("/console/decisions") if answer.ok else Refused(answer)


for each, where in _KINDS.items():
    _add(each, where)
