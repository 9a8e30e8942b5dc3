"""The result of mapping one row: an HSDS document, its identity in the source, and the notes."""

from dataclasses import dataclass, field
from typing import Any

from common import codelists

from services_directory.imports.notes import Note, Verdict, note, verdict_of


@dataclass(slots=True)
class Mapped:
    """`document` is a full HSDS service with our extensions, without nulls; None if refused.

    `number` is the row as the sender counts it: the line of a sheet, the feature's position.
    """

    number: int
    external_id: str | None
    document: dict[str, Any] | None
    notes: list[Note] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        return verdict_of(self.notes)

    @property
    def name(self) -> str | None:
        return self.document.get("name") if self.document else None


def guard_visibility(document: dict[str, Any], notes: list[Note], column: str) -> None:
    """Raise the level to what the categories demand, and keep a restricted site's place out.

    Source: directory.md, levels: `restricted` is known to admin1 only and no coordinates are
    stored. A file may be wrong about this; it is never followed towards the more open side.
    """
    levels = codelists.visibility_levels().codes
    categories = codelists.categories()
    needed = max(
        (
            levels.index(categories[code].minimum_visibility)
            for code in document.get("categories", [])
            if code in categories
        ),
        default=0,
    )
    if levels.index(document["visibility"]) < needed:
        notes.append(note("visibility_raised", column, document["visibility"], levels[needed]))
        document["visibility"] = levels[needed]


def without_empty(value: Any) -> Any:
    """The same value without nulls, empty strings, lists and objects, at any depth."""
    if isinstance(value, dict):
        cleaned = {name: without_empty(part) for name, part in value.items()}
        return {name: part for name, part in cleaned.items() if part not in (None, "", [], {})}
    if isinstance(value, list):
        return [part for part in map(without_empty, value) if part not in (None, "", [], {})]
    return value
