"""Refusals of all of reporting, and errors of its pure rules, to which the API gives a status."""

from common.errors import PROBLEMS
from common.words.wording import Worded

STEP_FAILED = PROBLEMS["step_failed"]


PARAMETER = "parameter"
"""The field of an `OutsideProgrammeError` whose parameter is not known at all."""


class OutsideProgrammeError(ValueError):
    """A question names a dimension or a code that the programme's reviewed definition lacks."""

    def __init__(self, field: str, given: str, allowed: tuple[str, ...]) -> None:
        self.field = field
        self.given = given
        self.allowed = allowed
        super().__init__(f"{field}: {given!r} is not one of {', '.join(allowed)}")


class ReplayRunningError(Worded):
    """Two rebuilds at once would fill the same shadow."""


class HistoryIncompleteError(Worded):
    """The streams no longer reach back far enough: a rebuild would lose facts."""
