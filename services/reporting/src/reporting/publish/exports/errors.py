"""How the export endpoints say no."""

from common.errors import ProblemType

UNMAPPED = ProblemType(
    "dhis2_unmapped",
    409,
    "The mapping of this deployment lacks codes that the file needs",
    "Add their UIDs to the mapping file, or ask with scheme=code.",
)
