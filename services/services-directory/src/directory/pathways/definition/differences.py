"""Compares two versions of a pathway, step by step and field by field."""

from typing import Any

from directory.pathways.definition.graph import Pathway, Step

Json = dict[str, Any]


def difference(old: Pathway | None, new: Pathway) -> Json:
    """Return the changes from `old` (None: nothing was published) to `new`, as `schemas.DifferenceOut`.

    `pathway` contains changes outside the steps, `steps` contains step changes in key order. `reordered` is true if
    steps only moved. `old` or `new` of a change is None if the field was or is empty.
    """
    before = {step.key: step for step in old.steps} if old else {}
    after = {step.key: step for step in new.steps}
    changes = [_step_change(before.get(key), after.get(key)) for key in sorted({*before, *after})]
    common = [key for key in before if key in after]
    return {
        "pathway": _field_changes(_heading(old) if old else {}, _heading(new)),
        "steps": [each for each in changes if each],
        "reordered": common != [key for key in after if key in before],
    }


def _step_change(old: Step | None, new: Step | None) -> Json:
    """Return the changes of one step. For added and removed steps, the list of fields is empty."""
    step = new or old
    if step is None or old == new:
        return {}
    kind = "added" if old is None else "removed" if new is None else "changed"
    changes = _field_changes(plain(old), plain(new)) if old and new else []
    return {"step": step.key, "kind": kind, "need": step.need, "changes": changes}


def _field_changes(old: Json, new: Json) -> list[Json]:
    return [
        {"field": name, "old": old.get(name), "new": new.get(name)}
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def _heading(pathway: Pathway) -> dict[str, Any]:
    return {name: value for name, value in plain(pathway).items() if name != "steps"}


def plain(model: Pathway | Step) -> dict[str, Any]:
    """Return the JSON form without defaults. Sets are sorted, so that equal pathways produce equal texts."""
    return dict(_sorted(model.model_dump(mode="json", exclude_defaults=True)))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: sorted(inner) if name in _SETS else _sorted(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_sorted(inner) for inner in value]
    return value


_SETS = (
    "sexes",
    "populations",
    "excluded_populations",
    "situations",
    "languages",
    "speaks_none_of",
)
