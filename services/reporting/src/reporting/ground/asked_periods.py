"""Parses periods in requests."""

from common.errors import INVALID

from reporting.ground.periods import NoPeriodError, Period


def asked_period(text: str, pointer: str = "/period") -> Period:
    """Return the period. Raise 422 at `pointer` if the text is not a valid period."""
    try:
        return Period.parse(text)
    except NoPeriodError as error:
        raise INVALID.because(error.said, pointer=pointer) from None
