"""Lists the restricted parts of an entry by id, and restricts an entry again. Pure. A `Word` contains only
restrictions; an empty one means that there are none. `hidden` maps each part with its own level, including the entry,
to that level. `held` is the level at which readers see a possible safe house, without its place."""

from collections.abc import Mapping
from typing import Any

from common.sight import NAMES, PUBLIC

from directory.ground.hsds.status import CLOSED
from directory.ground.hsds.visibility import level_of, objects_in, without_unstorable

Word = Mapping[str, Any]


def word_of(approved: Mapping[str, Any] | None, *, withdrawn: bool, held: int = PUBLIC) -> Word:
    """Return the restrictions of the published entry. Return an empty `Word` if the entry was never published."""
    if approved is None:
        return {}
    word: dict[str, Any] = {}
    if withdrawn:
        word["withdrawn"] = True
    if (status := approved.get("functional_status", {}).get("code")) in CLOSED:
        word["closed"] = status
    if hidden := _hidden(approved):
        word["hidden"] = hidden
    if held:
        word["held"] = held
    return word


def _hidden(document: Mapping[str, Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for item in objects_in(document):
        level = level_of(item)
        if level > PUBLIC and "id" in item:
            found[item["id"]] = max(level, found.get(item["id"], PUBLIC))
    return dict(sorted(found.items()))


def restricted(document: dict[str, Any], word: Word) -> dict[str, Any]:
    """Return the entry's document, at least as restricted as `word` requires. Leave out parts of hidden places that
    must not be stored."""
    hidden: Mapping[str, int] = word.get("hidden", {})
    if held := word.get("held"):
        hidden = _with_its_place(document, hidden, held)
    after: dict[str, Any] = _raised(document, hidden) if hidden else document
    if after != document:
        after, _ = without_unstorable(after)
    status = after.get("functional_status", {}).get("code")
    if word.get("closed") and status not in CLOSED:
        after = {**after, "functional_status": {"code": word["closed"]}}
    return after


def _with_its_place(
    document: Mapping[str, Any], hidden: Mapping[str, int], held: int
) -> dict[str, int]:
    """Add the level of a possible safe house for the entry and its places."""
    sites = document.get("service_at_locations", [])
    parts = [document, *(site["location"] for site in sites if site.get("location"))]
    levels = {part["id"]: max(held, hidden.get(part["id"], PUBLIC)) for part in parts}
    return {**hidden, **levels}


def _raised(item: Any, hidden: Mapping[str, int]) -> Any:
    if isinstance(item, list):
        return [_raised(each, hidden) for each in item]
    if not isinstance(item, dict):
        return item
    after = {key: _raised(value, hidden) for key, value in item.items()}
    least = hidden.get(item.get("id", ""), PUBLIC)
    return {**after, "visibility": NAMES[least]} if least > level_of(item) else after
