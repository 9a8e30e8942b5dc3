"""Referral pages: sending a referral from a case, the queue of received referrals, and each referral with its steps."""

import asyncio
from collections.abc import Sequence
from typing import Any

from common.words.referral_states import ReferralState, progress

from console import loads
from console.answers import Answer, together
from console.code_lists import situations
from console.codes import SPOKEN, Areas, Codes
from console.forms import body
from console.moments import Moments
from console.referral_views import place_of_appointment, question_asked, row, rows
from console.referrals import refer, service, views
from console.referrals.steps import ASK_AGAIN, LINK, RENEW, STEPS, offered
from console.screens.routing import Screens
from console.screens.visit import Again, Elsewhere, Outcome, Page, Refused, Visit, shown
from console.texts import Wording, wording

screens = Screens()
# Copied from a failed referral: its id, its need, and a possible replacement service.
_REPLACING = ("replaces", "need", "service")
_WAITING, _UNDER_WAY, _CLOSED = (
    tuple(state for state in ReferralState if progress(state) in counted)
    for counted in (("waiting",), ("accepted",), ("delivered", "undelivered"))
)
_RECEIVED = (
    "referral_to_acknowledge",
    "referral_to_decide",
    "referral_to_start",
    "referral_to_close",
    "referral_on_hold",
)
"""Kinds of work of the side that receives."""
_UNMET = (ReferralState.DECLINED, ReferralState.EXPIRED)
_OPEN_TABS = {"to_decide": _WAITING, "under_way": _UNDER_WAY}
_TABS = {**_OPEN_TABS, "closed": _CLOSED}
_SENT = {
    "waiting": _WAITING,
    "under_way": _UNDER_WAY,
    "unmet": _UNMET,
    "draft": (ReferralState.DRAFT,),
    "closed": tuple(state for state in _CLOSED if state not in _UNMET),
}


@screens.page("/cases/{case_id:uuid}/refer", query=_REPLACING)
async def referring(visit: Visit) -> Page:
    """Show on one page the services that help, what the person agrees to share and with whom, and one button."""
    (one, listed, own), known = await asyncio.gather(
        together(
            visit.calls.get(f"/referrals/v1/cases/{visit.ids['case_id']}"),
            visit.calls.get("/referrals/v1/referrals", case_id=visit.ids["case_id"], limit=200),
            visit.calls.get(
                "/directory/v1/services",
                organization_id=visit.visitor.principal.organisation_id,
                minimal="true",
                per_page=500,
            ),
        ),
        situations(visit.calls, visit.language),
    )
    case = shown(one)
    held = refer.on_record(case)
    profile = refer.profile(visit.typed, case)
    need = visit.typed.one("facts/needs[]") or visit.asked("need")
    if need:
        profile["needs"] = [need]
    wanted = visit.asked("service")
    say, codes = visit.say, Codes(visit.language)
    replaced, past = service.replaced(visit, listed), refer.before(listed.items)
    resolved, last, named = await together(
        visit.calls.post("/directory/v1/pathways/resolve", profile),
        service.last_shared(visit, replaced),
        service.named(visit, wanted),
    )
    steps = (
        refer.steps(
            resolved.body,
            say,
            codes,
            visit.moments,
            own={each["id"] for each in own.items},
            wanted=wanted,
            before=past,
        )
        if resolved.ok
        else []
    )
    why_not = ""
    if wanted and resolved.ok and not refer.is_offered(steps, wanted):
        urgency = replaced["urgency"] if replaced else "routine"
        found = refer.suggestion(named, need, urgency, past, say, codes)
        if isinstance(found, str):
            why_not = say(f"refer.not_offered.{found}")
        else:
            steps = [refer.named_step(found, say, codes.need(need)), *steps]
    carried = refer.carried(last)
    return Page(
        "referrals/templates/refer.html",
        "title.refer",
        {
            "case": case,
            "facts": {"situations": [], "age": "", "sex": "", **profile},
            "place_words": codes.place(profile["area"]),
            "areas": Areas(visit.country).groups,
            "situations": known,
            "steps": steps,
            "first": refer.first_of(steps, wanted),
            "not_offered": why_not,
            "carried": carried,
            "in_addition": any(offer.waits for step in steps for offer in step.offers),
            "need": need,
            "replaces": visit.typed.one("replaces") or visit.asked("replaces"),
            "away": not resolved.ok,
            "items": [(code, say(f"item.{code}")) for code in held],
            "texts": refer.SHARED,
            "agreed_last": [code for code in held if code in carried.get("items[]", ())],
            "rules": [(code, say(f"rule.{code}")) for code in refer.RULES],
            # The person's known languages come first.
            "spoken": [
                (code, codes.spoken(code))
                for code in dict.fromkeys((*profile.get("languages", ()), *SPOKEN))
            ],
            "methods": [(code, say(f"method.{code}")) for code in refer.METHODS],
            "deciders": [
                (code, say(f"decider.{code}")) for code in ("person", "caregiver", "best_interest")
            ],
            "assents": [
                (code, say(f"assent.{code}")) for code in ("agrees", "dissents", "not_asked")
            ],
            "sexes": [(code, say(f"sex.{code}")) for code in ("female", "male", "other")],
            "notices": [one[visit.language] for one in resolved.body["notices"]]
            if resolved.ok
            else [],
        },
        fields=refer.FIELDS,
    )


