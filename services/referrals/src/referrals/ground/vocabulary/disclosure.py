"""Items that a grant may disclose: the allow-list, and the rule snapshot ⊆ granted items. Pure."""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Any

from common.words.choices import items, words_of

from referrals.ground.vocabulary.ages import SUPPRESSED, Caregiver


class Item(StrEnum):
    """Everything that a referral can disclose. Nothing else can leave a case."""

    CASE_REFERENCE = "case_reference"
    NAME = "name"
    SEX = "sex"
    AGE = "age"
    BIRTH_DATE = "birth_date"
    NATIONALITY = "nationality"
    LANGUAGES = "languages"
    POPULATIONS = "populations"
    DOCUMENT = "document"
    CONTACT = "contact"
    ADDRESS = "address"
    AREA = "area"
    CAREGIVER_CONTACT = "caregiver_contact"
    SPECIFIC_NEEDS = "specific_needs"
    SITUATION = "situation"
    SAFETY = "safety"
    HEALTH = "health"


words_of("items", Item)


TEXTS: Mapping[str, frozenset[Item]] = {
    "safe_contact.instructions": frozenset({Item.CONTACT, Item.SAFETY})
}
"""Free texts that reach a recipient beside the items; each needs one of these items."""


def texts_of(safe_contact: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the TEXTS that a safe-contact rule contains."""
    return ("safe_contact.instructions",) if safe_contact.get("instructions") else ()


def hidden(caregiver: Caregiver) -> frozenset[str]:
    """Return the caregiver-contact item if it is hidden because the caregiver is implicated or absent."""
    return frozenset({Item.CAREGIVER_CONTACT.value}) if caregiver in SUPPRESSED else frozenset()


class NotGranted(Exception):
    """The payload contains items outside the grant; nothing was disclosed or stored."""

    def __init__(self, items: Iterable[str]) -> None:
        self.items = tuple(sorted(items))
        super().__init__(", ".join(self.items))


class NotOnRecord(Exception):
    """The case lacks an item that should be copied from it."""

    def __init__(self, items: Iterable[str]) -> None:
        self.items = tuple(sorted(items))
        super().__init__(", ".join(self.items))


def check_granted(payload: Iterable[str], granted: Iterable[str]) -> None:
    """Raise NotGranted unless every item in `payload` is among `granted`."""
    excess = set(payload) - set(granted)
    if excess:
        raise NotGranted(excess)


def compose(
    payload: Mapping[str, Any],
    from_case: Iterable[str],
    record: Mapping[str, Any],
    granted: Iterable[str],
) -> dict[str, Any]:
    """Return the snapshot: values from the payload, or else from the case record. Raise NotGranted or NotOnRecord."""
    wanted = set(from_case) - set(payload)
    check_granted(set(payload) | wanted, granted)
    missing = {item for item in wanted if record.get(item) in (None, "", [], {})}
    if missing:
        raise NotOnRecord(missing)
    snapshot = {**dict(payload), **{item: record[item] for item in wanted}}
    return {item.value: snapshot[item.value] for item in Item if item.value in snapshot}


REACHED_BY = frozenset(code for code, item in items().items() if item.reaches)
"""Items that allow contact with a person. If the person comes, or the referrer arranges the meeting, the referral's
code is enough."""


def can_reach(rule: str, shared: Collection[str]) -> bool:
    return rule != "contact_directly" or not REACHED_BY.isdisjoint(shared)
