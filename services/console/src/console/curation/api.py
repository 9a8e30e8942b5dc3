"""Pages for coordinators: entries for review beside their published version, possible safe houses, endorsements, risk
messages, successions."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from console.answers import Answer, together
from console.codes import Areas, Codes
from console.commands import Command, Field
from console.conflicts import Say, is_conflict, opened_and_now
from console.curation import views
from console.forms import Typed, body, flat
from console.listings import next_page, organisation_names, organisations
from console.referral_views import short_code
from console.screens.routing import Screens
from console.screens.visit import Elsewhere, Outcome, Page, Refused, Visit, one_of, shown

screens = Screens()
RECORDS = "/directory/v1/records/services"
_HOUSES = "/directory/v1/records/houses"
_MESSAGES = "/directory/v1/risk-messages"
AORS = ("CP", "GBV", "TIP", "GP")
STATES = ("submitted", "approved", "returned", "draft", "withdrawn")
EVERY = "every"
CAPACITIES = ("accepting", "waitlist", "full")
_SUCCESSIONS = "/directory/v1/successions"
_MOST_SERVICES = 500
PROPOSE = Command(
    "succession",
    _SUCCESSIONS,
    (
        Field("organisation_id", "given"),
        Field("successor_id", "pick"),
        Field("kind", "choice", ("ended", "merged", "split")),
        Field("service_ids", "several"),
        Field("areas", "several"),
    ),
)
_REASON = ("reason",)
MESSAGE = (
    "aor",
    "areas[]",
    "texts/es/title",
    "texts/en/title",
    "texts/es/body",
    "texts/en/body",
    "texts/es/sms",
    "texts/en/sms",
    "valid_until",
)


@screens.page("/entries", query=("search", "state", "cursor"))
async def entries(visit: Visit) -> Page:
    search = visit.asked("search")
    state = visit.asked("state") or (EVERY if search else "submitted")
    listed = await visit.calls.get(
        RECORDS,
        search=search,
        state="" if state == EVERY else state,
        limit=50,
        cursor=visit.asked("cursor"),
    )
    shown(listed)
    cursor = listed.body.get("next_cursor")
    say = visit.say
    return Page(
        "curation/templates/entries.html",
        "title.entries",
        {
            "lines": views.lines(listed.items, say, visit.moments),
            "search": search,
            "state": state,
            "states": (*STATES, EVERY),
            "address": f"/console/entries?{urlencode({'search': search})}&state=",
            "more": f"/console/entries?{urlencode({'search': search, 'state': state, 'cursor': cursor})}"
            if cursor
            else "",
        },
    )


@screens.page("/entries/{service_id:uuid}", query=("done",))
async def entry(visit: Visit) -> Page:
    identifier = visit.ids["service_id"]
    one, review, doubles, history = await together(
        visit.calls.get(f"{RECORDS}/{identifier}"),
        visit.calls.get(f"{RECORDS}/{identifier}/review"),
        visit.calls.get(f"{RECORDS}/{identifier}/duplicates"),
        visit.calls.get(f"{RECORDS}/{identifier}/history", limit=20),
    )
    record = shown(one)
    say, codes = visit.say, Codes(visit.language)
    found = review.body if review.ok else None
    return Page(
        "curation/templates/entry.html",
        "title.entries",
        {
            "record": record,
            "version": one.version,
            "name": views.name_in(record["document"], visit.language),
            "state": say.known(f"entry.state.{record['state']}", "entry.state.other"),
            "changes": views.changes(found["differences"], say, codes) if found else [],
            "new": found is not None and found["approved"] is None,
            "previews": views.previews(found["views"], say, codes) if found else [],
            "away": [
                say(f"entry.part.{name}")
                for name, answer in (
                    ("review", review),
                    ("duplicates", doubles),
                    ("history", history),
                )
                if not answer.ok and answer.status not in {403, 404}
            ],
            "doubles": [_double(each, visit, record["state"]) for each in doubles.items],
            "history": [
                (visit.moments.at(each["at"]), *views.changed(each, say, codes))
                for each in history.items
            ],
            # Nobody can approve a change here without seeing it and the people it affects.
            "steps": [
                step
                for step in record["possible_steps"]
                if step == "return" or (step == "approve" and review.answered)
            ],
            "withheld": record["withheld"],
            "editable": record["state"] != "merged" and visit.visitor.may("directory:write"),
            "withdrawable": "withdraw" in record["possible_steps"]
            and visit.visitor.may("directory:write")
            and str(visit.visitor.principal.organisation_id)
            in {record["managed_by"], record["document"].get("organization_id")},
            "endorsable": sorted(visit.visitor.principal.aors)
            if record["published"] and not record["withheld"]
            else [],
            "endorsed": views.endorsed(found["views"]) if found else None,
            "verifiable": record["published"] and visit.visitor.may("directory:write"),
            "capacities": CAPACITIES,
            "done": visit.asked("done") and visit.refusal is None,
        },
        fields=_REASON,
        address=f"/console/entries/{identifier}",
        versions=opened_and_now(views.since(history.items, visit.typed.one("version"), say, codes))
        if is_conflict(visit.refusal)
        else None,
    )


def _double(one: Mapping[str, Any], visit: Visit, state: str) -> Mapping[str, Any]:
    say = visit.say
    why = [
        say(f"entry.same.{name}")
        for name in ("phone", "place", "organisation")
        if one[f"same_{name}"]
    ]
    return {
        "id": one["id"],
        "mergeable": one["mergeable"] and state != "merged",
        "path": f"/console/entries/{one['id']}",
        "name": one["name"],
        "why": ", ".join([say("entry.likeness", percent=round(one["likeness"] * 100)), *why]),
    }


def _decide(step: str) -> None:
    @screens.form(f"/entries/{{service_id:uuid}}/{step}", show=entry)
    async def decide(visit: Visit) -> Outcome:
        identifier = visit.ids["service_id"]
        answer = await visit.calls.post(
            f"{RECORDS}/{identifier}/{step}",
            body(visit.typed, _REASON),
            key=visit.key,
            version=visit.typed.one("version"),
        )
        return Elsewhere(f"/console/entries/{identifier}?done=1") if answer.ok else Refused(answer)


for each in ("approve", "return"):
    _decide(each)


@screens.form("/entries/{service_id:uuid}/verify", show=entry)
async def verify(visit: Visit) -> Outcome:
    identifier = visit.ids["service_id"]
    answer = await visit.calls.post(f"{RECORDS}/{identifier}/verify", {}, key=visit.key)
    return Elsewhere(f"/console/entries/{identifier}?done=1") if answer.ok else Refused(answer)


@screens.form("/entries/{service_id:uuid}/capacity", show=entry)
async def capacity(visit: Visit) -> Outcome:
    identifier = visit.ids["service_id"]
    answer = await visit.calls.put(
        f"/directory/v1/services/{identifier}/capacity",
        {"state": visit.typed.one("state")},
        key=visit.key,
    )
    return Elsewhere(f"/console/entries/{identifier}?done=1") if answer.ok else Refused(answer)


@screens.form("/entries/{service_id:uuid}/endorse", show=entry)
async def endorse(visit: Visit) -> Outcome:
    identifier, aor = visit.ids["service_id"], visit.typed.one("aor")
    if visit.typed.one("end"):
        answer = await visit.calls.delete(
            f"/directory/v1/endorsements/{identifier}/{aor}", key=visit.key
        )
    else:
        wanted = {"service_id": identifier, "aor": aor}
        answer = await visit.calls.post("/directory/v1/endorsements", wanted, key=visit.key)
    return Elsewhere(f"/console/entries/{identifier}?done=1") if answer.ok else Refused(answer)


@screens.page("/houses", query=("cursor",))
async def houses(visit: Visit) -> Page:
    """List entries waiting for review whose text suggests a safe house, oldest first."""
    listed = await visit.calls.get(_HOUSES, limit=50, cursor=visit.asked("cursor"))
    shown(listed)
    cursor = listed.body.get("next_cursor")
    return Page(
        "curation/templates/houses.html",
        "title.houses",
        {
            "houses": [
                {
                    **one,
                    "entry": f"/console/entries/{one['id']}" if one["kind"] == "service" else "",
                    "level": visit.say.known(f"visibility.{one['visibility']}", "code.other"),
                    "at": visit.moments.day(one["since"]),
                }
                for one in listed.items
            ],
            "more": f"/console/houses?cursor={cursor}" if cursor else "",
        },
        address="/console/houses",
    )


@screens.form("/houses/{entity_id:uuid}", show=houses)
async def look(visit: Visit) -> Outcome:
    """Submit the decision on a review. The API refuses if the text has changed since the page was shown."""
    said = body(visit.typed, ("is_house", "words[]"))
    answer = await visit.calls.post(f"{_HOUSES}/{visit.ids['entity_id']}", said, key=visit.key)
    return Elsewhere("/console/houses") if answer.ok else Refused(answer)


@screens.page("/endorsements", query=("aor", "area", "cursor"))
async def endorsements(visit: Visit) -> Page:
    own = sorted(visit.visitor.principal.aors) or list(AORS)
    aor = visit.asked("aor") or own[0]
    area = visit.asked("area")
    listed, suggested = await together(
        visit.calls.get(
            "/directory/v1/endorsements", aor=aor, limit=50, cursor=visit.asked("cursor")
        ),
        visit.calls.get(
            "/directory/v1/endorsements/suggestions", aor=aor, area=area or visit.country
        ),
    )
    shown(listed)
    ids = [one["service_id"] for one in listed.items]
    named = await visit.calls.post("/directory/v1/names", {"service_id": ids}) if ids else None
    names = {one["id"]: one["name"] for one in named.body["services"]} if named and named.ok else {}
    codes, cursor = Codes(visit.language), listed.body.get("next_cursor")
    return Page(
        "curation/templates/endorsements.html",
        "title.endorsements",
        {
            "aor": aor,
            "aors": [(one, visit.say(f"aor.{one}")) for one in own],
            "area": area,
            "groups": Areas(visit.country).groups,
            "endorsed": [
                {
                    "id": one["service_id"],
                    "name": names.get(one["service_id"], short_code(one["service_id"])),
                    "at": visit.moments.at(one["endorsed_at"]),
                }
                for one in listed.items
            ],
            "suggested": [
                {
                    "id": one["service_id"],
                    "name": one["name"],
                    "of": one["organisation"] or "",
                    "need": codes.need(one["need"]),
                    "areas": ", ".join(codes.place(place) for place in one["areas"][:6]),
                }
                for one in (suggested.body["items"] if suggested.ok else [])
            ],
            "away": not suggested.ok and suggested.status not in {403, 422},
            "may_write": visit.visitor.may("directory:curate"),
            "more": f"/console/endorsements?aor={aor}&cursor={cursor}" if cursor else "",
        },
    )


@screens.form("/endorsements", show=endorsements)
async def endorse_suggested(visit: Visit) -> Outcome:
    wanted = {"service_id": visit.typed.one("service_id"), "aor": visit.typed.one("aor")}
    answer = await visit.calls.post("/directory/v1/endorsements", wanted, key=visit.key)
    return Elsewhere(f"/console/endorsements?aor={wanted['aor']}") if answer.ok else Refused(answer)


@screens.page("/risks")
async def risks(visit: Visit) -> Page:
    listed = await visit.calls.get(f"{_MESSAGES}/own")
    found = shown(listed)
    say, codes = visit.say, Codes(visit.language)
    return Page(
        "curation/templates/risks.html",
        "title.risks",
        {
            "rows": [
                {
                    "path": f"/console/risks/{one['id']}",
                    "title": one["texts"][visit.language]["title"],
                    "aor": say(f"aor.{one['aor']}"),
                    "areas": ", ".join(codes.place(place) for place in one["areas"])
                    or say("risks.everywhere"),
                    "state": say(f"risks.state.{one['state']}"),
                    "live": one["state"] == "published",
                    "until": visit.moments.day(one["valid_until"]),
                }
                for one in found
            ],
        },
    )


def message_of(typed: Typed) -> dict[str, Any]:
    """Return the message. If no area is ticked, it applies everywhere."""
    return {"areas": [], **body(typed, MESSAGE)}


def _message_page(visit: Visit, message: Mapping[str, Any] | None) -> Page:
    say = visit.say
    texts = message["texts"] if message else {}
    return Page(
        "curation/templates/risk.html",
        "title.risks",
        {
            "message": message,
            "texts": texts,
            "languages": [("es", say("risks.es")), ("en", say("risks.en"))],
            "counts": {code: parts(text.get("sms", "")) for code, text in texts.items()},
            "aors": [
                (one, say(f"aor.{one}")) for one in sorted(visit.visitor.principal.aors) or AORS
            ],
            "places": [
                (code, name) for _, group in Areas(visit.country).groups for code, name in group[:1]
            ],
            "state": say(f"risks.state.{message['state']}") if message else "",
            "done": visit.asked("done") and visit.refusal is None,
        },
        fields=MESSAGE,
        address=visit.path if message is None else f"/console/risks/{message['id']}",
        # The publishing form contains no text.
        versions=visit.beside(flat(message, MESSAGE), MESSAGE, worded=_worded(visit))
        if visit.typed.has("aor")
        else None,
    )


def _worded(visit: Visit) -> Say:
    codes = Codes(visit.language)
    known = {
        "aor": lambda code: visit.say.known(f"aor.{code}", "field.aor"),
        "areas[]": codes.place,
    }
    return lambda name, value: known.get(name, str)(value)


_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The characters of GSM 03.38. With any other, a text message has 70 instead of 160 characters."""


