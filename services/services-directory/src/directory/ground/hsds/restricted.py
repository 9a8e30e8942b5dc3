"""Lists the restricted parts of an entry by id, and restricts an entry again. Pure. A `Word` contains only
restrictions; an empty one means that there are none. `hidden` contains the level of each part with its own level, by
id, including the entry."""

from collections.abc import Mapping
from typing import Any

from common.sight import NAMES, PUBLIC

from directory.ground.hsds.status import CLOSED
from directory.ground.hsds.visibility import level_of, objects_in, without_unstorable

Word = Mapping[str, Any]


def word_of(approved: Mapping[str, Any] | None, *, withdrawn: bool) -> Word:
    """Return the restrictions of the published entry; empty if it was never published."""
    if approved is None:
        return {}
    word: dict[str, Any] = {}
    if withdrawn:
        word["withdrawn"] = True
    if (status := approved.get("functional_status", {}).get("code")) in CLOSED:
        word["closed"] = status
    if hidden := _hidden(approved):
        word["hidden"] = hidden
    return word


def _hidden(document: Mapping[str, Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for item in objects_in(document):
        level = level_of(item)
        if level > PUBLIC and "id" in item:
            found[item["id"]] = max(level, found.get(item["id"], PUBLIC))
    return dict(sorted(found.items()))


def covers(told: Word | None, word: Word) -> bool:
    """Return whether an entry with the announced restrictions `told` is already as restricted as `word` requires."""
    if told is None:
        return False
    hidden: Mapping[str, int] = told.get("hidden", {})
    return (
        all(hidden.get(part, PUBLIC) >= level for part, level in word.get("hidden", {}).items())
        and bool(told.get("closed") or not word.get("closed"))
        and bool(told.get("withdrawn") or not word.get("withdrawn"))
    )


def restricted(document: dict[str, Any], word: Word) -> dict[str, Any]:
    """Return the entry's document, at least as restricted as `word` requires. Leaves out parts of hidden places that
    must not be stored."""
    hidden: Mapping[str, int] = word.get("hidden", {})
    after: dict[str, Any] = _raised(document, hidden) if hidden else document
    if after != document:
        after, _ = without_unstorable(after)
    status = after.get("functional_status", {}).get("code")
    if word.get("closed") and status not in CLOSED:
        after = {**after, "functional_status": {"code": word["closed"]}}
    return after


def _raised(item: Any, hidden: Mapping[str, int]) -> Any:
    if isinstance(item, list):
        return [_raised(each, hidden) for each in item]
    if not isinstance(item, dict):
        return item
    after = {key: _raised(value, hidden) for key, value in item.items()}
    least = hidden.get(item.get("id", ""), PUBLIC)
    return {**after, "visibility": NAMES[least]} if least > level_of(item) else after
