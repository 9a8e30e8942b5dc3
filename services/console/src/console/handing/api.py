"""Pages about responsibility for a case; each asks one question."""

from collections.abc import Mapping
from typing import Any

from common.words.referral_states import OPEN

from console.answers import Answer, together
from console.codes import SPOKEN, Codes
from console.commands import Command, key_of
from console.doings import is_id
from console.handing import commands
from console.handing.commands import OFFER, OFFERED
from console.listings import colleagues, organisation_names, organisations
from console.referral_views import rows, short_code
from console.screens.routing import Screens
from console.screens.visit import Elsewhere, Outcome, Page, Refused, Visit, shown


async def _offered(visit: Visit) -> Answer:
    """Send the consent and the offer in one request, both or none. Return the response to the refused part, or else to
    the transfer."""
    consent = {**OFFER.made(visit.typed, offset=visit.moments.offset), "kind": "transfer"}
    first = key_of(visit.key, consent)
    offered = {
        "case_id": visit.ids["case_id"],
        "to_organisation": consent.get("recipient_organisation_id"),
        "grant_id": f"${{{first}.id}}",
        **OFFERED.made(visit.typed, offset=visit.moments.offset),
    }
    commands = [
        {"key": first, "path": "/referrals/v1/consents", "body": consent},
        {"key": key_of(visit.key, offered), "path": "/referrals/v1/transfers", "body": offered},
    ]
    return await visit.calls.batch(commands, answer=1)


screens = Screens()
_CASES = "/referrals/v1/cases"
_CASE = "/console/cases/{case_id}"
# Open items that would remain after the case is closed.
_OPEN = sorted(OPEN)
_WARNS = "govuk-button--warning"


def _of_case(
    title: str,
    texts: str,
    command: Command,
    case: Any,
    *,
    template: str = "of_case",
    **values: Any,
) -> Page:
    return Page(
        f"handing/templates/{template}.html",
        title,
        {"texts": texts, "command": command, "case": case, **values},
    )


@screens.page("/cases/{case_id:uuid}/close")
async def closing(visit: Visit) -> Page:
    """List open referrals and tasks; each has its own page, where the visitor can recall or end it."""
    case_id = visit.ids["case_id"]
    one, listed = await together(
        visit.calls.get(f"{_CASES}/{case_id}"),
        visit.calls.get("/referrals/v1/referrals", case_id=case_id, state=_OPEN, limit=50),
    )
    return _of_case(
        "title.close",
        "close.",
        commands.CLOSE,
        shown(one),
        template="close",
        open=rows(shown(listed)["items"], visit.say, Codes(visit.language), visit.moments),
        classes=_WARNS,
    )


screens.command("/cases/{case_id:uuid}/close", commands.CLOSE, show=closing, to=_CASE)


@screens.page("/cases/{case_id:uuid}/responsible")
async def responsible(visit: Visit) -> Page:
    case = shown(await visit.calls.get(f"{_CASES}/{visit.ids['case_id']}"))
    answer, people = await colleagues(visit.calls)
    shown(answer)
    names = {one["id"]: one["sign_in_name"] for one in people}
    by = case["assigned_to"] or ""
    return _of_case(
        "title.responsible",
        "responsible.",
        commands.ASSIGN,
        case,
        template="responsible",
        now=names.get(by, short_code(by) if is_id(by) else by),
        options={
            "assigned_to": [(one["id"], one["sign_in_name"]) for one in people if one["active"]]
        },
        values={"assigned_to": case["assigned_to"]},
    )


@screens.step("/cases/{case_id:uuid}/responsible", commands.ASSIGN, show=responsible)
async def assign(visit: Visit) -> Outcome:
    """Assign the case to a person or to nobody."""
    chosen = commands.ASSIGN.made(visit.typed, offset=visit.moments.offset).get("assigned_to")
    answer = await visit.calls.post(
        commands.ASSIGN.path.format(**visit.ids), {"assigned_to": chosen}, key=visit.key
    )
    return Elsewhere(_CASE.format(**visit.ids)) if answer.ok else Refused(answer)


async def _others(visit: Visit) -> list[tuple[str, str]]:
    """Return the organisations to choose from. Raise NotShown if the API does not respond, because the page would be
    useless."""
    answer, found = await organisations(visit.calls, visit.visitor)
    shown(answer)
    return found


@screens.page("/cases/{case_id:uuid}/implicated")
async def implicated(visit: Visit) -> Page:
    """Show the consequences in advance: an implicated organisation receives nothing more about the case."""
    case_id = visit.ids["case_id"]
    one, listed = await together(
        visit.calls.get(f"{_CASES}/{case_id}"),
        visit.calls.get("/referrals/v1/referrals", case_id=case_id, state=_OPEN, limit=50),
    )
    case, others = shown(one), await _others(visit)
    names, codes = dict(others), Codes(visit.language)
    return _of_case(
        "title.implicated",
        "implicated.",
        commands.IMPLICATED,
        case,
        template="implicated",
        open=[
            (names.get(each["to_organisation"], ""), row)
            for each, row in zip(
                shown(listed)["items"],
                rows(listed.items, visit.say, codes, visit.moments),
                strict=True,
            )
            if each["state"] != "draft"
        ],
        options={"organisation_ids": others},
        values={"organisation_ids": tuple(case["implicated_organisations"])},
    )


screens.command("/cases/{case_id:uuid}/implicated", commands.IMPLICATED, show=implicated, to=_CASE)


