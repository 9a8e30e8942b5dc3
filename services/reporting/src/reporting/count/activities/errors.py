"""How the activity endpoints say no."""

from common.errors import PROBLEMS

BAD_ROWS = PROBLEMS["bad_rows"]
UNREADABLE = PROBLEMS["unreadable_workbook"]
