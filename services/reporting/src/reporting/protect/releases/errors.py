"""Refusals by the release endpoints."""

from common.errors import INVALID, PROBLEMS, Problem, unknown_parameter

from reporting.errors import PARAMETER, OutsideProgrammeError, TooFineError

PERIOD_NOT_ENDED = PROBLEMS["period_not_ended"]
PERIOD_CLOSED = PROBLEMS["period_closed"]
PERIOD_CLOSED_APART = PROBLEMS["period_closed_apart"]
PERIOD_MAYBE_PUBLISHED = PROBLEMS["period_maybe_published"]
SIGN_OFF_MISSING = PROBLEMS["sign_off_missing"]
ALREADY_PUBLISHED = PROBLEMS["already_published"]


def outside(error: OutsideProgrammeError, pointer: str) -> Problem:
    """Return 422 with the allowed values."""
    if error.field == PARAMETER:
        return unknown_parameter(
            error.given, error.allowed, field=error.field, allowed=list(error.allowed)
        )
    if isinstance(error, TooFineError):
        return INVALID.because("table_needs_more_people", error.two, error.more, pointer=pointer)
    return INVALID.because(
        "this_value_is_not_part_of_programme",
        pointer=pointer,
        field=error.field,
        allowed=list(error.allowed),
    )
