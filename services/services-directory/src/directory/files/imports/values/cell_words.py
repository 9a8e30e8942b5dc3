"""Cell words by their meaning: weekdays, always open, yes and no. A folded table. Pure."""

from collections.abc import Mapping
from functools import cache

from common.words.tables import rows


@cache
def cell_words() -> Mapping[str, frozenset[str]]:
    found = rows("directory.files.imports", "data/cell_words")
    return {row["meaning"]: frozenset(row["words"].split(";")) for row in found}
