"""From a case to a referral: the search profile, the data to share, and the three commands. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from common.words.choices import items
from common.words.referral_states import OPEN, ReferralState

from console.answers import Answer
from console.codes import Codes
from console.commands import key_of
from console.forms import Typed, body
from console.moments import Moments
from console.referral_views import short_code
from console.texts import Wording

SERVICES_PER_STEP = 2
FACTS = (
    "facts/area",
    "facts/age",
    "facts/sex",
    "facts/situations[]",
    "facts/hours_since_incident",
)
NUMBERS = ("facts/age", "facts/hours_since_incident")
CONSENT = ("decided_by", "child_assent", "language", "method", "items[]")
SHARED = tuple(f"payload/{code}" for code, item in items().items() if not item.asked)
CONTACT = ("safe_contact/rule", "safe_contact/instructions")
# The need and the id of the replaced referral.
REPLACED = ("facts/needs[]", "replaces")
FIELDS = (*FACTS, "service_id", *CONSENT, *SHARED, *CONTACT, "in_addition")
RULES = ("contact_directly", "through_referrer", "person_comes", "do_not_contact")
METHODS = ("verbal", "signed")
REACHED_BY = tuple(code for code, item in items().items() if item.reaches)
"""Items by which a service can contact the person; the API requires one of them."""
_ITEMS = sorted(
    (code for code, item in items().items() if item.asked),
    key=lambda code: items()[code].asked or 0,
)
_TEXTS = tuple(code for code, item in items().items() if not item.asked)
_AT = {"already_open": "/in_addition", "no_way_to_reach": "/safe_contact/rule"}
_URGENCY = {"at_once": "emergency", "within_24_hours": "urgent"}


def profile(typed: Typed, case: Mapping[str, Any]) -> dict[str, Any]:
    """Return the profile from the case, or the typed profile. It contains no identity and is never stored."""
    if any(name.startswith("facts/") for name, _ in typed.pairs):
        given = body(typed, (*FACTS, "facts/needs[]"), numbers=NUMBERS)
        facts: dict[str, Any] = dict(given.get("facts", {}))
    else:
        facts = {}
    attributes = case["attributes"] or {}
    found = {
        "area": facts.get("area") or case["area"] or case["country"],
        "age": facts.get("age", case["age"]),
        "sex": facts.get("sex") or _known(attributes.get("sex")),
        "situations": facts.get("situations", []),
        "needs": facts.get("needs", []),
        "populations": attributes.get("populations", []),
        "languages": attributes.get("languages", []),
        "hours_since_incident": facts.get("hours_since_incident"),
    }
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def _known(sex: str | None) -> str | None:
    return None if sex == "unknown" else sex


def on_record(case: Mapping[str, Any]) -> list[str]:
    """Return the items that the case contains; visitors can select only these."""
    who, attributes = case["identity"] or {}, case["attributes"] or {}
    values = {
        "case_reference": case["reference"],
        "age": case["age"],
        "area": case["area"],
        "caregiver_contact": who.get("caregiver"),
        "sex": _known(attributes.get("sex")),
        **{
            name: who.get(name) for name in ("name", "birth_date", "document", "contact", "address")
        },
        **{
            name: attributes.get(name)
            for name in ("nationality", "languages", "populations", "specific_needs")
        },
    }
    return [item for item in _ITEMS if values[item] not in (None, "", [], {})]


@dataclass(frozen=True)
class Offer:
    """A service offered in a step. `waits` is the code of the person's open referral to the service. `value` is what
    the form sends: need, service, urgency, end of the window."""

    value: str
    name: str
    organisation: str
    place: str
    capacity: str
    reasons: str
    own: bool
    late: bool
    waits: str = ""

    @property
    def service(self) -> str:
        return self.value.split("|")[1]


@dataclass(frozen=True)
class Step:
    number: int
    label: str
    urgency: str
    left: str
    offers: tuple[Offer, ...]
    gap: str
    meanwhile: str
    near: tuple[str, ...]
    folded: bool


def steps(
    resolution: Mapping[str, Any],
    say: Wording,
    codes: Codes,
    moments: Moments,
    *,
    own: Collection[str] = (),
    wanted: str = "",
    before: "Before | None" = None,
) -> list[Step]:
    """Return the steps that the person needs, in order. Each step contains its best services, or a gap with late
    services that the caseworker can still ask.

    Services of the `own` organisation come last, because the visitor is looking for help elsewhere. A `wanted` service
    comes first if it fits. The list omits a service that declined this person for the same need (`before`) as long as
    the reason still applies.
    """
    language = say.language
    past = before or Before()

    def place(service: Mapping[str, Any]) -> tuple[bool, bool]:
        return service["service_id"] != wanted, service["service_id"] in own

    def left(step: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        offered = step["services"] or _late(step)
        return [one for one in offered if (step["need"], one["service_id"]) not in past.declined]

    return [
        Step(
            step["order"],
            step["label"][language],
            step["urgency_says"][language],
            say("refer.hours_left", n=step["remaining_hours"])
            if step.get("remaining_hours")
            else "",
            tuple(
                replace(
                    _offer(step, service, say, codes, moments, service["service_id"] in own),
                    waits=past.waits.get(service["service_id"], ""),
                )
                for service in sorted(left(step), key=place)[:SERVICES_PER_STEP]
            ),
            say("refer.all_declined")
            if step["services"] and not left(step)
            else step["coverage_says"][language]
            if not step["services"]
            else "",
            (step.get("meanwhile") or {}).get(language, ""),
            tuple(
                f"{near['name']}: {near['excluded_by'][0]['says'][language]}"
                for near in (step.get("gap") or {}).get("near_misses", [])[:2]
                if near["excluded_by"]
            ),
            bool(step.get("folded")),
        )
        for step in resolution["steps"]
    ]


def _late(step: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    near = (step.get("gap") or {}).get("near_misses", [])
    return [one for one in near if one.get("late")]


def _offer(
    step: Mapping[str, Any],
    service: Mapping[str, Any],
    say: Wording,
    codes: Codes,
    moments: Moments,
    own: bool,
) -> Offer:
    remaining = step.get("remaining_hours")
    ends = moments.now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=remaining or 0)
    deadline = ends.isoformat() if remaining else ""
    urgency = _URGENCY.get(step["urgency"], "routine")
    reasons = [r for r in service.get("reasons", ()) if r["weighs"] == "for" and r["points"] > 0]
    reasons.sort(key=lambda reason: -reason["points"])
    late = service.get("excluded_by", [])
    return Offer(
        "|".join((step["need"], service["service_id"], urgency, deadline)),
        service["name"],
        service.get("organisation") or "",
        codes.place(service.get("area")),
        say.known(f"capacity.{service.get('capacity_state')}", "capacity.unknown"),
        " · ".join(reason["says"][say.language] for reason in (late or reasons)[:3]),
        own,
        bool(late),
    )


@dataclass(frozen=True)
class Before:
    """The person's earlier referrals. `declined` contains pairs of need and service that are not offered now; `waits`
    maps services to the codes of open referrals."""

    declined: Collection[tuple[str, str]] = ()
    waits: Mapping[str, str] = field(default_factory=dict)


def before(referrals: Iterable[Mapping[str, Any]]) -> Before:
    known = list(referrals)
    return Before(
        {(one["category"], one["service_id"]) for one in known if one.get("offer_again") is False},
        {
            one["service_id"]: short_code(one["id"])
            for one in known
            if one.get("sent_at") and ReferralState(one["state"]) in OPEN
        },
    )


def suggestion(
    service: Answer, need: str, urgency: str, past: Before, say: Wording, codes: Codes
) -> Offer | str:
    """Return an offer for a service that somebody named but no step ranks, or the code of the reason against it."""
    if not service.ok:
        return "unseen" if service.answered else "unknown"
    one = service.body
    if (need, one["id"]) in past.declined:
        return "declined"
    if not one.get("referable"):
        return "closed"
    if need not in one.get("categories", ()):
        return "other_need"
    areas = [area.get("extent") for area in one.get("service_areas", ()) if area.get("extent")]
    return Offer(
        "|".join((need, one["id"], urgency, "")),
        one["name"],
        (one.get("organization") or {}).get("name", ""),
        ", ".join(codes.place(area) for area in areas[:2]),
        say.known(f"capacity.{one.get('capacity_state')}", "capacity.unknown"),
        "",
        own=False,
        late=False,
        waits=past.waits.get(one["id"], ""),
    )


def named_step(offer: Offer, say: Wording, need: str) -> Step:
    """Return a first step with the service that somebody named, before the services that the pathway ranks."""
    return Step(0, say("refer.named"), need, "", (offer,), "", "", (), False)


def carried(disclosure: Answer) -> dict[str, Any]:
    """Return the previously shared values by field, so that the person can agree to them again: items, texts, contact
    rule."""
    if not disclosure.ok:
        return {}
    items = disclosure.body["items"]
    texts = {f"payload/{name}": items[name] for name in _TEXTS if items.get(name)}
    contact = disclosure.body["safe_contact"] or {}
    rules = {f"safe_contact/{name}": value for name, value in contact.items() if value}
    return {"items[]": [one for one in items if one not in _TEXTS], **texts, **rules}


def first_of(found: Sequence[Step], wanted: str = "") -> str:
    """Return the preselected offer: the wanted service, or nothing if it is not offered. Without a wanted service,
    return the first service for which the person is not already waiting."""
    offers = [offer for step in found for offer in step.offers]
    if wanted:
        return next((one.value for one in offers if one.service == wanted), "")
    others = [one for one in offers if not one.own and not one.waits]
    first = min(others, key=lambda one: one.late, default=None)
    return first.value if first is not None else ""


def is_offered(found: Sequence[Step], wanted: str) -> bool:
    return any(offer.service == wanted for step in found for offer in step.offers)


def commands(typed: Typed, case_id: str, key: str) -> list[dict[str, Any]]:
    """Return the draft, the consent and the sending command as one batch. Keys are derived from the content, so
    resubmitting the same form acts once and a corrected form acts again."""
    need, service, urgency, deadline = (*typed.one("service_id").split("|"), "", "", "", "")[:4]
    given = body(typed, (*CONSENT, *SHARED, *CONTACT))
    payload: dict[str, Any] = given.get("payload", {})
    items = [*given.get("items", []), *payload]
    draft = {
        "case_id": case_id,
        "service_id": service,
        "category": need,
        "urgency": urgency,
        "payload": payload,
        "from_case": given.get("items", []),
        "safe_contact": given.get("safe_contact"),
        "clinical_deadline": deadline or None,
        "replaces": typed.one("replaces") or None,
    }
    consent = {
        "case_id": case_id,
        "service_id": service,
        "purpose": need,
        "items": items,
        **{name: given[name] for name in CONSENT[:4] if name in given},
    }
    first, second = key_of(key, draft), key_of(key, consent)
    again = {"in_addition": True} if typed.one("in_addition") == "true" else {}
    return [
        {"key": first, "path": "/referrals/v1/referrals", "body": draft},
        {"key": second, "path": "/referrals/v1/consents", "body": consent},
        {
            "key": key_of(key, [first, second, *again]),
            "path": f"/referrals/v1/referrals/${{{first}.id}}/send",
            "body": {"grant_id": f"${{{second}.id}}", **again},
            "only_if": {"key": second, "status": "active"},
        },
    ]


def at_fields(answer: Answer, sent: Sequence[Mapping[str, Any]]) -> Answer:
    """Map refusals of the whole command to the responsible field: nothing is shared, the contact rule is missing, or
    the person is unreachable or already waiting there."""
    if answer.code in _AT:
        said = answer.body
        error = {"pointer": _AT[answer.code], "code": answer.code, "detail": said.get("detail", "")}
        return Answer(answer.status, {**said, "errors": [error]}, answer.request_id)
    draft, consent = sent[0]["body"], sent[1]["body"]
    missing = []
    if not draft["safe_contact"]:
        missing.append(("/safe_contact/rule", "missing", "no rule was chosen"))
    if not consent["items"]:
        missing.append(("/items", "too_short", "nothing was ticked"))
    if answer.status != 422 or not missing:
        return answer
    said = answer.body if isinstance(answer.body, dict) else {}
    wholes = {"", None, "/safe_contact"}
    others = [one for one in said.get("errors") or [] if one.get("pointer") not in wholes]
    errors = [*others, *({"pointer": at, "code": code, "detail": why} for at, code, why in missing)]
    return Answer(answer.status, {**said, "errors": errors}, answer.request_id)
