"""Formats a case for display. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from console.codes import Codes
from console.conflicts import Say
from console.doings import done
from console.moments import Moments
from console.texts import Wording

IDENTITY = (
    "identity/name",
    "identity/birth_date",
    "identity/age",
    "identity/document/number",
    "identity/own_reference",
    "identity/address",
)
CONTACT = (
    "identity/contact/phone",
    "identity/contact/email",
    "identity/contact/safe_way",
    "identity/contact/safe_times",
)
WHERE = ("area",)
WORD = ("word",)
CAREGIVER = (
    "caregiver",
    "identity/caregiver/name",
    "identity/caregiver/relation",
    "identity/caregiver/contact/phone",
)
ATTRIBUTES = ("attributes/sex", "attributes/nationality", "attributes/languages[]")
NEW_CASE = (*IDENTITY, *ATTRIBUTES, *CONTACT, *WHERE, *CAREGIVER)
CHANGE = (*NEW_CASE, *WORD)
NUMBERS = ("identity/age", "expected_version")
SEARCH = ("name", "document", "own_reference")
CAREGIVERS = ("unknown", "available", "absent", "implicated")
SEXES = ("female", "male", "other", "unknown")


@dataclass(frozen=True)
class Listed:
    """A case in a list, always without the person's name."""

    path: str
    reference: str
    word: str
    band: str
    area: str
    status: str
    opened: str
    changed: str
    open_referrals: int | None


def listed(
    cases: Iterable[Mapping[str, Any]], say: Wording, codes: Codes, moments: Moments
) -> list[Listed]:
    return [
        Listed(
            f"/console/cases/{case['id']}",
            case["reference"],
            say.case_word(case.get("word")),
            band(case["minor"], say),
            codes.place(case["area"]) or case["country"],
            say.known(f"case.status.{case['status']}", "case.status.other"),
            moments.day(case["created_at"]),
            moments.day(case["changed_at"]),
            case.get("open_referrals"),
        )
        for case in cases
    ]


def band(minor: bool | None, say: Wording) -> str:
    return say({True: "case.minor", False: "case.adult", None: "case.age_unknown"}[minor])


@dataclass(frozen=True)
class Fact:
    label: str
    value: str


def identity(case: Mapping[str, Any], say: Wording, codes: Codes, moments: Moments) -> list[Fact]:
    """Return the person's registered identity, which the page shows collapsed."""
    who = case["identity"] or {}
    contact, document = who.get("contact") or {}, who.get("document") or {}
    caregiver = who.get("caregiver") or {}
    found = (
        ("identity/name", who.get("name")),
        ("identity/birth_date", moments.day(who.get("birth_date"))),
        ("identity/document/number", document.get("number")),
        ("identity/own_reference", who.get("own_reference")),
        ("identity/contact/phone", contact.get("phone")),
        ("identity/contact/email", contact.get("email")),
        ("identity/contact/safe_way", contact.get("safe_way")),
        ("identity/contact/safe_times", contact.get("safe_times")),
        ("identity/address", who.get("address")),
        ("identity/caregiver/name", caregiver.get("name")),
        ("identity/caregiver/relation", caregiver.get("relation")),
    )
    return [Fact(say(f"field.{name}"), str(value)) for name, value in found if value]


NOTHING_SEEN: Mapping[str, Any] = {"risk": None, "plan": (), "entries": (), "timeline": ()}


def summary(
    case: Mapping[str, Any],
    risk: Mapping[str, Any] | None,
    say: Wording,
    codes: Codes,
    moments: Moments,
) -> list[Fact]:
    attributes = case["attributes"] or {}
    found = (
        ("case.risk", _risk(risk, say, moments)),
        ("case.word", say.case_word(case.get("word"))),
        ("case.band", age(case, say)),
        ("field.attributes/sex", _sex(attributes, say)),
        ("field.attributes/nationality", codes.nationality(attributes.get("nationality") or "")),
        ("field.area", codes.place(case["area"]) or case["country"]),
        (
            "field.attributes/languages[]",
            ", ".join(map(codes.spoken, attributes.get("languages", []))),
        ),
        ("field.caregiver", say.known(f"caregiver.{case['caregiver']}", "caregiver.unknown")),
        ("case.opened", moments.day(case["created_at"])),
        ("case.status", say.known(f"case.status.{case['status']}", "case.status.other")),
    )
    return [Fact(say(label), value) for label, value in found if value]


def _risk(risk: Mapping[str, Any] | None, say: Wording, moments: Moments) -> str:
    if risk is None:
        return ""
    level = say(f"code.level.{risk['content']['level']}")
    return say("case.risk_review", level=level, day=moments.day(risk["due_on"]))


@dataclass(frozen=True)
class Need:
    what: str
    status: str
    end: str
    objective: str


def needs(
    plan: Iterable[Mapping[str, Any]], say: Wording, codes: Codes, moments: Moments
) -> list[Need]:
    return [
        Need(
            codes.need(one["need"]),
            say.code("status", one["status"]),
            moments.day(one["planned_end"]),
            one["objective"] or "",
        )
        for one in plan
    ]


def age(case: Mapping[str, Any], say: Wording) -> str:
    if case["age"] is None:
        return band(case["minor"], say)
    return say("case.years", n=case["age"])


def _sex(attributes: Mapping[str, Any], say: Wording) -> str:
    sex = attributes.get("sex", "unknown")
    return "" if sex == "unknown" else say(f"sex.{sex}")


@dataclass(frozen=True)
class Happened:
    at: str
    what: str


def timeline(
    entries: Iterable[Mapping[str, Any]], say: Wording, moments: Moments
) -> list[Happened]:
    """Return the timeline as text, in the API's order."""
    return [
        Happened(
            moments.at(entry["at"]),
            done(entry["action"], say),
        )
        for entry in entries
    ]


@dataclass(frozen=True)
class Consent:
    path: str
    what: str
    status: str
    open: bool


def consents(
    grants: Iterable[Mapping[str, Any]], say: Wording, codes: Codes, moments: Moments
) -> list[Consent]:
    return [
        Consent(
            f"/console/consents/{grant['id']}",
            codes.need(grant["purpose"])
            or say.known(f"consent.kind.{grant['kind']}", "consent.kind.other"),
            say.known(f"consent.status.{grant['status']}", "consent.status.other"),
            grant["withdrawn_at"] is None,
        )
        for grant in grants
    ]


def worded(say: Wording, codes: Codes) -> Say:
    """Return a function that formats a field's values as text."""

    def one(name: str, value: str) -> str:
        if name == "attributes/sex":
            return say.known(f"sex.{value}", "sex.unknown")
        if name == "attributes/nationality":
            return codes.nationality(value)
        if name == "word":
            return say.case_word(value)
        if name == "caregiver":
            return say.known(f"caregiver.{value}", "caregiver.unknown")
        if name == "area":
            return codes.place(value)
        if name == "attributes/languages[]":
            return codes.spoken(value)
        return value

    return one
