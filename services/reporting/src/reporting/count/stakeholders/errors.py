"""How the stakeholder endpoints say no."""

from common.errors import PROBLEMS

UNREADABLE_STAKEHOLDERS = PROBLEMS["unreadable_stakeholders"]
