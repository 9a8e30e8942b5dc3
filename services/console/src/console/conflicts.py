"""Shows both versions side by side after an edit conflict. Pure. The page appears again with the typed text in its
fields and a table of both versions on top (`ui.faults`). Resubmitting changes the current version."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from console import written_dates
from console.answers import Answer
from console.forms import Typed, is_day
from console.texts import Wording

CODES = frozenset({"version_conflict", "stale"})
"""The API's codes for an edit conflict: about a version in the body, and about `If-Match`."""
Say = Callable[[str, str], str]
"""Returns the words for a field's value, by the field's name."""


def is_conflict(refusal: Answer | None) -> bool:
    return refusal is not None and refusal.code in CODES


@dataclass(frozen=True)
class Versions:
    """Two versions of a record. `heads` are their titles; each row contains a field and both values."""

    heads: tuple[str, str]
    rows: tuple[tuple[str, str, str], ...]


def now_and_typed(
    now: Mapping[str, Any],
    typed: Typed,
    names: Iterable[str],
    say: Wording,
    *,
    worded: Say | None = None,
    labels: Mapping[str, str] | None = None,
) -> Versions:
    """Return the fields whose stored and typed values differ. `now` contains the stored text, or unordered codes of a
    list, by field name. `labels` are for fields that only the page can name."""
    both = ((name, _now(name, now.get(name)), _typed(name, typed)) for name in names)
    return Versions(
        ("change.now", "change.yours"),
        tuple(
            (
                (labels or {}).get(name) or say.label(name),
                _said(name, stands, worded),
                _said(name, theirs, worded),
            )
            for name, stands, theirs in both
            if stands != theirs
        ),
    )


def _said(name: str, values: Iterable[str], worded: Say | None) -> str:
    return ", ".join(worded(name, one) if worded else one for one in values)


def opened_and_now(changes: Iterable[tuple[str, str, str]]) -> Versions:
    """Return other people's changes since the visitor opened the page for this decision."""
    return Versions(("change.opened", "change.now"), tuple(changes))


def _now(name: str, value: Any) -> list[str]:
    if name.endswith("[]"):
        return sorted(str(one) for one in value or ())
    return _one(name, "" if value is None else str(value))


def _typed(name: str, typed: Typed) -> list[str]:
    if name.endswith("[]"):
        return sorted(one for one in typed.all(name) if one)
    return _one(name, typed.one(name))


def _one(name: str, text: str) -> list[str]:
    """Normalise a day to the format that people type."""
    if is_day(name.rsplit("/", maxsplit=1)[-1]):
        text = written_dates.written(written_dates.day(text))
    return [text.strip()] if text.strip() else []
