"""What changed between two versions of a pathway, step by step and field by field."""

from dataclasses import dataclass
from typing import Any, Literal

from directory.pathways.definition.graph import Pathway, Step


@dataclass(frozen=True, slots=True)
class FieldChange:
    """Old and new value in JSON form; None where the field was or is empty."""

    field: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class StepChange:
    """`changes` is empty for added and removed steps."""

    step: str
    kind: Literal["added", "removed", "changed"]
    need: str
    changes: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """`pathway` holds changes outside the steps; `reordered` is true when steps only moved."""

    pathway: tuple[FieldChange, ...]
    steps: tuple[StepChange, ...]
    reordered: bool

    def __bool__(self) -> bool:
        return bool(self.pathway or self.steps or self.reordered)


def difference(old: Pathway | None, new: Pathway) -> Difference:
    """From `old` (None: nothing was published before) to `new`; steps in key order."""
    before = {step.key: step for step in old.steps} if old else {}
    after = {step.key: step for step in new.steps}
    changes = []
    for key in sorted({*before, *after}):
        change = _step_change(before.get(key), after.get(key))
        if change is not None:
            changes.append(change)
    common = [key for key in before if key in after]
    return Difference(
        pathway=_field_changes(_heading(old) if old else {}, _heading(new)),
        steps=tuple(changes),
        reordered=common != [key for key in after if key in before],
    )


def _step_change(old: Step | None, new: Step | None) -> StepChange | None:
    if old is None and new is not None:
        return StepChange(new.key, "added", new.need)
    if new is None and old is not None:
        return StepChange(old.key, "removed", old.need)
    if old is None or new is None or old == new:
        return None
    return StepChange(new.key, "changed", new.need, _field_changes(plain(old), plain(new)))


def _field_changes(old: dict[str, Any], new: dict[str, Any]) -> tuple[FieldChange, ...]:
    return tuple(
        FieldChange(name, old.get(name), new.get(name))
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    )


def _heading(pathway: Pathway) -> dict[str, Any]:
    return {name: value for name, value in plain(pathway).items() if name != "steps"}


def plain(model: Pathway | Step) -> dict[str, Any]:
    """The JSON form without defaults; sets are sorted, so that equal pathways are equal texts."""
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


_SETS = frozenset(
    {
        "sexes",
        "populations",
        "excluded_populations",
        "situations",
        "languages",
        "speaks_none_of",
    }
)
