"""How the closing endpoints say no."""

from common.errors import ProblemType

CLOSING_AT_WORK = ProblemType(
    "closing_at_work",
    409,
    "The programmes of the period are still being closed",
    "Read the closing until none is `to_close`, then ask again.",
)
