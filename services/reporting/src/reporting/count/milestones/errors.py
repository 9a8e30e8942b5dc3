"""How the milestone endpoints say no."""

from common.errors import ProblemType

MILESTONE_STATUS = ProblemType(
    "milestone_status",
    409,
    "The milestone cannot go to this status",
    "`allowed` names where it can go from where it stands.",
)
