"""Stable ids for the parts of a document: a part without an id gets one from its place in it, so
that the same input imported twice is the same document."""

import re
from typing import Any
from uuid import UUID, uuid5

_UNIDENTIFIED = frozenset({"eligibility", "referral", "verification", "functional_status",
                           "pre_crisis", "translations", "pathway"})  # fmt: skip

_CANONICAL = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def with_ids(document: dict[str, Any], own: UUID) -> dict[str, Any]:
    """The document under id `own`, every HSDS object inside it with an id, members in order."""
    return _identified(document, str(own))


def _identified(item: dict[str, Any], own: str) -> dict[str, Any]:
    result: dict[str, Any] = {"id": own}
    for key, value in item.items():
        # Asked by class: of a document's thousand members most are texts.
        kind = value.__class__
        if kind is str or key in _UNIDENTIFIED:
            result[key] = value
        elif kind is dict:
            result[key] = _identified(value, _id_of(value, own, key))
        elif kind is list and value and value[0].__class__ is dict:
            result[key] = [
                _identified(each, _id_of(each, own, f"{key}:{index}"))
                for index, each in enumerate(value)
            ]
        else:
            result[key] = value
    result["id"] = own
    return result


def _id_of(item: dict[str, Any], parent: str, place: str) -> str:
    """As it is written if it is written as ids are: most are, and a service has fifty."""
    given = item.get("id")
    if not given:
        return str(uuid5(UUID(parent), place))
    text = str(given)
    return text if _CANONICAL.fullmatch(text) else str(UUID(text))
