"""How numbers, shares and dates are written in each language that people read. Pure.

As CLDR has them: its data for all languages of the world is 30 MB, and the tests compare these with it.
"""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

_MARKS: Mapping[str, tuple[str, str]] = {"es": (".", ","), "en": (",", ".")}
"""Of thousands and of decimals."""
_PERCENT = {"es": "\N{NO-BREAK SPACE}%", "en": "%"}
_MONTHS = {
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "en": "January February March April May June July August September October November December",
}
_SHORT = {
    "es": "ene feb mar abr may jun jul ago sept oct nov dic",
    "en": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
}
_OF_A_YEAR = {"es": "{month} de {year}", "en": "{month} {year}"}
_OF_A_MONTH = {"es": "{day} de {month}", "en": "{day} {month}"}


def number(value: float | Decimal, language: str, decimals: int = 3) -> str:
    """At most so many decimals: 1234.5 is `1.234,5` in Spanish, `1,234.5` in English."""
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    rounded = exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN)
    whole, _, rest = f"{rounded:,f}".partition(".")
    thousands, point = _MARKS[language]
    rest = rest.rstrip("0")
    return whole.replace(",", thousands) + (point + rest if rest else "")


def share(value: Decimal, language: str) -> str:
    """As a percentage with at most one decimal: `12,5 %` in Spanish, `12.5%` in English."""
    return number(value * 100, language, 1) + _PERCENT[language]


def month_names(language: str) -> tuple[str, ...]:
    """From January on."""
    return tuple(_MONTHS[language].split())


def short_month(day: date, language: str) -> str:
    """As an axis has room for it: `sept 2026`, `Sep 2026`."""
    return f"{_SHORT[language].split()[day.month - 1]} {day.year}"


def month(day: date, language: str) -> str:
    """`septiembre de 2026`, `September 2026`."""
    return _OF_A_YEAR[language].format(month=month_names(language)[day.month - 1], year=day.year)


def whole_date(day: date, language: str) -> str:
    """`16 de noviembre de 2026`, `16 November 2026`."""
    return _OF_A_MONTH[language].format(day=day.day, month=month(day, language))
