"""Decides whether a row of a file and an entry of the directory are the same service. Pure. Ids alone do not tell: two
publishers both number their services from one, and people copy files with their ids. So this also compares names,
phones and places."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from common.words.places import folded

Document = Mapping[str, Any]
_SAID = ("description", "email", "url", "alternate_name")
_DIGITS = 8  # compare the last digits of a phone number: the country code is often missing


class Likeness(IntEnum):
    """`perhaps` is enough for an id of the same publisher, but not across publishers."""

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
    """Return the signs of a document. `organisation`: the service's, if its document has only the id."""
    named = organisation or document.get("organization") or {}
    return Signs(
        folded(str(document.get("name", ""))),
        folded(str(named.get("name", ""))),
        frozenset(_details(document)),
    )


def likeness(one: Signs, other: Signs) -> Likeness:
    """Compare two services. If the organisations differ, half of the shorter list of details must match too."""
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
