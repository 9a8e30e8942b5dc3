"""Converts a full HSDS service to one row of the service-mapping workbook, which the importer can read back. Pure. The
workbook has one row per service, so only the first site of a service is exported. The data package exports all
sites."""

from collections.abc import Callable, Mapping
from typing import Any

from common.words.places import Places

from directory.files.imports.columns import Column, columns
from directory.files.imports.values.opening_hours import shown as hours_shown
from directory.ground.hsds.columns import verified_on

Document = Mapping[str, Any]
Value = str | int | float | None


def row_of(document: Document, *, abridged: bool, language: str | None = None) -> list[Value]:
    """Return values in the order of `columns()`. With `language`, codes become labels."""
    values = values_of(document, abridged=abridged)
    return [_shown(column, values.get(column.key), language) for column in columns()]


def _shown(column: Column, value: Any, language: str | None) -> Value:
    codes = column.codes() if language else None
    if isinstance(value, list):
        parts = [codes.label(each, language or "") if codes else str(each) for each in value]
        return "; ".join(parts) or None
    if codes and isinstance(value, str):
        return codes.label(value, language or "")
    if value is None or value == "":
        return None
    return value if isinstance(value, int | float) else str(value)


def cells_of(document: Document) -> dict[str, object]:
    """Return the cell texts by column key."""
    return {
        key: "; ".join(map(str, value)) if isinstance(value, list) else value
        for key, value in values_of(document, abridged=False).items()
    }


def values_of(document: Document, *, abridged: bool) -> dict[str, Any]:
    """Return values by column key; multi-value columns have lists."""
    values: dict[str, Any] = {"abridged": "yes" if abridged else None}
    for part in _PARTS:
        values |= part(document)
    return values


def _service(document: Document) -> dict[str, Any]:
    english = document.get("translations", {}).get("en", {})
    return {
        "external_id": document.get("id"),
        "name": document.get("name"),
        "name_en": english.get("name"),
        "description": document.get("description"),
        "description_en": english.get("description"),
        "categories": document.get("categories", []),
        "visibility": document.get("visibility", "public"),
        "capacity_state": document.get("capacity_state"),
        "provider_level": document.get("provider_level"),
        "email": document.get("email"),
        "website": document.get("url"),
        "minimum_age": document.get("minimum_age"),
        "maximum_age": document.get("maximum_age"),
        "application_process": document.get("application_process"),
        "fees": document.get("fees_description"),
        "alert": document.get("alert"),
    }


def _organization(document: Document) -> dict[str, Any]:
    organization = document.get("organization", {})
    return {
        "organisation": organization.get("name"),
        "organisation_id": organization.get("id"),
        "organisation_type": organization.get("organization_type"),
    }


def _state(document: Document) -> dict[str, Any]:
    status = document.get("functional_status", {})
    existed = document.get("pre_crisis", {}).get("existed")
    verification = document.get("verification", {})
    return {
        "functional_status": status.get("code"),
        "functional_since": status.get("since"),
        "pre_crisis": None if existed is None else ("yes" if existed else "no"),
        "verified_at": str(verified_on(verification) or ""),
        "valid_until": verification.get("valid_until"),
    }


def _place(document: Document) -> dict[str, Any]:
    sites = document.get("service_at_locations", [])
    location = sites[0].get("location", {}) if sites else {}
    addresses = location.get("addresses", [])
    return {
        **_areas(location.get("pcode")),
        "location_name": location.get("name"),
        "location_type": location.get("location_type"),
        "address": addresses[0].get("address_1") if addresses else None,
        "latitude": location.get("latitude"),
        "longitude": location.get("longitude"),
        "location_visibility": location.get("visibility"),
        "areas_served": [
            area["extent"]
            for area in document.get("service_areas", [])
            if area.get("extent_type") == "pcode" and area.get("extent")
        ],
    }


def _areas(pcode: str | None) -> dict[str, Any]:
    places = Places.load()
    if pcode is None or not places.is_known(pcode):
        return {}
    lineage = [places.require(each) for each in (pcode, *places.ancestors(pcode))]
    by_level = {place.level: place for place in lineage}
    named = {f"admin{level}": by_level[level].name for level in (1, 2, 3) if level in by_level}
    return {"pcode": pcode, "country": by_level[0].country, **named}


def _people(document: Document) -> dict[str, Any]:
    phones = document.get("phones", [])
    contacts = document.get("contacts", [])
    contact = contacts[0] if contacts else {}
    return {
        "phone": [phone["number"] for phone in phones if phone.get("number")],
        "phone_visibility": phones[0].get("visibility") if phones else None,
        "contact_name": contact.get("name"),
        "contact_role": contact.get("title"),
        "contact_visibility": contact.get("visibility"),
        "languages": [each["code"] for each in document.get("languages", []) if each.get("code")],
    }


def _hours(document: Document) -> dict[str, Any]:
    schedules = document.get("schedules", [])
    text = hours_shown(schedules)
    if not text and len(schedules) == 1:
        text = schedules[0].get("description", "")
    return {"hours": text}


def _eligibility(document: Document) -> dict[str, Any]:
    eligibility = document.get("eligibility", {})
    required = [each.get("document") for each in document.get("required_documents", [])]
    return {
        "sex": eligibility.get("sex", []),
        "populations": eligibility.get("populations", []),
        "nationalities": eligibility.get("nationalities", []),
        "documents": [each for each in required if each] or eligibility.get("documents", []),
        "exclusions": eligibility.get("exclusions"),
    }


def _referral(document: Document) -> dict[str, Any]:
    referral = document.get("referral", {})
    steps = [
        ":".join([step["aor"], step.get("step", ""), step.get("urgency") or ""]).rstrip(":")
        for step in document.get("pathway", [])
    ]
    same = ("intake_modes", "response_delay", "next_step", "feedback_mechanism", "feedback_delay",
            "coverage", "frequency", "focal_role", "intermediary")  # fmt: skip
    return {
        **{name: referral.get(name) for name in same},
        "referral_method": referral.get("method"),
        "referral_hours": referral.get("hours"),
        "referral_notes": referral.get("notes"),
        "pathway_steps": steps,
    }


_PARTS: tuple[Callable[[Document], dict[str, Any]], ...] = (
    _service,
    _organization,
    _state,
    _place,
    _people,
    _hours,
    _eligibility,
    _referral,
)
