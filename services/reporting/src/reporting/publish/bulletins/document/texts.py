"""The bulletin's own wording in each language, from a table that translators can edit."""

from collections.abc import Mapping
from functools import cache

from common.words.languages import LANGUAGES
from common.words.tables import rows

from reporting.ground.language import Text


@cache
def all_texts() -> Mapping[str, Text]:
    found = rows(__package__, "data/texts")
    return {row["key"]: {language: row[language] for language in LANGUAGES} for row in found}


def say(key: str) -> Text:
    """Return the text for this key. Raise KeyError if the table lacks it."""
    return dict(all_texts()[key])
