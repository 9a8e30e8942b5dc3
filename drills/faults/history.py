"""What the clients asked and what they were told: the only witness against which the record is checked.

Pure: no I/O.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """`UNKNOWN`: never answered, or answered that nobody knows; it may have happened or not."""

    UNKNOWN = "unknown"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"


@dataclass(slots=True)
class Command:
    """One command with its own Idempotency-Key.

    `kind` is `<thing>.<verb>`, e.g. `referral.accept`. `made` and `version` are what the answer
    named. `refusal` is the code of the problem that refused it. `ends` are the referrals that a withdrawal ends (or, while unknown, may have ended).
    `fault` is what was being done to the stack when it was first sent.
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
    """All commands of a run, the answers that no fault excuses (5xx other than 503 and 504), and what
    was read otherwise than it had been acknowledged."""

    commands: list[Command] = field(default_factory=list)
    wrong_answers: list[str] = field(default_factory=list)
    misread: list[str] = field(default_factory=list)
    read_back: int = 0
    sent_at_once: int = 0

    @property
    def proofs(self) -> dict[str, int]:
        """How often was looked beside the record."""
        return {"read back": self.read_back, "sent at once": self.sent_at_once}

    def count(self, outcome: Outcome) -> int:
        return sum(command.outcome is outcome for command in self.commands)
