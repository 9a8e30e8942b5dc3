"""The search columns of a rendered document. Every value comes from the document of one level, so no filter, facet,
sort order or distance can reveal more than the level shows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from common import clock
from common.words import codelists
from common.words.places import Places
from common.words.tables import rows

from directory.ground.hsds import taxonomy
from directory.ground.hsds.opening_hours import Opening, opening_of
from directory.ground.hsds.status import functional_status

Document = dict[str, Any]


@dataclass(frozen=True)
class SearchText:
    """The searchable text by weight: name; organisation and category; description; places."""

    name: str
    kind: str
    prose: str
    place: str


@dataclass(frozen=True)
class Columns:
    text: SearchText
    categories: list[str]
    areas: list[str]
    """P-codes of areas served and of sites, as exact as the level allows."""
    terms: list[str]
    taxonomies: list[str]
    languages: list[str]
    sexes: list[str]
    populations: list[str]
    nationalities: list[str]
    documents: list[str]
    minimum_age: float | None
    maximum_age: float | None
    capacity_state: str | None
    functional_status: str
    provider_level: str | None
    pre_crisis: bool | None
    valid_until: date | None
    verified_on: date | None
    referable: bool
    endorsed_by: list[str]
    opening: Opening


def columns_of(full: Document) -> Columns:
    """Return the search columns of a full service document at one level."""
    eligibility = full.get("eligibility", {})
    verification = full.get("verification", {})
    terms = [a["taxonomy_term"] for a in full.get("attributes", []) if a.get("taxonomy_term")]
    areas = areas_of(full)
    return Columns(
        text=_text(full, areas),
        categories=full.get("categories", []),
        areas=areas,
        terms=sorted({term["id"] for term in terms}),
        taxonomies=sorted({tid for term in terms if (tid := _taxonomy_id(term))}),
        languages=sorted({code for code in _languages(full) if code}),
        sexes=eligibility.get("sex", []),
        populations=eligibility.get("populations", []),
        nationalities=eligibility.get("nationalities", []),
        documents=eligibility.get("documents", []),
        minimum_age=full.get("minimum_age"),
        maximum_age=full.get("maximum_age"),
        capacity_state=full.get("capacity_state"),
        functional_status=functional_status(full),
        provider_level=full.get("provider_level"),
        pre_crisis=full.get("pre_crisis", {}).get("existed"),
        valid_until=_day(verification.get("valid_until")),
        verified_on=verified_on(verification),
        referable=full.get("referable", False),
        endorsed_by=full.get("endorsed_by", []),
        opening=opening_of(_schedules(full)),
    )


def sites(full: Document) -> list[Document]:
    return list(full.get("service_at_locations", []))


def point_of(location: Document) -> tuple[float, float] | None:
    """Return (latitude, longitude), or None if they are missing or invalid."""
    latitude, longitude = location.get("latitude"), location.get("longitude")
    if latitude is None or longitude is None:
        return None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    return float(latitude), float(longitude)


def areas_of(full: Document) -> list[str]:
    """Return the P-codes of the service areas and of the sites."""
    found = {
        str(area["extent"])
        for area in _service_areas(full)
        if area.get("extent_type") == "pcode" and area.get("extent")
    }
    found |= {
        str(location["pcode"])
        for site in sites(full)
        if (location := site.get("location", {})).get("pcode")
    }
    return sorted(found)


def _service_areas(full: Document) -> Iterator[Document]:
    yield from full.get("service_areas", [])
    for site in sites(full):
        yield from site.get("service_areas", [])


def _schedules(full: Document) -> Iterator[Document]:
    yield from full.get("schedules", [])
    for site in sites(full):
        yield from site.get("schedules", [])


def _languages(full: Document) -> Iterator[str | None]:
    for language in full.get("languages", []):
        yield language.get("code")
    for site in sites(full):
        for language in site.get("location", {}).get("languages", []):
            yield language.get("code")


def _taxonomy_id(term: Document) -> str | None:
    found: str | None = term.get("taxonomy_id") or term.get("taxonomy_detail", {}).get("id")
    return found


def verified_on(verification: Document) -> date | None:
    """Return the local date of the last verification. Some senders give a time, others a date."""
    text = verification.get("verified_at")
    moment = datetime.fromisoformat(text) if text else None
    return clock.day_of(moment) if moment and moment.tzinfo else _day(text)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text[:10]) if text else None


def _text(full: Document, areas: list[str]) -> SearchText:
    organization = full.get("organization", {})
    labels = [
        label
        for code in full.get("categories", [])
        for label in (
            codelists.categories().label(code, "es"),
            codelists.categories().label(code, "en"),
        )
    ]
    labels += taxonomy.aors_of(full)
    names = [full["name"], full.get("alternate_name")]
    prose = [full.get("description"), full.get("alert"), full.get("eligibility_description")]
    for translated in full.get("translations", {}).values():
        names += [translated.get("name"), translated.get("alternate_name")]
        prose += [value for key, value in translated.items() if "name" not in key]
    return SearchText(
        name=_joined(names),
        kind=_joined([*labels]),
        # The organisation's name weighs less than the service's, because it may contain every word of a need.
        prose=_joined([*prose, organization.get("name"), organization.get("alternate_name")]),
        place=_joined([*_place_names(areas), *_cities(full)]),
    )


def _place_names(areas: list[str]) -> Iterator[str]:
    places = Places.load()
    for area in areas:
        for pcode in (area, *places.ancestors(area)):
            place = places.require(pcode)
            yield from (place.name, *place.alternative_names)


def _cities(full: Document) -> Iterator[str | None]:
    for site in sites(full):
        location = site.get("location", {})
        yield location.get("name")
        for address in location.get("addresses", []):
            yield address.get("city")
            for line in (address.get("address_1"), address.get("address_2")):
                yield from _towns(line or "")


@cache
def _streets() -> tuple[str, ...]:
    """Return the prefixes of address parts that are not towns."""
    return tuple(row["beginning"] for row in rows(__package__, "data/street_beginnings"))


def _towns(address: str) -> Iterator[str]:
    """Yield the parts of an address line that may be a town: those after the street, without a number. Skip streets,
    because many are named after states and municipalities."""
    for part in address.split(",")[1:]:
        name = part.strip(" .")
        if not any(c.isdigit() for c in name) and not name.casefold().startswith(_streets()):
            yield name


def _joined(parts: list[str | None]) -> str:
    return "\n".join(dict.fromkeys(part for part in parts if part))
