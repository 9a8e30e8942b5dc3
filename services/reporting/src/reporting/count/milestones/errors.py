"""How the milestone endpoints say no."""

from common.errors import PROBLEMS

MILESTONE_STATUS = PROBLEMS["milestone_status"]
