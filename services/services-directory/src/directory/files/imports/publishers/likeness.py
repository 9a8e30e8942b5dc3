"""Decides whether a file row and a directory entry are the same service. Pure. Ids alone are not enough: two publishers
may both number their services from one, and people copy files with their ids. This therefore also compares names,
phones and places."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from common.words.places import folded

Document = Mapping[str, Any]
_SAID = ("description", "email", "url", "alternate_name")
_DIGITS = 8  # compare only the last digits, because the country code is often missing


class Likeness(IntEnum):
    """The degree of similarity between two services. `perhaps` is enough for an id from the same publisher, but not
    across publishers."""

    UNLIKE = 0
    PERHAPS = 1
    ALIKE = 2


@dataclass(frozen=True, slots=True)
class Signs:
    """The details that identify a service without its id."""

    name: str
    organisation: str
    details: frozenset[str]


def signs_of(document: Document, organisation: Document | None = None) -> Signs:
    """Return a document's identifying details. `organisation`: the service's organisation, if the document contains
    only its id."""
    named = organisation or document.get("organization") or {}
    return Signs(
        folded(str(document.get("name", ""))),
        folded(str(named.get("name", ""))),
        frozenset(_details(document)),
    )


def likeness(one: Signs, other: Signs) -> Likeness:
    """Compare two services. If the organisations differ, half of the shorter list of details must also match."""
    same_name = one.name == other.name
    shared = one.details & other.details
    fewer = min(len(one.details), len(other.details))
    backed = bool(shared) and len(shared) * 2 >= fewer
    if one.organisation == other.organisation:
        return Likeness.ALIKE if same_name or backed else Likeness.PERHAPS
    if same_name:
        return Likeness.ALIKE if backed else Likeness.PERHAPS if not fewer else Likeness.UNLIKE
    return Likeness.ALIKE if backed and len(shared) > 1 else Likeness.UNLIKE


def _details(document: Document) -> Iterator[str]:
    for key in _SAID:
        if value := document.get(key):
            yield f"{key}:{folded(str(value))}"
    yield from _phones(document)
    for site in document.get("service_at_locations") or ():
        location = site.get("location") or {}
        yield from _phones(site)
        yield from _phones(location)
        if location.get("latitude") is not None:
            yield f"point:{location['latitude']:.4f},{location.get('longitude', 0):.4f}"
        for address in location.get("addresses") or ():
            yield f"address:{folded(str(address.get('address_1', '')))}"


def _phones(item: Document) -> Iterator[str]:
    for phone in item.get("phones") or ():
        digits = "".join(char for char in str(phone.get("number", "")) if char.isdigit())
        if digits:
            yield f"phone:{digits[-_DIGITS:]}"
