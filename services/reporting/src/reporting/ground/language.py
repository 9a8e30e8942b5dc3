"""Texts in the languages of the readers, and how numbers, shares and dates are written in each.

How they are written is common to all (`common/words/conventions.py`); the words are data of the capability that uses them.
"""

from datetime import date
from decimal import Decimal

from common.words import conventions
from common.words.details import Detail
from common.words.languages import LANGUAGES
from common.words.tables import completed

Text = dict[str, str]
"""One text per language."""


def text(es: str, en: str) -> Text:
    return completed("reporting", {"es": es, "en": en})


def of_details(code: str, *params: object) -> Text:
    """A row of `details.csv`, with its places filled."""
    said = Detail.of(code, *params)
    return {language: said.text(language) for language in LANGUAGES}


def same(word: str) -> Text:
    """A proper name or code, which is written alike in every language."""
    return dict.fromkeys(LANGUAGES, word)


def written(value: int | Decimal, language: str) -> str:
    """A number as that language writes it: 1234.5 is ``1.234,5`` in Spanish, ``1,234.5`` in English."""
    return conventions.number(value, language)


def with_interval(value: str, low: str, high: str, *, zero: bool) -> str:
    """A protected number with its interval. A 0 is nobody or few: only its interval is written."""
    return f"{low}–{high}" if zero else f"{value} ({low}–{high})"


def written_share(value: Decimal, language: str) -> str:
    """A ratio as a percentage with at most one decimal: ``12,5 %`` in Spanish, ``12.5%`` in English."""
    return conventions.share(value, language)


def written_date(day: date, language: str) -> str:
    """A date in words: ``16 de noviembre de 2026``, ``16 November 2026``."""
    return conventions.whole_date(day, language)
