"""Compares an entry before and after approval, for each field and each reader. Pure."""

from typing import Any

from common.sight import NAMES

from directory.ground.entries.differences import differences
from directory.ground.hsds.views import Document, Facts, Record
from directory.record.documents.prepared import prepare
from directory.record.houses.schemas import Look, as_held
from directory.record.services.schemas import FieldDifferenceOut, ReviewOut, SeenOut

# These fields change with every write of a record, without a person's decision.
_OF_THE_MACHINE = frozenset({"/last_modified", "/metadata"})


def review(
    submitted: Document, approved: Document | None, organization: Document, facts: Facts, look: Look
) -> ReviewOut:
    """Compare the submitted document with the approved one. `look` is the review of a possible safe house."""
    after = _views(submitted, organization, facts, look)
    before = _views(approved, organization, facts, look) if approved is not None else {}
    return ReviewOut(
        approved=approved,
        submitted=submitted,
        differences=_differences(approved, submitted),
        views=[
            SeenOut(
                level=name,
                before=before.get(level),
                after=after.get(level),
                differences=_differences(before.get(level), after.get(level)),
            )
            for level, name in enumerate(NAMES)
        ],
    )


def _views(service: Document, organization: Document, facts: Facts, look: Look) -> dict[int, Any]:
    record, _ = as_held(Record(service, organization), look)
    prepared = prepare(record, facts)
    return {level: one.full for level, one in prepared.items()}


def _differences(old: Document | None, new: Document | None) -> list[FieldDifferenceOut]:
    return [
        FieldDifferenceOut(pointer=each.pointer, old=each.old, new=each.new)
        for each in differences(old or {}, new or {})
        if each.pointer not in _OF_THE_MACHINE
    ]


def merged(target: Any, patch: Any) -> Any:
    """Apply a merge patch: `null` removes a member; a list replaces the whole old list."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result
