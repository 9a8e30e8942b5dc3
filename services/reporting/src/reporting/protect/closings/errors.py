"""How the closing endpoints say no."""

from common.errors import PROBLEMS

CLOSING_AT_WORK = PROBLEMS["closing_at_work"]
