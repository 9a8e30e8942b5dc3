"""Errors about pathways."""

from collections.abc import Sequence

from common.errors import PROBLEMS, FieldError, Problem

from directory.pathways.texts.findings import Finding
from directory.pathways.texts.sentences import say_finding

PATHWAY_EXISTS = PROBLEMS["pathway_exists"]
PATHWAY_STATE = PROBLEMS["pathway_state"]
PATHWAY_INVALID = PROBLEMS["pathway_invalid"]
PROFILE_CONTRADICTORY = PROBLEMS["profile_contradictory"]
UNKNOWN_CODE = PROBLEMS["unknown_code"]


def invalid_pathway(findings: Sequence[Finding]) -> Problem:
    """Return one error per finding, with its pointer, in both languages."""
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
