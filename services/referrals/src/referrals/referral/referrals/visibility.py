"""Each side's view of a referral. Pure.

To the recipient, every recall looks the same and has no reason, so that no recipient can tell that it was accused. Once
a recipient is implicated, its view freezes.
"""

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from common.words.referral_states import ReferralState

from referrals.ground.vocabulary.facts import untold
from referrals.referral.referrals.lifecycle import Command, Party

_NOT_TOLD = frozenset({Command.RECALL.value})


class Referred(Protocol):
    """The fields of a referral that this module reads or hides."""

    from_organisation: UUID
    to_organisation: UUID
    sent_at: datetime | None
    state: str
    version: int
    changed_at: datetime
    held_still: dict[str, Any] | None
    clinical_deadline: datetime | None
    unshared_deadline: datetime | None


def still_of(referral: Referred) -> dict[str, Any]:
    """Return the recipient's frozen view, which contains only ids, numbers and times."""
    return {
        "from_organisation": str(referral.from_organisation),
        "version": referral.version,
        "steps": referral.version,
        "changed_at": referral.changed_at.isoformat(),
    }


def moved_by_recipient(still: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return the frozen view after the recipient's own step."""
    return {**still, "version": still["version"] + 1, "changed_at": now.isoformat()}


def sides_of(organisation: UUID | None, referral: Referred) -> frozenset[Party]:
    """Return an organisation's sides of the referral; a draft has no recipient yet."""
    sides = set()
    if referral.from_organisation == organisation:
        sides.add(Party.REFERRER)
    if referral.to_organisation == organisation and referral.sent_at is not None:
        sides.add(Party.RECIPIENT)
    return frozenset(sides)


def shown_instead(
    referral: Referred, parties: AbstractSet[Party], granted: Collection[str] | None = frozenset()
) -> dict[str, Any]:
    """Return values that replace the row's values for these parties. `granted` contains the items that the recipient
    may read now, or is None after sharing has ended."""
    if Party.REFERRER in parties:
        return {"clinical_deadline": referral.clinical_deadline or referral.unshared_deadline}
    seen: dict[str, Any] = dict.fromkeys(untold(granted))
    if referral.state == ReferralState.RECALLED:
        seen["reason"] = None
    still = referral.held_still
    if still is not None:
        seen |= {
            "from_organisation": UUID(still["from_organisation"]),
            "version": still["version"],
            "changed_at": datetime.fromisoformat(still["changed_at"]),
            "feedback_confirmed_at": None,
            "feedback_confirmed_by": None,
            "service_flag": None,
        }
    return seen


def reason_is_told(command: str) -> bool:
    """Return whether the recipient learns the reason for a step."""
    return command not in _NOT_TOLD
