"""The bulletin's own words in each language, from a table that translators can edit."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from common.words.languages import LANGUAGES

from reporting.ground.language import Text


@cache
def all_texts() -> Mapping[str, Text]:
    table = files("reporting.publish.bulletins.document").joinpath("data", "texts.csv")
    rows = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
    return {row["key"]: {language: row[language] for language in LANGUAGES} for row in rows}


def say(key: str) -> Text:
    """The text of that key; KeyError if the table lacks it."""
    return dict(all_texts()[key])
