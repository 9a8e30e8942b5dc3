"""API calls of the referral page, and of sending a referral."""

from dataclasses import dataclass
from typing import Any

from common.words.referral_states import ANSWERED, OPEN, UNMET, ReferralState

from console.answers import Answer, together
from console.commands import key_of
from console.doings import is_id
from console.referrals import refer
from console.referrals.steps import ASK_AGAIN, RENEW
from console.screens.visit import Visit, shown

_REFERRALS = "/referrals/v1/referrals"
# Before these states, the recipient has read nothing; afterwards, there is nothing left to read.
_READABLE = ANSWERED - {ReferralState.DECLINED}


@dataclass(frozen=True)
class Looked:
    """The data of a referral's page.

    `disclosure` is None if the caller is not the recipient or may not read it now. `offers` are services that the
    recipient may suggest. `grant` is a consent for sending a draft: empty if there is none, None if unknown. `phones`
    are the service's phone numbers, set only while nobody there could be notified. `word` is the open referral's
    consent; `fresh` is another consent that could replace it.
    """

    view: Any
    disclosure: Answer | None
    names: dict[str, str]
    people: dict[str, str]
    alternatives: list[Any]
    offers: list[tuple[str, str]]
    received: bool
    sent: bool
    grant: str | None
    phones: list[str]
    word: Any
    fresh: str


async def look(visit: Visit) -> Looked:
    """Fetch the data in two rounds. The referral comes first, because it decides whether there is content to read. A
    read whose content nobody sees must not be recorded."""
    path = f"{_REFERRALS}/{visit.ids['referral_id']}"
    one, people = await together(
        visit.calls.get(path, **{"with": ["history", "readings", "alternatives"]}),
        visit.calls.get("/identity/v1/colleagues", limit=200),
    )
    view = shown(one)
    own, drafted = str(visit.visitor.principal.organisation_id), view["state"] == "draft"
    received = view["to_organisation"] == own and not drafted
    sent = view["from_organisation"] == own
    readable = received and view["state"] in _READABLE
    alternatives = _with_suggested((view["alternatives"] or [])[:6], view) if sent else []
    declinable = received and "decline" in view["legal_transitions"]
    unheard = sent and view.get("unheard_at") is not None
    asked_again = sent and not received and view["grant_id"] and view["state"] in OPEN
    disclosure, drafted_or_offered, named, reached = await together(
        visit.calls.get(f"{path}/disclosure") if readable else _nothing(),
        visit.calls.get("/referrals/v1/consents", case_id=view["case_id"], status="active")
        if drafted
        else visit.calls.get("/referrals/v1/consents", case_id=view["case_id"])
        if asked_again
        else _offers(visit, view)
        if declinable
        else _nothing(),
        visit.calls.post("/directory/v1/names", _asked(view, alternatives)),
        visit.calls.get(f"/directory/v1/services/{view['service_id']}") if unheard else _nothing(),
    )
    return Looked(
        view,
        disclosure if readable else None,
        _names(named),
        {one["id"]: one["sign_in_name"] for one in people.items},
        alternatives,
        [
            (str(one["id"]), str(one["name"]))
            for one in (drafted_or_offered.items if declinable else [])
            if one["id"] != view["service_id"]
        ],
        received,
        sent,
        _grant(drafted_or_offered, view) if drafted else "",
        _phones(reached) if unheard else [],
        _word(drafted_or_offered, view) if asked_again else None,
        _fresh(drafted_or_offered, view) if asked_again else "",
    )


def _phones(service: Answer) -> list[str]:
    """Return the phone numbers of a service whose staff could not be notified; empty if the directory hides the
    service."""
    found = service.body if service.ok else {}
    return [one["number"] for one in found.get("phones") or () if one.get("number")]


def _with_suggested(listed: list[Any], view: Any) -> list[Any]:
    """Return the alternatives, with the recipient's suggestion first even if no pathway ranks it."""
    named = view["suggested_service_id"]
    if named is None or view["alternatives"] is None:
        return listed
    first = next((one for one in listed if one["service_id"] == named), None) or {
        "service_id": named,
        "organisation_id": None,
        "capacity_state": None,
    }
    return [first, *(one for one in listed if one["service_id"] != named)]


