"""Formats numbers, shares and dates in each page language, by `codelists/page_languages.csv`. Pure. It follows CLDR.
CLDR's own data for all languages would need 30 MB; the tests compare the results with that data."""

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from common.words.choices import words_of
from common.words.languages import LANGUAGES

_HOW = words_of("page_languages", LANGUAGES)
NOTATIONS = {code: row["notation"] for code, row in _HOW.items()}
"""The notation of numbers on the axes of charts."""
OWN_NAMES = {code: row["own_name"] for code, row in _HOW.items()}


def number(value: float | Decimal, language: str, decimals: int = 3, least: int = 0) -> str:
    """Format a number with at most `decimals` and at least `least` decimals: 1234.5 is `1.234,5` in Spanish, `1,234.5`
    in English."""
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    rounded = exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN)
    whole, _, rest = f"{rounded:,f}".partition(".")
    thousands, point = _HOW[language]["thousands"], _HOW[language]["point"]
    rest = rest.rstrip("0").ljust(least, "0")
    return whole.replace(",", thousands) + (point + rest if rest else "")


def share(value: Decimal, language: str) -> str:
    """Format a value as a percentage with at most one decimal: `12,5 %` in Spanish, `12.5%` in English."""
    return number(value * 100, language, 1) + _HOW[language]["percent"]


def month_names(language: str) -> tuple[str, ...]:
    """Return the names of the months, starting with January."""
    return tuple(_HOW[language]["months"].split())


def short_month(day: date, language: str) -> str:
    """Format a month in short form, for axes: `sept 2026`, `Sep 2026`."""
    return f"{_HOW[language]['short_months'].split()[day.month - 1]} {day.year}"


def month(day: date, language: str) -> str:
    """Format a month: `septiembre de 2026`, `September 2026`."""
    return _HOW[language]["month"].format(month=month_names(language)[day.month - 1], year=day.year)


def whole_date(day: date, language: str) -> str:
    """Format a date: `16 de noviembre de 2026`, `16 November 2026`."""
    return days_of(str(day.day), day, language)


def days_of(days: str, of: date, language: str) -> str:
    """Format a range of days in a month: `1–15 de noviembre de 2026`."""
    return _HOW[language]["day"].format(day=days, month=month(of, language))


def dotted_month(of: date, language: str) -> str:
    """Abbreviate a month as CLDR does for Venezuela and Great Britain: `sept.`, `Sept`."""
    return _HOW[language]["dotted_months"].split()[of.month - 1]


def quarter(number: int, year: int, language: str) -> str:
    """Format a quarter: `4.º trimestre de 2026`, `Q4 2026`."""
    return _HOW[language]["quarter"].format(n=number, year=year)
