"""What is the same for all rows of a table that hold the same fields: which of them are plain words,
which need reading, and what becomes of their values if nothing is wrong with them.

A package has few such patterns and many rows. The words of a row are taken as they are if one look at
all of them finds nothing to tidy, and the account counts the pattern instead of its values.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter

from directory.files.imports.outcomes.fidelity import Fate, Outcome, as_it_is
from directory.files.imports.package.convert import is_word
from directory.files.imports.package.fields import OWNERS, Field, TableFields, tables
from directory.files.imports.package.older import MADE, READ
from directory.files.imports.package.staged import Staged
from directory.files.imports.values.cells import MAX_TEXT, TIDY_CHARACTERS

_MOST_PATTERNS = 4_096
_TIDY_CHARACTERS = re.compile(f"[{TIDY_CHARACTERS} \n]*")
_ODD_BEGINNING = re.compile(r"\n(?![^\W_]|\Z)")
_POINT = frozenset({"latitude", "longitude"})
_Key = tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """`fates`: what becomes of each value that the file holds if it is taken as it is; `at`: its place
    there; `held`: the fields that have a value of their own; of these, `words` (got by `words_of`) are
    text and nothing else, and `others` are read."""

    table: TableFields
    fates: tuple[Fate, ...]
    at: Mapping[str, int]
    held: tuple[Field, ...]
    words: tuple[str, ...]
    words_of: Callable[[Mapping[str, str]], Sequence[str]]
    names: tuple[str, ...]
    """Of what it is made from: its id, its words, the others."""
    values_of: Callable[[Mapping[str, str]], Sequence[str]]
    others: tuple[Field, ...]
    read: str
    """Names of fields that an older version said in other words."""
    beside: tuple[Field, ...]
    """Links to rows on which it might have hung, if they are there."""
    links: tuple[Field, ...]
    """Links that lead nowhere if the row is not there."""
    lacking: tuple[Field, ...]
    """Fields that the standard requires and the row does not hold."""
    has_id: bool
    has_point: bool


def all_tidy(words: Sequence[str], most: int = MAX_TEXT) -> bool:
    """Whether each begins with a letter or a digit, and there is nothing to clean in any, nor in any
    line of one that has several."""
    joined = "\n".join(("", *words, ""))
    if len(joined) > most or "  " in joined or " \n" in joined:
        return False
    if joined.isascii():
        known = joined.replace("\n", "").isprintable()
    else:
        known = _TIDY_CHARACTERS.fullmatch(joined) is not None
    return known and _ODD_BEGINNING.search(joined) is None


class Patterns:
    """Those that were seen so far."""

    def __init__(self) -> None:
        self._known: dict[_Key, Pattern] = {}

    def of(self, staged: Staged) -> Pattern:
        row = staged.row
        if staged.shape:
            key: _Key = (staged.shape, staged.link)
        else:
            key = (staged.table, staged.link, row.get(MADE), row.get(READ), *row)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST_PATTERNS:
                self._known.clear()
            found = self._known[key] = _pattern(staged)
        return found


def _pattern(staged: Staged) -> Pattern:
    table, row, cells = tables()[staged.table], staged.row, staged.cells
    held = tuple(field for field in table.plain if field.name in row)
    words = tuple(field.name for field in held if is_word(field))
    others = tuple(field for field in held if not is_word(field))
    names = ("id", *words, *(field.name for field in others))
    links = [field for name in cells if (field := table.field(name)) and field.type == "uuid"]
    owners = OWNERS.get(staged.table, ())
    beside = tuple(
        field
        for field in links
        if field.name in owners
        and field.name != staged.link
        and (staged.table, field.name) != ("service_at_location", "service_id")
    )
    return Pattern(
        table=table,
        fates=tuple(_fate(table, name, beside) for name in cells),
        at={name: at for at, name in enumerate(cells)},
        held=held,
        words=words,
        words_of=_getter(words),
        names=names,
        values_of=_getter(names),
        others=others,
        read=row.get(READ, ""),
        beside=beside,
        links=tuple(each for each in links if each.references and each.name not in ("id", *owners)),
        lacking=tuple(field for field in table.required if field.name not in row),
        has_id="id" in cells,
        has_point=bool(_POINT & row.keys()),
    )


def _fate(table: TableFields, name: str, beside: Sequence[Field]) -> Fate:
    field = table.field(name)
    if field is None:
        return Fate(table.file, name, Outcome.LEFT_OUT, "field_unknown")
    return _linked_beside(table.file, name) if field in beside else as_it_is(table.file, name)


@cache
def _linked_beside(file: str, name: str) -> Fate:
    return Fate(file, name, Outcome.CHANGED, "link_beside")


def _getter(names: tuple[str, ...]) -> Callable[[Mapping[str, str]], Sequence[str]]:
    """The values of a row under these names."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda row: [row[name] for name in names]
