"""How pathways say no."""

from collections.abc import Sequence

from common.errors import FieldError, Problem, ProblemType

from directory.pathways.texts.findings import Finding
from directory.pathways.texts.wording import say_finding

PATHWAY_EXISTS = ProblemType(
    "pathway_exists",
    409,
    "This area already has a pathway of this AoR",
    "Draft a new version of it.",
)
PATHWAY_STATE = ProblemType("pathway_state", 409, "The version's present state does not allow this")
PATHWAY_INVALID = ProblemType(
    "pathway_invalid", 422, "The pathway cannot be used as it is", "Each error names its step."
)
PROFILE_CONTRADICTORY = ProblemType(
    "profile_contradictory", 422, "The profile cannot be true of one person"
)
UNKNOWN_CODE = ProblemType("unknown_code", 422, "A code is not in its list")


def invalid_pathway(findings: Sequence[Finding]) -> Problem:
    """One error per finding, with its pointer, in both languages."""
    errors = []
    for finding in findings:
        said = say_finding(finding)
        errors.append(FieldError(finding.pointer, f"{said['en']} / {said['es']}", finding.code))
    return PATHWAY_INVALID.because(
        "finding_s_must_be_repaired_first",
        len(errors),
        errors=errors,
        steps=sorted({finding.step for finding in findings if finding.step}),
    )