@screens.page("/cases/{case_id:uuid}/reopening")
async def reopening(visit: Visit) -> Page:
    case = shown(await visit.calls.get(f"{_CASES}/{visit.ids['case_id']}"))
    return _of_case("title.reopen", "reopen.", commands.REOPEN, case)


screens.command("/cases/{case_id:uuid}/reopening", commands.REOPEN, show=reopening, to=_CASE)


@screens.page("/cases/{case_id:uuid}/erasing")
async def erasing(visit: Visit) -> Page:
    case = shown(await visit.calls.get(f"{_CASES}/{visit.ids['case_id']}"))
    return _of_case("title.erase", "erase.", commands.ERASE, case, template="erase", classes=_WARNS)


screens.command("/cases/{case_id:uuid}/erasing", commands.ERASE, show=erasing, to=_CASE)


@screens.page("/cases/{case_id:uuid}/transfer")
async def offering(visit: Visit) -> Page:
    there = f"{_CASES}/{visit.ids['case_id']}"
    one, plan = await together(visit.calls.get(there), visit.calls.get(f"{there}/plan"))
    case = shown(one)
    codes = Codes(visit.language)
    spoken = (*((case["attributes"] or {}).get("languages") or ()), *SPOKEN)
    return _of_case(
        "title.transfer",
        "transfer.",
        commands.OFFER,
        case,
        template="offer",
        offered=commands.OFFERED,
        options={
            "recipient_organisation_id": await _others(visit),
            "language": [(code, codes.spoken(code)) for code in dict.fromkeys(spoken)],
            "need": codes.needs(),
        },
        values={
            "case_id": case["id"],
            "decided_by": "person",
            "language": spoken[0],
            "need": next((need["need"] for need in plan.items), ""),
        },
    )


@screens.step("/cases/{case_id:uuid}/transfer", commands.OFFER, show=offering)
async def offer(visit: Visit) -> Outcome:
    answer = await _offered(visit)
    return Elsewhere(f"/console/transfers/{answer.body['id']}") if answer.ok else Refused(answer)


@screens.page("/transfers", query=("cursor",))
async def transfers(visit: Visit) -> Page:
    found = shown(
        await visit.calls.get("/referrals/v1/transfers", cursor=visit.asked("cursor"), limit=50)
    )
    names = await organisation_names(visit.calls, _sides(found["items"]))
    return Page(
        "handing/templates/transfers.html",
        "title.transfers",
        {
            "transfers": [_row(one, names, visit) for one in found["items"]],
            "more": found["next_cursor"],
        },
    )


@screens.page("/transfers/{transfer_id:uuid}")
async def transfer(visit: Visit) -> Page:
    one = shown(await visit.calls.get(f"/referrals/v1/transfers/{visit.ids['transfer_id']}"))
    accept = commands.ACCEPT_ASKED if one["asks"] else commands.ACCEPT
    legal = {"accept": accept, "decline": commands.DECLINE, "recall": commands.RECALL}
    row = _row(one, await organisation_names(visit.calls, _sides([one])), visit)
    mine = one["from_organisation"] == str(visit.visitor.principal.organisation_id)
    return Page(
        "handing/templates/offered.html",
        "title.transfer",
        {
            "row": row,
            "facts": _facts(one, row, visit) if row["received"] else [],
            "urgency": (one["offer"] or {}).get("urgency"),
            "ask": one["reference"] if one["asks"] and one["state"] == "offered" else "",
            "options": {
                "consent/language": [(code, Codes(visit.language).spoken(code)) for code in SPOKEN]
            },
            "case_id": one["case_id"] if mine or one["state"] == "accepted" else "",
            "offered": [legal[name] for name in one["legal_transitions"] if name in legal],
            "may_write": visit.visitor.may("referrals:write"),
        },
    )


def _facts(one: Mapping[str, Any], row: Mapping[str, Any], visit: Visit) -> list[tuple[str, str]]:
    """Return the facts for the decision. They reveal only whether the person is a child."""
    say, offer = visit.say, one["offer"]
    if offer is None:
        return []
    age = {None: "unknown", True: "minor", False: "adult"}[offer["minor"]]
    need, why = offer["need"], offer["why"]
    said = (
        ("age", say(f"decisions.band.{age}")),
        ("need", Codes(visit.language).need(need) if need else say("transfer.unsaid")),
        ("why", say.code("offered", why) if why else say("transfer.unsaid")),
        ("by", row["other"]),
        ("since", row["at"]),
    )
    return [(say(f"decisions.fact.{name}"), value) for name, value in said]


def _sides(found: list[Any]) -> set[str]:
    return {one[side] for one in found for side in ("from_organisation", "to_organisation")}


def _row(one: Mapping[str, Any], names: Mapping[str, str], visit: Visit) -> Mapping[str, Any]:
    own = str(visit.visitor.principal.organisation_id)
    received = one["to_organisation"] == own
    other = one["from_organisation"] if received else one["to_organisation"]
    return {
        "id": one["id"],
        "received": received,
        "other": names.get(other, ""),
        "state": visit.say.known(f"transfer.state.{one['state']}", "code.other"),
        "reason": visit.say.code("transfer", one["reason"]) if one["reason"] else "",
        "at": visit.moments.at(one["offered_at"]),
        "decided": visit.moments.at(one["decided_at"]),
    }


for each in (commands.ACCEPT, commands.ACCEPT_ASKED, commands.DECLINE, commands.RECALL):
    screens.command(
        "/transfers/{transfer_id:uuid}", each, show=transfer, to="/console/transfers/{transfer_id}"
    )
