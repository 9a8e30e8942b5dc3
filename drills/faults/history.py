"""What the clients requested and were told. It is the only evidence against which the record is checked.

Pure: no I/O.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """A command's outcome. `UNKNOWN`: no response arrived, or the response says that the outcome is unknown."""

    UNKNOWN = "unknown"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"


@dataclass(slots=True)
class Command:
    """One command with its own Idempotency-Key.

    `kind` is `<thing>.<verb>`, e.g. `referral.accept`. `made` and `version` come from the response. `refusal` is the
    code of the problem. `ends` contains the referrals that a withdrawal ends (or, while the outcome is unknown, may
    have ended). `fault` is the fault at the first sending.
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
    """All commands of a run. It also contains responses that no fault excuses (5xx other than 503 and 504), and reads
    that differ from what was acknowledged."""

    commands: list[Command] = field(default_factory=list)
    wrong_answers: list[str] = field(default_factory=list)
    misread: list[str] = field(default_factory=list)
    read_back: int = 0
    sent_at_once: int = 0

    @property
    def proofs(self) -> dict[str, int]:
        """Return how often the run made each check besides those of the record."""
        return {"read back": self.read_back, "sent at once": self.sent_at_once}

    def count(self, outcome: Outcome) -> int:
        return sum(command.outcome is outcome for command in self.commands)
