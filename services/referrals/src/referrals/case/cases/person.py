"""Facts from a person's record: age, items to disclose, attributes to count. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Protocol
from uuid import UUID

from common.auth import Principal, Role
from common.events.codes import ReportingAttributes
from common.ids import new_code

from referrals.errors import ERASED
from referrals.ground.keys.sealed_columns import open_column
from referrals.ground.vocabulary.ages import ADULT_AGE, SUPPRESSED, Caregiver, completed_years
from referrals.ground.vocabulary.disclosure import Item, hidden

_ELDER = 60
_ADOLESCENT = 12


def new_reference() -> str:
    """Return an easy-to-read case code: 10 random characters (50 bits), none easily confused."""
    text = new_code(10)
    return f"{text[:5]}-{text[5:]}"


def age_of(identity: Mapping[str, Any], today: date) -> int | None:
    """Return the age in completed years. A stated age increases by the years since it was recorded."""
    if identity.get("birth_date"):
        return completed_years(date.fromisoformat(identity["birth_date"]), today)
    if identity.get("age") is None:
        return None
    told_on = date.fromisoformat(identity["recorded_on"])
    # Dates were once in UTC, not local, so an entry made in the evening may have the next day's date.
    return int(identity["age"]) + max(0, completed_years(told_on, today))


AGE = ("birth_date", "age", "recorded_on")
"""The fields of an identity that state an age."""


def is_minor(identity: Mapping[str, Any], today: date) -> bool | None:
    age = age_of(identity, today)
    return None if age is None else age < ADULT_AGE


def age_band(age: int | None) -> str:
    """Return the age band for statistics; these bands are coarser than the consent bands."""
    if age is None:
        return "unknown"
    if age < _ADOLESCENT:
        return "0-11"
    if age < ADULT_AGE:
        return "12-17"
    return "18-59" if age < _ELDER else "60+"


def reporting_attributes(
    identity: Mapping[str, Any], attributes: Mapping[str, Any], today: date
) -> ReportingAttributes:
    """Return the codes that anonymous statistics may contain. They are shared only under a reporting grant."""
    populations = attributes.get("populations") or [None]
    return ReportingAttributes(
        sex=attributes.get("sex") or "unknown",
        age_band=age_band(age_of(identity, today)),
        population=populations[0],
        nationality=attributes.get("nationality"),
        disability=attributes.get("disability"),
        exploitation_types=tuple(attributes.get("exploitation_types") or ()),
    )


def reached_by(identity: Mapping[str, Any], caregiver: Caregiver) -> tuple[Any, ...]:
    """Return how to reach the person: where, how safely, and whether through the caregiver."""
    kept = ("contact", "address", "caregiver")
    return (*(identity.get(name) for name in kept), caregiver in SUPPRESSED)


def disclosable(
    reference: str,
    area: str | None,
    caregiver: Caregiver,
    identity: Mapping[str, Any],
    attributes: Mapping[str, Any],
    today: date,
) -> dict[str, Any]:
    """Return the record by item, omitting the contact of an implicated or absent caregiver."""
    record: dict[str, Any] = {
        Item.CASE_REFERENCE: reference,
        Item.NAME: identity.get("name"),
        Item.SEX: attributes.get("sex"),
        Item.AGE: age_of(identity, today),
        Item.BIRTH_DATE: identity.get("birth_date"),
        Item.NATIONALITY: attributes.get("nationality"),
        Item.LANGUAGES: attributes.get("languages"),
        Item.POPULATIONS: attributes.get("populations"),
        Item.SPECIFIC_NEEDS: attributes.get("specific_needs"),
        Item.DOCUMENT: identity.get("document"),
        Item.CONTACT: identity.get("contact"),
        Item.ADDRESS: identity.get("address"),
        Item.AREA: area,
    }
    if Item.CAREGIVER_CONTACT not in hidden(caregiver):
        record[Item.CAREGIVER_CONTACT] = identity.get("caregiver")
    return record


def shown_to_others(identity: Mapping[str, Any], caregiver: Caregiver) -> dict[str, Any]:
    """Return the identity for readers outside the organisation that holds the case, without a suppressed caregiver's
    contact."""
    known = identity.get("caregiver")
    if not known or Item.CAREGIVER_CONTACT not in hidden(caregiver):
        return dict(identity)
    return {**identity, "caregiver": {**known, "contact": None}}


_GIVES_ANY = frozenset({Role.SUPERVISOR, Role.PARTNER})
"""A supervisor and the organisation's own system may distribute the work."""


def may_assign(caller: Principal, owner: str | None, to: str | None) -> bool:
    """Return whether the caller may assign the case. A caseworker may take an unassigned case, and pass on or release
    their own."""
    if _GIVES_ANY & caller.roles:
        return True
    return owner == caller.subject or (owner is None and to == caller.subject)


class Sealed(Protocol):
    """A case with sealed columns, as a row or as a record."""

    @property
    def id(self) -> UUID: ...
    @property
    def organisation_id(self) -> UUID: ...
    @property
    def identity(self) -> bytes | None: ...
    @property
    def attributes(self) -> bytes | None: ...


def open_with(key: bytes, case: Sealed) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the decrypted identity and attributes; raise 410 after erasure."""
    if case.identity is None or case.attributes is None:
        raise ERASED.because("only_case_code_and_its_history_remain")
    owner = case.organisation_id
    return (
        open_column(key, case.identity, organisation=owner, row=case.id, column="identity"),
        open_column(key, case.attributes, organisation=owner, row=case.id, column="attributes"),
    )
