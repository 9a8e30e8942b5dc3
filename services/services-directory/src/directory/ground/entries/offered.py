"""Whether what is published of an entry is shown to anybody. Pure.

What is not shown has no stored document: no search, plan, list, page, file or copy has it, and referrals are told
that it was withdrawn. Its record stays as it is, for those who may read records.
"""

from collections.abc import Mapping
from typing import Any

from directory.ground.entries.states import EntryState

ENDED = (EntryState.WITHDRAWN.value, EntryState.MERGED.value)
"""States of an entry of which nothing is published any more."""

Told = Mapping[str, Any] | None
"""What others were told last of what is restricted of it (`hsds.restricted`)."""


def is_withdrawn(state: str, told: Told) -> bool:
    """It stays so while it is worked on again, until somebody who may approves it."""
    if state in {EntryState.APPROVED, EntryState.MERGED}:
        return False
    return state == EntryState.WITHDRAWN or bool(told and told.get("withdrawn"))


def is_published(approved: Any, state: str, told: Told) -> bool:
    return approved is not None and state != EntryState.MERGED and not is_withdrawn(state, told)


def is_withheld(approved: Any, state: str, told: Told, *, organisation_suspended: bool) -> bool:
    """Published, and shown to nobody while the organisation that offers it has no access: why that was ended nobody
    says here, and it may be for what its people did to those who came."""
    return is_published(approved, state, told) and organisation_suspended


def is_offered(approved: Any, state: str, told: Told, *, organisation_suspended: bool) -> bool:
    return is_published(approved, state, told) and not organisation_suspended