async def _offers(visit: Visit, view: Any) -> Answer:
    """Fetch services for the same need that the recipient may suggest."""
    return await visit.calls.get(
        "/directory/v1/services",
        category=view["category"],
        referable="true",
        minimal="true",
        per_page=100,
    )


_CAME_TO_NOTHING = {*UNMET, ReferralState.RECALLED, ReferralState.NOT_DELIVERED}


def replaced(visit: Visit, listed: Answer) -> Any:
    """Return the referral that the new one replaces, or None."""
    sought = visit.typed.one("replaces") or visit.asked("replaces")
    return next((one for one in listed.items if sought and one["id"] == sought), None)


async def last_shared(visit: Visit, one: Any) -> Answer:
    """Return the content of the last failed attempt; empty if the person withdrew the referral."""
    if one is None or not one.get("sent_at") or one["state"] not in _CAME_TO_NOTHING:
        return Answer(404, None)
    return await visit.calls.get(f"{_REFERRALS}/{one['id']}/disclosure")


async def named(visit: Visit, service_id: str) -> Answer:
    if not service_id or not is_id(service_id):
        return Answer(404, None)
    return await visit.calls.get(f"/directory/v1/services/{service_id}")


async def _nothing() -> Answer:
    return Answer(200, None)


def _asked(view: Any, alternatives: list[Any]) -> dict[str, list[str]]:
    services = {view["service_id"], *(one["service_id"] for one in alternatives)}
    organisations = {view["from_organisation"], view["to_organisation"]}
    organisations |= {one["organisation_id"] for one in alternatives} - {None}
    organisations |= {one["organisation_id"] for one in view.get("history") or []} - {None}
    return {"service_id": sorted(services), "organization_id": sorted(organisations)}


def _grant(consents: Answer, view: Any) -> str | None:
    """Return the newest valid consent for sending a draft; the API decides whether it covers everything."""
    if not consents.answered:
        return None
    fits = (
        str(one["id"])
        for one in consents.items
        if (one["service_id"], one["purpose"]) == (view["service_id"], view["category"])
    )
    return next(fits, "")


def _word(consents: Answer, view: Any) -> Any:
    if not consents.answered:
        return None
    return next((one for one in consents.items if one["id"] == view["grant_id"]), None)


def _fresh(consents: Answer, view: Any) -> str:
    """Return the newest valid consent for the same service and need, if it is newer than the current consent."""
    if not consents.answered:
        return ""
    same = (view["service_id"], view["category"])
    fits = (
        str(one["id"])
        for one in consents.items
        if one["status"] == "active" and (one["service_id"], one["purpose"]) == same
    )
    found = next(fits, "")
    return found if found > view["grant_id"] else ""


async def ask_again(visit: Visit) -> Answer:
    """Record the person's decision and continue the referral under it, both or none. If a second person must decide
    first, the page offers the consent once it is valid."""
    view = shown(await visit.calls.get(f"{_REFERRALS}/{visit.ids['referral_id']}"))
    former = shown(await visit.calls.get(f"/referrals/v1/consents/{view['grant_id']}"))
    same = {name: former[name] for name in ("case_id", "service_id", "purpose", "language")}
    consent = {**ASK_AGAIN.made(visit.typed, offset=visit.moments.offset), **same}
    first = key_of(visit.key, consent)
    commands = [
        {"key": first, "path": ASK_AGAIN.path, "body": consent},
        {
            "key": key_of(visit.key, [first]),
            "path": RENEW.path.format(**visit.ids),
            "body": {"grant_id": f"${{{first}.id}}"},
            "only_if": {"key": first, "status": "active"},
        },
    ]
    return await visit.calls.batch(commands)


def _names(answer: Answer) -> dict[str, str]:
    """Return names by id; missing names are hidden from this visitor."""
    if not answer.ok:
        return {}
    return {
        one["id"]: one["name"]
        for kind in ("services", "organizations")
        for one in answer.body[kind]
    }


async def send(visit: Visit, case_id: str) -> Answer:
    """Send the draft, the consent and the sending command in one request, all or none. Return the response to the
    refused part, or else to the referral. If the consent still needs a decision, the draft waits."""
    commands = refer.commands(visit.typed, case_id, visit.key)
    return refer.at_fields(await visit.calls.batch(commands), commands)