@screens.form("/cases/{case_id:uuid}/refer", show=referring, query=_REPLACING)
async def refer_now(visit: Visit) -> Outcome:
    if visit.typed.has("look"):  # the facts changed, so send nothing and ask again
        return Again()
    answer = await service.send(visit, visit.ids["case_id"])
    return Elsewhere(f"/console/referrals/{answer.body['id']}") if answer.ok else Refused(answer)


@screens.page("/find")
async def finding(visit: Visit) -> Page:
    """Find help without a case. The page stores no typed text and contains no names."""
    profile = body(visit.typed, refer.FACTS, numbers=refer.NUMBERS).get("facts", {})
    answer = None
    if visit.typed and not visit.typed.has("language_wanted"):
        answer = await visit.calls.post("/directory/v1/pathways/resolve", profile)
    resolution = answer.body if answer is not None and answer.ok else None
    say, codes = visit.say, Codes(visit.language)
    return Page(
        "referrals/templates/find.html",
        "title.find",
        {
            "areas": Areas(visit.country).groups,
            "situations": await situations(visit.calls, visit.language),
            "sexes": [(code, say(f"sex.{code}")) for code in ("female", "male", "other")],
            "looked": resolution is not None,
            "steps": refer.steps(resolution, say, codes, visit.moments) if resolution else [],
            "notices": [one[visit.language] for one in resolution["notices"]] if resolution else [],
            "numbers": [
                (one["number"], one["says"][visit.language])
                for one in (resolution or {}).get("emergency_numbers") or []
            ],
        },
        fields=refer.FACTS,
        refusal=_within(answer) if answer is not None and not answer.ok else None,
    )


@screens.form("/find", show=finding)
async def find(_visit: Visit) -> Outcome:
    """Show the results in the response to the form, because typed text must not appear in addresses."""
    return Again()


def _within(answer: Answer) -> Answer:
    """Return the response with its error pointers mapped to the form's fields."""
    said = answer.body if isinstance(answer.body, dict) else {}
    errors = [{**one, "pointer": f"/facts{one['pointer']}"} for one in said.get("errors") or []]
    return Answer(answer.status, {**said, "errors": errors}, answer.request_id)


@screens.page("/received", query=("tab", "urgency", "cursor"))
async def received(visit: Visit) -> Page:
    tab = visit.asked("tab") or "to_decide"
    listed, counts, waiting, people = await together(
        visit.calls.get(
            "/referrals/v1/referrals/inbox",
            state=_TABS.get(tab, (tab,)),
            urgency=visit.asked("urgency"),
            order=None if tab == "closed" else "deadline",
            cursor=visit.asked("cursor"),
        ),
        visit.calls.get("/referrals/v1/referrals/inbox/counts"),
        visit.calls.get("/referrals/v1/work/load", kind=_RECEIVED),
        visit.calls.get("/identity/v1/colleagues", limit=200),
    )
    names = {one["id"]: one["sign_in_name"] for one in people.items}
    waits = loads.by_kind(waiting.items, names, visit.say, visit.moments)
    numbers = views.numbers(_OPEN_TABS, counts.body, visit.say) if counts.ok else {}
    tabs = [(name, numbers.get(name, "")) for name in _TABS]
    return _queue(visit, listed, "received", tabs, waits)


@screens.page("/sent", query=("tab", "urgency", "cursor"))
async def sent(visit: Visit) -> Page:
    """Show the referrals that this organisation sent, and those that need a response."""
    tab = visit.asked("tab") or "waiting"
    listed = await visit.calls.get(
        "/referrals/v1/referrals",
        state=_SENT.get(tab, (tab,)),
        urgency=visit.asked("urgency"),
        unreplaced="true" if tab == "unmet" else None,
        order="deadline" if tab == "waiting" else None,
        cursor=visit.asked("cursor"),
    )
    return _queue(visit, listed, "sent", [(name, "") for name in _SENT])


def _queue(
    visit: Visit,
    listed: Answer,
    name: str,
    tabs: list[tuple[str, str]],
    waits: Sequence[loads.Load] = (),
) -> Page:
    found = shown(listed)
    return Page(
        "referrals/templates/queue.html",
        f"title.{name}",
        {
            "name": name,
            "loads": waits,
            "rows": rows(found["items"], visit.say, Codes(visit.language), visit.moments),
            "more": found["next_cursor"],
            "tab": visit.asked("tab") or tabs[0][0],
            "tabs": tabs,
            "urgency": visit.asked("urgency"),
        },
    )


