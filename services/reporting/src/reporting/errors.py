"""What all of reporting may refuse, and what its pure rules refuse before any transport gives it a status."""

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
    """A rebuild from what is left of the streams would lose facts."""
