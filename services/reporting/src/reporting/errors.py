"""Refusals of the reporting service, and the errors of its pure rules, which the API converts to refusals."""

from common.errors import PROBLEMS
from common.words.command_texts import Worded

STEP_FAILED = PROBLEMS["step_failed"]


PARAMETER = "parameter"
"""The field of an `OutsideProgrammeError` about an unknown parameter."""


class OutsideProgrammeError(ValueError):
    """A query contains a dimension or code that is not in the programme's reviewed definition."""

    def __init__(self, field: str, given: str, allowed: tuple[str, ...]) -> None:
        self.field = field
        self.given = given
        self.allowed = allowed
        super().__init__(f"{field}: {given!r} is not one of {', '.join(allowed)}")


class TooFineError(OutsideProgrammeError):
    """The period has too few people to show everybody a table by several dimensions. Two dimensions require at least
    `two` people; more dimensions require `more`."""

    def __init__(self, given: str, allowed: tuple[str, ...], two: int, more: int) -> None:
        super().__init__("by", given, allowed)
        self.two, self.more = two, more


class ReplayRunningError(Worded):
    """Another rebuild is running, and two would fill the same shadow."""


class HistoryIncompleteError(Worded):
    """The streams no longer reach back far enough, so a rebuild would lose facts."""
