"""How the context endpoints say no."""

from common.errors import ProblemType

UNREADABLE_SERIES = ProblemType(
    "unreadable_series",
    422,
    "The file of the series is not valid; nothing was written",
    "Each problem names its row and column: correct them and send the file again.",
)
