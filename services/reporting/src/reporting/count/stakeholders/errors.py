"""How the stakeholder endpoints say no."""

from common.errors import ProblemType

UNREADABLE_STAKEHOLDERS = ProblemType(
    "unreadable_stakeholders",
    422,
    "The table of stakeholders is not valid; nothing was written",
    "Each problem names its row and column: correct them and send the file again.",
)
