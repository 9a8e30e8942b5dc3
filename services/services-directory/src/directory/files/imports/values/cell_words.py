"""A table that maps words in cells to their meanings: weekdays, always open, yes and no. The words are folded. Pure."""

from collections.abc import Mapping
from functools import cache

from common.words.tables import rows


@cache
def cell_words() -> Mapping[str, frozenset[str]]:
    found = rows("directory.files.imports", "data/cell_words")
    return {row["meaning"]: frozenset(row["words"].split(";")) for row in found}