def parts(text: str) -> tuple[int, int]:
    """Return the number of characters in a text message, and the number of parts it is sent in."""
    one, several = (160, 153) if set(text) <= _BASIC else (70, 67)
    return len(text), 1 if len(text) <= one else -(-len(text) // several)


@screens.page("/risks/new")
async def new_risk(visit: Visit) -> Page:
    return _message_page(visit, None)


@screens.form("/risks/new", show=new_risk)
async def write_risk(visit: Visit) -> Outcome:
    answer = await visit.calls.post(_MESSAGES, message_of(visit.typed), key=visit.key)
    return _written(answer)


def _written(answer: Answer) -> Outcome:
    return Elsewhere(f"/console/risks/{answer.body['id']}?done=1") if answer.ok else Refused(answer)


@screens.page("/risks/{message_id:uuid}", query=("done",))
async def risk(visit: Visit) -> Page:
    listed = await visit.calls.get(f"{_MESSAGES}/own")
    return _message_page(visit, one_of(listed, visit.ids["message_id"]))


@screens.form("/risks/{message_id:uuid}", show=risk)
async def rewrite_risk(visit: Visit) -> Outcome:
    path = f"{_MESSAGES}/{visit.ids['message_id']}"
    version = visit.typed.one("version")
    return _written(
        await visit.calls.put(path, message_of(visit.typed), key=visit.key, version=version)
    )


@screens.form("/risks/{message_id:uuid}/publish", show=risk)
async def publish_risk(visit: Visit) -> Outcome:
    path = f"{_MESSAGES}/{visit.ids['message_id']}/publish"
    version = visit.typed.one("version")
    return _written(await visit.calls.post(path, {}, key=visit.key, version=version))


@screens.form("/risks/{message_id:uuid}/withdraw", show=risk)
async def withdraw_risk(visit: Visit) -> Outcome:
    path = f"{_MESSAGES}/{visit.ids['message_id']}/withdraw"
    return _written(await visit.calls.post(path, {}, key=visit.key))


@screens.page("/successions", query=("cursor", "from"))
async def successions(visit: Visit) -> Page:
    """Show which organisation succeeds which. One person proposes a succession here, another confirms it. Whoever
    proposes it first chooses the former organisation, because the form lists its services."""
    listed, (others, choices) = await asyncio.gather(
        visit.calls.get(_SUCCESSIONS, limit=50, cursor=visit.asked("cursor")),
        organisations(visit.calls, visit.visitor),
    )
    shown(listed)
    shown(others)
    sides = {one[side] for one in listed.items for side in ("organisation_id", "successor_id")}
    names = await organisation_names(visit.calls, sides)
    say = visit.say
    former = visit.asked("from") or visit.typed.one("succession/organisation_id")
    return Page(
        "curation/templates/successions.html",
        "title.successions",
        {
            "command": PROPOSE,
            "organisations": choices,
            "former": former,
            "former_name": dict(choices).get(former),
            "options": {
                "successor_id": [each for each in choices if each[0] != former],
                "service_ids": await _services_of(visit, former) if former in dict(choices) else [],
                "areas": [places[0] for _, places in Areas(visit.country).groups],
            },
            "rows": [
                {
                    "id": one["id"],
                    "what": say(
                        f"successions.{one['kind']}",
                        former=names.get(
                            one["organisation_id"], short_code(one["organisation_id"])
                        ),
                        successor=names.get(one["successor_id"], short_code(one["successor_id"])),
                    ),
                    "state": say(f"successions.state.{one['status']}"),
                    "at": visit.moments.at(one["decided_at"] or one["proposed_at"]),
                    "waits": one["status"] == "proposed",
                    "own": one["proposed_by"] == visit.visitor.principal.subject,
                }
                for one in listed.items
            ],
            "more": next_page("/console/successions", listed),
        },
    )


async def _services_of(visit: Visit, organisation: str) -> list[tuple[str, str]]:
    found = shown(
        await visit.calls.get(
            "/directory/v1/services", organization_id=organisation, per_page=_MOST_SERVICES
        )
    )
    return [(one["id"], one["name"]) for one in found["contents"]]


screens.command("/successions", PROPOSE, show=successions, to="/console/successions")


@screens.form("/successions/{succession_id:uuid}/confirm", show=successions)
async def confirm_succession(visit: Visit) -> Outcome:
    return await _succession(visit, "confirm")


@screens.form("/successions/{succession_id:uuid}/refuse", show=successions)
async def refuse_succession(visit: Visit) -> Outcome:
    return await _succession(visit, "refuse")


async def _succession(visit: Visit, step: str) -> Outcome:
    path = f"{_SUCCESSIONS}/{visit.ids['succession_id']}/{step}"
    answer = await visit.calls.post(path, {}, key=visit.key)
    return Elsewhere("/console/successions") if answer.ok else Refused(answer)
