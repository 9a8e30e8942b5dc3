"""The result of mapping a row: an HSDS document, its identity in the source, and the notes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from common.sight import NAMES, RESTRICTED
from common.words import codelists
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from directory.files.crosswalks.terms import Term
from directory.files.imports.outcomes.fidelity import RowFates
from directory.files.imports.outcomes.notes import Note, Verdict, nameless, note, verdict_of
from directory.ground.hsds.given import Given
from directory.ground.hsds.schemas import OrganizationDocument, ServiceDocument
from directory.ground.hsds.visibility import objects_in, raised


@dataclass(frozen=True, slots=True)
class Vanished:
    """An entry from the publisher's earlier file that this file lacks."""

    service_id: UUID
    name: str
    ends: bool
    """The sender's choice."""


@dataclass(slots=True)
class Mapped:
    """The result of one row. `document` is a full HSDS service with our extensions, without nulls; None if refused.
    `number` is the row number as the sender counts: the line of a sheet, or the feature's position."""

    number: int
    external_id: str | None
    document: dict[str, Any] | None
    notes: list[Note] = field(default_factory=list)
    abridged: bool = False
    """The row is an export by a user who could not see everything."""
    brings: list[tuple[str, UUID]] = field(default_factory=list)
    """Other entries in the row, by kind. They belong to the file's publisher from now on."""
    organization: bool = False
    """The row is an organisation, not a service."""
    vanished: Vanished | None = None
    """The row is not in the file; it is an entry of an earlier file."""
    fates: list[RowFates] = field(default_factory=list)
    """The outcomes of its rows, the service's row first."""
    terms: tuple[Term, ...] = ()
    """Terms of other taxonomies."""
    undecided: list[Term] = field(default_factory=list)
    uncategorised: str = ""
    """The header of its empty category cell, which is valid only if the record has no category either."""
    added: list[str] = field(default_factory=list)
    """Categories that decisions on its terms added."""
    placeless: bool = False
    """Its place must not be stored, even though it has no document."""
    beside: Sequence[str] = ()
    """Texts of cells without a field of their own, which may suggest a safe house."""
    heard: frozenset[str] = frozenset()
    """The words in `beside` that suggest a safe house."""
    onto: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    """Merges the document into its record (with its `organization`): fields that the file lacks stay."""

    @property
    def verdict(self) -> Verdict:
        return verdict_of(self.notes)

    @property
    def told(self) -> list[Note]:
        """Return each note once, in a form that may be stored. A term or place that is used twice produces its notes
        twice."""
        notes = self.notes
        if notes and (self.placeless or is_placeless(self.document or {})):
            notes = nameless(notes)
        return list(dict.fromkeys(notes))

    @property
    def name(self) -> str | None:
        if self.vanished is not None:
            return self.vanished.name
        return self.document.get("name") if self.document else None


def validated(mapped: Mapped) -> Given | None:
    """Return the document in the directory's form; refuse the row if the document is invalid."""
    if mapped.document is None or mapped.verdict is Verdict.REFUSED:
        return None
    try:
        return Given.of(ServiceDocument.model_validate(mapped.document))
    except ValidationError as error:
        for item in error.errors(include_url=False, include_input=False):
            mapped.notes.append(_unfit(item))
        return None


_UNFIT = {
    "missing": "value_missing",
    "string_too_long": "too_long",
    "too_long": "too_many",
    "ages_reversed": "ages_reversed",
}
"""Our texts for errors of the standard's own rules; other errors have only an English text."""


def _unfit(item: ErrorDetails) -> Note:
    facts = item.get("ctx", {})
    place = "/".join(str(part) for part in item["loc"]) or str(facts.get("field", ""))
    if code := _UNFIT.get(item["type"]):
        return note(code, place, facts.get("given", ""), facts.get("max_length", ""))
    return note("row_invalid", place, item["msg"].removeprefix("Value error, "))


def organization_of(mapped: Mapped) -> OrganizationDocument | None:
    """Return the organisation in the directory's form, or None if it is invalid."""
    try:
        return OrganizationDocument.model_validate(mapped.document)
    except ValidationError:
        return None


def guard_visibility(document: dict[str, Any], notes: list[Note], column: str) -> None:
    """Raise the level to the categories' minimum, because a file may name a level that is too open."""
    higher = raised(document)["visibility"]
    if higher != document["visibility"]:
        notes.append(note("visibility_raised", column, document["visibility"], higher))
        document["visibility"] = higher


def is_placeless(document: Mapping[str, Any]) -> bool:
    """Return whether any part of the document is restricted, or its categories require that. This also accepts an
    invalid document."""
    known = codelists.categories()
    if any(
        known[code].minimum_visibility == NAMES[RESTRICTED]
        for code in document.get("categories") or ()
        if code in known
    ):
        return True
    return any(each.get("visibility") == NAMES[RESTRICTED] for each in objects_in(document))
