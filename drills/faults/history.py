"""What the clients asked and were told: the only witness for checking the record.

Pure: no I/O.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """`UNKNOWN`: never answered, or the answer says that the outcome is unknown."""

    UNKNOWN = "unknown"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"


@dataclass(slots=True)
class Command:
    """One command with its own Idempotency-Key.

    `kind` is `<thing>.<verb>`, e.g. `referral.accept`. `made` and `version` come from the answer. `refusal` is the
    code of the refusing problem. `ends` are the referrals that a withdrawal ends (or, while unknown, may have ended).
    `fault` is the fault at the first sending.
    """

    key: str
    client: str
    kind: str
    fault: str
    target: str | None = None
    outcome: Outcome = Outcome.UNKNOWN
    made: str | None = None
    version: int | None = None
    ends: tuple[str, ...] = ()
    attempts: int = 0
    refusal: str = ""


@dataclass(slots=True)
class History:
    """All commands of a run, the answers that no fault excuses (5xx other than 503 and 504), and readings that differ
    from what was acknowledged."""

    commands: list[Command] = field(default_factory=list)
    wrong_answers: list[str] = field(default_factory=list)
    misread: list[str] = field(default_factory=list)
    read_back: int = 0
    sent_at_once: int = 0

    @property
    def proofs(self) -> dict[str, int]:
        """Return how often the run checked things beside the record."""
        return {"read back": self.read_back, "sent at once": self.sent_at_once}

    def count(self, outcome: Outcome) -> int:
        return sum(command.outcome is outcome for command in self.commands)
