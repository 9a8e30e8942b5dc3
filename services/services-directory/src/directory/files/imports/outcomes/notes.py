"""An import's notes on a row: changes, and reasons for refusing it. The texts, in Spanish and English, are a table
(`data/notes.csv`)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from common.words.codelists import visibility_levels
from common.words.languages import LANGUAGES, page_language
from common.words.places import Places
from common.words.tables import rows

_SHOWN = 120
"""Characters of a value in a report; a cell may have a megabyte."""


class Weight(StrEnum):
    """The severity of a note. `told` leaves the row unchanged, `changed` means that the row was altered, `refused`
    rejects the row."""

    TOLD = "told"
    CHANGED = "changed"
    REFUSED = "refused"


class Verdict(StrEnum):
    ACCEPTED = "accepted"
    CHANGED = "changed"
    REFUSED = "refused"
    VANISHED = "vanished"
    """Missing in the file, but present in an earlier one of the same publisher."""


_VISIBILITY = "visibility_"
"""Begins the codes of notes whose values are levels of visibility, which the text names in words."""


@dataclass(frozen=True, slots=True)
class Note:
    """One note in the report. `field` is the column or path as the sender named it; `places` are the P-codes of places
    that its value may mean, most likely first."""

    code: str
    field: str = ""
    before: str = ""
    after: str = ""
    places: tuple[str, ...] = ()

    @property
    def weight(self) -> Weight:
        return _weight(self.code)

    def text(self, language: str = "es") -> str:
        spoken = page_language(language, None)
        before, after = self.before, self.after
        if self.code.startswith(_VISIBILITY):
            before, after = (visibility_levels().label(each, spoken) for each in (before, after))
        template = _texts()[self.code][spoken]
        return template.format(field=self.field, before=before, after=after)

    def plain(self) -> dict[str, Any]:
        parts = {"code": self.code, "weight": self.weight.value, "field": self.field}
        parts |= {"before": self.before, "after": self.after}
        kept: dict[str, Any] = {name: value for name, value in parts.items() if value}
        if self.places:
            kept["places"] = [_place(pcode) for pcode in self.places]
        return {**kept, **{code: self.text(code) for code in LANGUAGES}}


_HARMLESS = frozenset({
    "abridged_copy", "category_decided", "closing_kept", "duplicate_id", "end_kept", "hidden_kept", "id_missing",
    "id_replaced", "may_be_house", "verification_in_time", "visibility_assumed", "visibility_kept", "visibility_raised",
})  # fmt: skip
"""Notes whose values never reveal a place."""


def nameless(notes: Sequence[Note]) -> list[Note]:
    """Return the notes without values, for a row whose place must not be stored. A value may contain coordinates, for
    example in the wrong order."""
    return [
        each
        if each.code in _HARMLESS
        else Note(each.code, each.field, each.before and "…", each.after and "…")
        for each in notes
    ]


def nameless_plain(kept: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return stored notes without values."""
    known = [Note(*(each.get(name, "") for name in _PARTS)) for each in kept]
    return [each.plain() for each in nameless(known) if each.code in _texts()]


_PARTS = ("code", "field", "before", "after")


def note(
    code: str,
    field: str = "",
    before: object = "",
    after: object = "",
    places: Iterable[str] = (),
) -> Note:
    return Note(code, field, _shown(before), _shown(after), tuple(places))


def _place(pcode: str) -> dict[str, str]:
    place = Places.load().require(pcode)
    within = {"within": Places.load().require(place.parent).name} if place.parent else {}
    return {"pcode": pcode, "name": place.name, **within}


def verdict_of(notes: "list[Note] | tuple[Note, ...]") -> Verdict:
    weights = {each.weight for each in notes}
    if Weight.REFUSED in weights:
        return Verdict.REFUSED
    return Verdict.CHANGED if Weight.CHANGED in weights else Verdict.ACCEPTED


def _shown(value: object) -> str:
    text = "" if value is None else str(value).replace("\0", "�")  # PostgreSQL cannot store NUL
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


@cache
def _weight(code: str) -> Weight:
    return Weight(_texts()[code]["weight"])


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    return {row["code"]: row for row in rows("directory.files.imports", "data/notes")}
