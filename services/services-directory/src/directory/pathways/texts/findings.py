"""Findings of the validation of a pathway, each with its step."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error prevents the submission of a pathway; a warning is for the coordinator to weigh."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `pointer` is a JSON pointer into the pathway's body; `step` is None for the whole pathway."""

    code: str
    step: str | None
    pointer: str
    facts: tuple[tuple[str, str], ...] = ()
    severity: Severity = Severity.ERROR
