"""Whether a row of a file and an entry of the directory are one service. Pure.

Ids alone do not say it: two publishers number their services from one, and people copy files with
their ids. So what the two say of themselves is compared, too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from common.words.places import folded

Document = Mapping[str, Any]
_SAID = ("description", "email", "url", "alternate_name")
_DIGITS = 8  # the end of a phone number decides: the country's code is often left out


class Likeness(IntEnum):
    """`perhaps`: enough for an id of the same publisher, not enough across publishers."""

    UNLIKE = 0
    PERHAPS = 1
    ALIKE = 2


@dataclass(frozen=True, slots=True)
class Signs:
    """The marks by which a service is recognised beside its id."""

    name: str
    organisation: str
    details: frozenset[str]


def signs_of(document: Document, organisation: Document | None = None) -> Signs:
    """`organisation`: the service's, where its document names it by id only."""
    named = organisation or document.get("organization") or {}
    return Signs(
        folded(str(document.get("name", ""))),
        folded(str(named.get("name", ""))),
        frozenset(_details(document)),
    )


def likeness(one: Signs, other: Signs) -> Likeness:
    """Without the same organisation the name must be backed by details: half of the fewer."""
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
