"""Whether an endorsement is still of the service that it was given to. Pure."""

from collections.abc import Iterator
from typing import Any

from common.words import codelists
from common.words.places import Places

Document = dict[str, Any]


def outlived(before: Document | None, after: Document) -> frozenset[str]:
    """The areas of responsibility whose endorsement of what was published, `before`, is none of what is to be: all
    if another organisation offers it or it is in another municipality altogether, else those of which it does
    nothing any more that it did."""
    every = frozenset(codelists.pathways())
    if before is None:
        return frozenset()
    if before["organization_id"] != after["organization_id"] or _apart(before, after):
        return every
    return frozenset(
        aor
        for aor in every
        if (did := _categories(before, aor)) and not did & _categories(after, aor)
    )


def _categories(service: Document, aor: str) -> frozenset[str]:
    known = codelists.categories()
    return frozenset(each for each in service.get("categories", []) if known[each].pathway == aor)


def _apart(before: Document, after: Document) -> bool:
    """A place that became vaguer, as a house that is hidden does, is where it was."""
    one, other, places = set(_municipalities(before)), set(_municipalities(after)), Places.load()
    if not one or not other:
        return False
    return not any(places.within(a, b) or places.within(b, a) for a in one for b in other)


def _municipalities(service: Document) -> Iterator[str]:
    for site in service.get("service_at_locations", []):
        if pcode := site.get("location", {}).get("pcode"):
            yield Places.load().at_most(pcode, 2)
