"""How the closing endpoints say no."""

from common.errors import ProblemType

CLOSING_AT_WORK = ProblemType(
    "closing_at_work",
    409,
    "The programmes of the period are still being closed",
    "Read the closing until none is `to_close`, then ask again.",
)
STEP_FAILED = ProblemType(
    "step_failed",
    503,
    "The step failed several times and was given up",
    "The log of the service says why. Ask again once the cause is mended.",
)
