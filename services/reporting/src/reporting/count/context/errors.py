"""How the context endpoints say no."""

from common.errors import PROBLEMS

UNREADABLE_SERIES = PROBLEMS["unreadable_series"]
