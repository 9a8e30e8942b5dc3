"""Stable ids for the parts of a document. A part without an id gets one from its position, so that repeated imports of
the same input give the same document."""

from typing import Any
from uuid import UUID, uuid5

_UNIDENTIFIED = frozenset({"eligibility", "referral", "verification", "functional_status",
                           "pre_crisis", "translations", "pathway"})  # fmt: skip


def with_ids(document: dict[str, Any], own: UUID) -> dict[str, Any]:
    """Return the document under the id `own`. Every HSDS object inside it gets an id; members keep their order."""
    result: dict[str, Any] = {"id": str(own)}
    for key, value in document.items():
        if key in _UNIDENTIFIED:
            result[key] = value
        elif isinstance(value, dict):
            result[key] = with_ids(value, _id_of(value, own, key))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            result[key] = [
                with_ids(each, _id_of(each, own, f"{key}:{index}"))
                for index, each in enumerate(value)
            ]
        else:
            result[key] = value
    return {**result, "id": str(own)}


def _id_of(item: dict[str, Any], parent: UUID, place: str) -> UUID:
    given = item.get("id")
    return UUID(str(given)) if given else uuid5(parent, place)
