"""Periods that a caller names."""

from common.errors import INVALID

from reporting.ground.periods import NoPeriodError, Period


def asked_period(text: str, pointer: str = "/period") -> Period:
    """The period; 422 at `pointer` if the text names none."""
    try:
        return Period.parse(text)
    except NoPeriodError as error:
        raise INVALID.because(error.said, pointer=pointer) from None
