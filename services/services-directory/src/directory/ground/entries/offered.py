"""Decides whether the published form of an entry is visible to anybody. Pure. A hidden entry has no stored document, so
no search, plan, list, page, file or copy contains it, and referrals treats it as withdrawn. Its record remains for
users who may read records."""

from collections.abc import Mapping
from typing import Any

from directory.ground.entries.states import EntryState

ENDED = (EntryState.WITHDRAWN.value, EntryState.MERGED.value)
"""States of an entry without a published document."""

Told = Mapping[str, Any] | None
"""The restrictions in the last event (`hsds.restricted`)."""


def is_withdrawn(state: str, told: Told) -> bool:
    """Return whether the entry is withdrawn. A reopened entry stays withdrawn until an authorised person approves
    it."""
    if state in {EntryState.APPROVED, EntryState.MERGED}:
        return False
    return state == EntryState.WITHDRAWN or bool(told and told.get("withdrawn"))


def is_published(approved: Any, state: str, told: Told) -> bool:
    return approved is not None and state != EntryState.MERGED and not is_withdrawn(state, told)


def is_withheld(approved: Any, state: str, told: Told, *, organisation_suspended: bool) -> bool:
    """Return whether the entry is published but hidden because its organisation is suspended. The directory does not
    know the reason, which may be abuse by its staff."""
    return is_published(approved, state, told) and organisation_suspended


def is_offered(approved: Any, state: str, told: Told, *, organisation_suspended: bool) -> bool:
    return is_published(approved, state, told) and not organisation_suspended
