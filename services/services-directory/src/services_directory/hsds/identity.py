"""Stable ids for the parts of a document: a part without an id gets one from its place in it, so
that the same input imported twice is the same document."""

from typing import Any
from uuid import UUID, uuid5

_UNIDENTIFIED = frozenset({"eligibility", "referral", "verification", "functional_status",
                           "pre_crisis", "translations", "pathway"})  # fmt: skip


def with_ids(document: dict[str, Any], own: UUID) -> dict[str, Any]:
    """The document under id `own`, every HSDS object inside it with an id, members in order."""
    return _identified(document, own)


def _identified(item: dict[str, Any], own: UUID) -> dict[str, Any]:
    result: dict[str, Any] = {"id": str(own)}
    for key, value in item.items():
        if key == "id":
            continue
        result[key] = value if key in _UNIDENTIFIED else _part(key, value, own)
    return result


def _part(key: str, value: Any, parent: UUID) -> Any:
    if isinstance(value, dict):
        return _identified(value, _id_of(value, parent, key))
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [
            _identified(each, _id_of(each, parent, f"{key}:{index}"))
            for index, each in enumerate(value)
        ]
    return value


def _id_of(item: dict[str, Any], parent: UUID, place: str) -> UUID:
    given = item.get("id")
    return UUID(str(given)) if given else uuid5(parent, place)