@screens.page("/referrals/{referral_id:uuid}")
async def referral(visit: Visit) -> Page:
    found = await service.look(visit)
    view, say, codes, moments = found.view, visit.say, Codes(visit.language), visit.moments
    told = found.disclosure.body if found.disclosure is not None and found.disclosure.ok else None
    confirmable = (
        not found.received and view["state"] == "completed" and not view["feedback_confirmed_at"]
    )
    legal = [each for each in view["legal_transitions"] if each != "send" or found.grant]
    steps = offered(legal, confirmable=confirmable)
    return Page(
        "referrals/templates/referral.html",
        "title.referral",
        {
            "view": view,
            "row": row(view, say, codes, moments),
            "received": found.received,
            "own_case": found.sent,
            "unheard": view.get("unheard_at") is not None,
            "phones": found.phones,
            "grant": found.grant,
            "grants_unknown": found.grant is None,
            "ended": moments.at(view["changed_at"]),
            "service_name": found.names.get(view["service_id"], ""),
            "from_name": found.names.get(view["from_organisation"], ""),
            "to_name": found.names.get(view["to_organisation"], ""),
            "told": views.disclosed(told, say, codes) if told else [],
            "rule": views.rule_of(told["safe_contact"], say) if told else "",
            "rule_code": (told["safe_contact"] or {}).get("rule", "") if told else "",
            "rule_more": (told["safe_contact"] or {}).get("instructions") or "" if told else "",
            "unread": found.disclosure is not None and not found.disclosure.answered,
            "unreadable": found.disclosure is not None and not found.disclosure.ok,
            "history": views.history(
                view.get("history") or [], found.names, found.people, say, codes, moments
            ),
            "appointment": moments.at(view.get("appointment_at")),
            "question": question_asked(view.get("history") or []),
            "place": place_of_appointment(view.get("history") or []),
            "steps": steps,
            "readings": views.readings(view.get("readings") or [], found.names, say, moments),
            "alternatives": [
                {
                    "id": one["service_id"],
                    "name": found.names.get(one["service_id"], ""),
                    "of": found.names.get(one["organisation_id"] or "", ""),
                    "capacity": say.known(f"capacity.{one['capacity_state']}", "capacity.unknown"),
                    "suggested": one["service_id"] == view["suggested_service_id"],
                }
                for one in found.alternatives
                if one["service_id"] in found.names
            ],
            "options": {"suggested_service_id": found.offers},
            "unreadable_since": (found.disclosure.code or "")
            if found.disclosure is not None
            else "",
            "link_command": LINK
            if found.sent and view["state"] in ("sent", "acknowledged")
            else None,
            "renew": RENEW if found.word else None,
            "ask_again": ASK_AGAIN,
            **_asked_again(found, say, moments),
            "may_write": visit.visitor.may("referrals:write"),
            "post": visit.visitor.sign_in_name,
        },
    )


def _asked_again(found: service.Looked, say: Wording, moments: Moments) -> dict[str, Any]:
    """Return when the consent of an open referral expires, and the choices for renewing it."""
    word = found.word
    if word is None:
        return {"word_until": "", "word_over": False, "fresh": "", "again": {}}
    return {
        "word_until": moments.at(word["valid_until"]) if word["valid_until"] else "",
        "word_over": word["status"] == "expired",
        "fresh": found.fresh,
        "agreed_items": word["items"],
        "again": {
            "items": [(code, say(f"item.{code}")) for code in word["items"]],
            "decided_by": [
                (code, say(f"decider.{code}")) for code in ("person", "caregiver", "best_interest")
            ],
            "child_assent": [
                (code, say(f"assent.{code}")) for code in ("agrees", "dissents", "not_asked")
            ],
            "method": [(code, say(f"method.{code}")) for code in refer.METHODS],
        },
    }


@screens.step("/referrals/{referral_id:uuid}", ASK_AGAIN, show=referral)
async def ask_again(visit: Visit) -> Outcome:
    answer = await service.ask_again(visit)
    here = f"/console/referrals/{visit.ids['referral_id']}"
    return Elsewhere(here) if answer.ok else Refused(answer)


@screens.step("/referrals/{referral_id:uuid}", LINK, show=referral)
async def link(visit: Visit) -> Outcome:
    """Create a response link and show it once. Anybody who has the link can respond for the recipient."""
    made = LINK.made(visit.typed, offset=visit.moments.offset)
    path = LINK.path.format(**visit.ids)
    answer = await visit.calls.post(path, made, key=visit.key)
    if not answer.ok or not answer.body.get("url"):
        return Refused(answer if not answer.ok else Answer(409, {"code": "shown_once"}))
    return Page(
        "referrals/templates/link.html",
        "title.link",
        {
            "url": answer.body["url"],
            "until": visit.moments.at(answer.body["expires_at"]),
            "language_of": made.get("language", visit.language),
            "read_aloud": wording(made.get("language", visit.language))("link.read_aloud"),
        },
    )


for each in (RENEW, *STEPS.values()):
    screens.command(
        "/referrals/{referral_id:uuid}", each, show=referral, to="/console/referrals/{referral_id}"
    )
