"""Decides whether an endorsement still applies to the service that received it. Pure."""

from collections.abc import Iterator
from typing import Any

from common.words import codelists
from common.words.places import Places

Document = dict[str, Any]


def outlived(before: Document | None, after: Document) -> frozenset[str]:
    """Return the areas of responsibility whose endorsement of the document `before` does not apply to `after`. Return
    all of them if the organisation changed or the service moved to other municipalities. Otherwise return those for
    which it no longer offers any of its categories."""
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
    """Return whether the places differ. A place that only became less exact, such as a hidden house, counts as the
    same."""
    one, other, places = set(_municipalities(before)), set(_municipalities(after)), Places.load()
    if not one or not other:
        return False
    return not any(places.within(a, b) or places.within(b, a) for a in one for b in other)


def _municipalities(service: Document) -> Iterator[str]:
    for site in service.get("service_at_locations", []):
        if pcode := site.get("location", {}).get("pcode"):
            yield Places.load().at_most(pcode, 2)
