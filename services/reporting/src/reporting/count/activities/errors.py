"""How the activity endpoints say no."""

from common.errors import ProblemType

BAD_ROWS = ProblemType(
    "bad_rows",
    422,
    "Some rows of the file are not valid; nothing was written",
    "Each problem names its row and column: correct them and import the file again.",
)
UNREADABLE = ProblemType(
    "unreadable_workbook", 422, "The workbook cannot be read", "Start from the template."
)
