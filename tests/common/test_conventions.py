"""Numbers and dates follow CLDR. Babel, which includes the CLDR data, confirms it."""

from datetime import date
from decimal import Decimal

import pytest
from babel.dates import format_date, get_month_names
from babel.numbers import format_decimal, format_percent
from common.words import conventions
from common.words.languages import LANGUAGES
from hypothesis import given
from hypothesis import strategies as st

_AMOUNTS = st.one_of(
    st.integers(-(10**12), 10**12),
    st.floats(0, 1e9),
    st.decimals(0, 10**9, allow_nan=False, places=6),
)


@pytest.mark.parametrize("language", LANGUAGES)
@given(value=_AMOUNTS)
def test_a_number_is_written_as_babel_writes_it(language: str, value: float | Decimal) -> None:
    assert conventions.number(value, language) == format_decimal(value, locale=language)


@pytest.mark.parametrize(("language", "sign"), [("es", "\N{NO-BREAK SPACE}%"), ("en", "%")])
@given(value=st.decimals(0, 100, allow_nan=False, places=5))
def test_a_share_is_written_as_babel_writes_it(language: str, sign: str, value: Decimal) -> None:
    babel = format_percent(value, format=f"#,##0.#{sign}", locale=language)
    assert conventions.share(value, language) == babel


@pytest.mark.parametrize("language", LANGUAGES)
def test_months_and_dates_are_those_of_babel(language: str) -> None:
    names = get_month_names("wide", locale=language)
    assert conventions.month_names(language) == tuple(names[n] for n in range(1, 13))
    of = " 'de' " if language == "es" else " "
    for number in range(1, 13):
        day = date(2026, number, number)

        def written(pattern: str, day: date = day) -> str:
            return str(format_date(day, pattern, locale=language))

        assert conventions.short_month(day, language) == written("MMM y")
        assert conventions.month(day, language) == written(f"MMMM{of}y")
        assert conventions.whole_date(day, language) == written(f"d{of}MMMM{of}y")
