"""Rows of one pattern are read together, column by column: what a column says is looked at once for all rows
that say the same, and texts of all rows at once. Of most rows there is nothing to tell, and they are then
as they are read here; any other is read by itself, with all that is told of it."""

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import chain
from typing import Any

from directory.files.imports.package.convert import LOUD, are_as_they_stand, repeated
from directory.files.imports.package.fields import Field
from directory.files.imports.package.patterns import Pattern, Patterns, all_tidy
from directory.files.imports.package.staged import Staged
from directory.files.imports.package.staging import ENTRIES, Staging
from directory.files.imports.publishers.space import CANONICAL, Space, are_canonical
from directory.files.imports.values.cells import MAX_TEXT

_MOST_TOGETHER = 50
"""One text that is untidy makes that many rows be looked at singly."""


def read_together(
    rows: Iterable[Staged], patterns: Patterns, staging: Staging, space: Callable[[], Space]
) -> None:
    """Puts what is read into the rows. `space`: where their ids count."""
    alike: dict[tuple[int, str], list[Staged]] = {}
    for row in rows:
        if row.shape:
            alike.setdefault((row.shape, row.link), []).append(row)
    for group in alike.values():
        pattern = patterns.of(group[0])
        if not _is_loud(pattern, staging):
            for start in range(0, len(group), _MOST_TOGETHER):
                _read(group[start : start + _MOST_TOGETHER], pattern, staging, space())


def _is_loud(pattern: Pattern, staging: Staging) -> bool:
    """Whether there may be more to tell than what single values say. Ids of entries depend on whose file
    it is."""
    return bool(
        pattern.table.name in ENTRIES
        or pattern.read
        or pattern.has_point
        or (pattern.beside and staging.has_dangling)
        or any(field.type in ("array", "object") for field in pattern.others)
    )


def _read(group: Sequence[Staged], pattern: Pattern, staging: Staging, space: Space) -> None:
    values = [pattern.values_of(row.row) for row in group]
    columns: list[Sequence[Any]] = list(zip(*values, strict=True))
    loud: set[int] = set()
    as_they_stand = are_canonical(columns[0])
    if not as_they_stand and pattern.has_id:
        loud.update(at for at, each in enumerate(columns[0]) if not CANONICAL.fullmatch(each))
    elif not as_they_stand:
        columns[0] = [space.written(pattern.table.name, each) for each in columns[0]]
    for field in pattern.links:
        leading = [row.row[field.name] for row in group]
        gone = {each for each in set(leading) if not staging.holds(field.references, each)}
        loud.update(at for at, each in enumerate(leading) if gone and each in gone)
    few = 1 + len(pattern.words)
    if not _tidy_together(columns[1:few], len(group)):
        loud.update(at for at, each in enumerate(values) if not all_tidy(each[1:few]))
    for at, field in enumerate(pattern.others, few):
        if not (found := _otherwise(field, columns[at])):
            continue
        as_they_stand = False
        columns[at] = [found.get(each, each) for each in columns[at]]
        loud.update(place for place, each in enumerate(columns[at]) if each is LOUD)
    names = pattern.names
    made = values if as_they_stand else zip(*columns, strict=True)
    for at, (row, each) in enumerate(zip(group, made, strict=True)):
        if at not in loud:
            row.made = dict(zip(names, each, strict=True))
            row.told = (row.key, pattern.fates)
            row.whole = not pattern.lacking


def _otherwise(field: Field, values: Sequence[str]) -> dict[str, Any]:
    """By what they say, those that are read as something else, or of which there is more to tell."""
    if are_as_they_stand(field, values):
        return {}
    found = {}
    for each in set(values):
        value = repeated(field, each)
        if value is None or (isinstance(value, str) and not written_alike(value, each)):
            value = LOUD
        if value is LOUD or value != each:
            found[each] = value
    return found


def written_alike(value: str, given: str) -> bool:
    """But for a guarding apostrophe, and for the seconds of a time."""
    return value in (given, given.removeprefix("'"), given.removesuffix(":00"))


def _tidy_together(columns: Sequence[Collection[str]], rows: int) -> bool:
    texts = list(chain.from_iterable(columns))
    return all_tidy(texts, most=MAX_TEXT * rows) and max(map(len, texts), default=0) <= MAX_TEXT
