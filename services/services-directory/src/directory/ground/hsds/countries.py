"""Finds the countries of a service. Pure. Every service shows its country, even a restricted one. Otherwise, nobody
could tell whether a referral crosses a border."""

from collections.abc import Iterable, Iterator

from common.words.places import Places

from directory.ground.hsds.columns import areas_of, sites
from directory.ground.hsds.views import Document

_ALPHA_2 = 2


def countries_of(service: Document, organization: Document) -> list[str]:
    """Return the countries from areas and sites, else from addresses, else from the organisation's place. Return ISO
    3166-1 alpha-2 codes; empty if unknown."""
    locations = [site.get("location") or {} for site in sites(service)]
    found = (
        _of_places(areas_of(service))
        or _of_addresses(locations)
        or _of_organization(organization.get("locations") or [])
    )
    return sorted(found)


def _of_organization(locations: list[Document]) -> set[str]:
    pcodes = [str(each["pcode"]) for each in locations if each.get("pcode")]
    return _of_places(pcodes) or _of_addresses(locations)


def _of_places(pcodes: Iterable[str]) -> set[str]:
    places = Places.load()
    return {places.at_most(pcode, 0) for pcode in pcodes if places.is_known(pcode)}


def _of_addresses(locations: Iterable[Document]) -> set[str]:
    written = (
        str(address.get("country") or "").strip().upper()
        for location in locations
        for address in location.get("addresses") or []
    )
    return set(_alpha_2(written))


def _alpha_2(written: Iterable[str]) -> Iterator[str]:
    by_alpha_3 = {place.country: place.pcode for place in Places.load().at_level(0)}
    for country in written:
        if country in by_alpha_3:
            yield by_alpha_3[country]
        elif len(country) == _ALPHA_2 and country.isascii() and country.isalpha():
            yield country
