"""Charts and graphs as shapes with coordinates, for templates without styles or scripts. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Bar:
    """A bar. `width`, `low` and `high` are percentages of the available width, so that the bar fits on a phone. The
    whisker extends from `low` to `high`; equal values mean no whisker."""

    label: str
    words: str
    width: float
    low: float
    high: float


def bars(
    rows: Sequence[tuple[str, str, float, float, float]], *, whole: float = 0
) -> tuple[Bar, ...]:
    """Return bars for (label, words, value, low, high), from zero to the value, with a whisker for the interval. The
    longest bar fills the width. If `whole` is larger, it fills the width instead, so half of a target fills half of its
    bar."""
    most = max(whole, *(max(value, high) for *_, value, _, high in rows), 0) or 1
    return tuple(
        Bar(label, words, *(round(100 * one / most, 1) for one in (value, low, high)))
        for label, words, value, low, high in rows
    )


@dataclass(frozen=True)
class Node:
    key: str
    x: int
    y: int
    words: tuple[str, ...]
    safety: bool


@dataclass(frozen=True)
class Graph:
    """Steps in columns by their earliest start. `lines` connect each step to the steps that wait for it."""

    width: int
    height: int
    nodes: tuple[Node, ...]
    lines: tuple[tuple[int, int, int, int], ...]


_COLUMN, _LINE, _WIDE, _TALL = 210, 74, 180, 54


def stages(steps: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return each step's column: the length of the longest chain of steps before it. Ignore dependencies on missing
    steps or on itself."""
    after = {step["key"]: list(step.get("after") or []) for step in steps}
    found: dict[str, int] = {}

    def of(key: str, seen: frozenset[str]) -> int:
        if key in found:
            return found[key]
        before = [one for one in after[key] if one in after and one not in seen]
        found[key] = 1 + max((of(one, seen | {one}) for one in before), default=-1)
        return found[key]

    for key in after:
        of(key, frozenset({key}))
    return found


def graph(steps: Sequence[Mapping[str, Any]], words: Mapping[str, str]) -> Graph:
    columns = stages(steps)
    rows: dict[int, int] = {}
    nodes: dict[str, Node] = {}
    for step in steps:
        column = columns[step["key"]]
        row = rows.get(column, 0)
        rows[column] = row + 1
        nodes[step["key"]] = Node(
            step["key"],
            10 + column * _COLUMN,
            10 + row * _LINE,
            _folded(words[step["key"]]),
            bool(step.get("safety")),
        )
    lines = tuple(
        (nodes[one].x + _WIDE, nodes[one].y + _TALL // 2, nodes[key].x, nodes[key].y + _TALL // 2)
        for key, step in ((step["key"], step) for step in steps)
        for one in step.get("after") or []
        if one in nodes and one != key
    )
    width = 20 + _COLUMN * (max(columns.values(), default=0) + 1)
    return Graph(width, 20 + _LINE * max(rows.values(), default=1), tuple(nodes.values()), lines)


def _folded(text: str) -> tuple[str, ...]:
    """Wrap text into at most three lines of about twenty-four characters."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + len(word) < 24:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return tuple(lines[:3])
