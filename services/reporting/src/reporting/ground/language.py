"""Texts in the readers' languages, and the format of numbers, shares and dates. The format is shared
(`common/words/conventions.py`); each capability has its own words as data."""

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
    """Return a sentence from `details.csv`, with its placeholders filled."""
    said = Detail.of(code, *params)
    return {language: said.text(language) for language in LANGUAGES}


def same(word: str) -> Text:
    """Return a proper name or code, which is the same in every language."""
    return dict.fromkeys(LANGUAGES, word)


def written(value: int | Decimal, language: str) -> str:
    """Format a number: 1234.5 is ``1.234,5`` in Spanish, ``1,234.5`` in English. A Decimal keeps its zeros, so that
    5.0 stands beside 5.2."""
    return conventions.number(value, language, 3, min(3, decimals(value)))


def decimals(value: int | Decimal) -> int:
    """Return the number of decimals with which the value is written."""
    return len(f"{value:f}".partition(".")[2]) if isinstance(value, Decimal) else 0


def with_interval(value: str, low: str, high: str, *, zero: bool) -> str:
    """Format a protected number with its interval. A 0 means nobody or few, so it appears only as its interval."""
    return f"{low}–{high}" if zero else f"{value} ({low}–{high})"


def written_share(value: Decimal, language: str) -> str:
    """Format a ratio as a percentage with at most one decimal: ``12,5 %`` in Spanish, ``12.5%`` in English."""
    return conventions.share(value, language)


def written_date(day: date, language: str) -> str:
    """Format a date in words: ``16 de noviembre de 2026``, ``16 November 2026``."""
    return conventions.whole_date(day, language)
