"""How the export endpoints say no."""

from common.errors import PROBLEMS

UNMAPPED = PROBLEMS["dhis2_unmapped"]
