"""How the release endpoints say no."""

from common.errors import INVALID, Problem, ProblemType, unknown_parameter

from reporting.errors import PARAMETER, OutsideProgrammeError

PERIOD_NOT_ENDED = ProblemType(
    "period_not_ended", 409, "The period has not ended", "Close it on the day after its last day."
)
PERIOD_CLOSED = ProblemType(
    "period_closed",
    409,
    "The period is closed and is never rounded again",
    "Corrections post to the current period; read the release that exists.",
)
PERIOD_CLOSED_APART = ProblemType(
    "period_closed_apart",
    409,
    "These people were already rounded in this period, with another method",
    "A second rounding could be played against the first: close a later period. What happened in this"
    " one stays in the releases that were made then.",
)
PERIOD_MAYBE_PUBLISHED = ProblemType(
    "period_maybe_published",
    409,
    "The machine that was lost may have published this period",
    "Look among the files and bulletins that were published. Are its numbers there, it stays as it is; are they not,"
    " close its release with `never_closed`.",
)
ROUNDED_APART = ProblemType(
    "release_rounded_apart",
    410,
    "This release was rounded with an older method",
    "Its numbers could be played against theirs, so nobody is told them any more: read a release that was closed since.",
)
SIGN_OFF_MISSING = ProblemType(
    "sign_off_missing",
    409,
    "A contributor has not signed off",
    "Ask the organisations that the body names, or waive with a reason.",
)
ALREADY_PUBLISHED = ProblemType("already_published", 409, "The release is already published")


def outside(error: OutsideProgrammeError, pointer: str) -> Problem:
    """422 that names what is allowed."""
    if error.field == PARAMETER:
        return unknown_parameter(
            error.given, error.allowed, field=error.field, allowed=list(error.allowed)
        )
    return INVALID.because(
        "this_value_is_not_part_of_programme",
        pointer=pointer,
        field=error.field,
        allowed=list(error.allowed),
    )
