"""Whether what is published of an entry is shown to anybody. Pure.

What is not shown has no stored document: no search, plan, list, page, file or copy has it, and referrals are told
that it was withdrawn. Its record stays as it is, for those who may read records.
"""

from typing import Any

ENDED = ("withdrawn", "merged")
"""States of an entry of which nothing is published any more."""


def is_published(approved: Any, state: str) -> bool:
    return approved is not None and state not in ENDED


def is_withheld(approved: Any, state: str, *, organisation_suspended: bool) -> bool:
    """Published, and shown to nobody while the organisation that offers it has no access: why that was ended nobody
    says here, and it may be for what its people did to those who came."""
    return is_published(approved, state) and organisation_suspended


def is_offered(approved: Any, state: str, *, organisation_suspended: bool) -> bool:
    return is_published(approved, state) and not organisation_suspended
