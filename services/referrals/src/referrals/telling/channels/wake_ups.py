"""Decides what wakes a person, in one table by kind, urgency, side and hour. Pure.

| urgency | kind and side | by day | in quiet hours |
|---|---|---|---|
| emergency | in `WAKES` | at once, by the chain | at once, by the chain; at their end where a channel does not wake |
| emergency | another | at once | at their end |
| another | any | at the channel's pace | at their end |

Each channel has its own quiet hours. A matter wakes the side that must act now; news of the other side's action waits
for the morning.
"""

from enum import StrEnum, auto

from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.vocabulary.work_order import RANKS, Rank


class Side(StrEnum):
    """The notified organisation's side: sender, recipient, or neither if the matter has no two sides."""

    SENDER = auto()
    RECIPIENT = auto()
    ALONE = auto()


class Telling(StrEnum):
    CHAIN = auto()
    """At once, one person on call after the other until somebody opens it, even in quiet hours."""
    AT_ONCE = auto()
    """At once, except in quiet hours."""
    PACE = auto()
    """At the channel's pace."""


WAKES = frozenset(
    {
        (NoticeKind.REFERRAL_SENT, Side.RECIPIENT),
        (NoticeKind.REFERRAL_REMINDER, Side.RECIPIENT),
        (NoticeKind.REFERRAL_SUPERVISOR, Side.RECIPIENT),
        (NoticeKind.REFERRAL_UNHEARD, Side.RECIPIENT),
        (NoticeKind.REFERRAL_REMINDER, Side.SENDER),
        (NoticeKind.REFERRAL_UNHEARD, Side.SENDER),
        (NoticeKind.REFERRAL_INFO_REQUESTED, Side.SENDER),
        (NoticeKind.REFERRAL_WAITLISTED, Side.SENDER),
        (NoticeKind.REFERRAL_DECLINED, Side.SENDER),
        (NoticeKind.REFERRAL_NOT_DELIVERED, Side.SENDER),
        (NoticeKind.REFERRAL_SERVICE_NOT_REFERABLE, Side.SENDER),
        (NoticeKind.REFERRAL_ALTERNATIVE, Side.SENDER),
        (NoticeKind.REFERRAL_EXPIRY, Side.SENDER),
        (NoticeKind.REFERRAL_EXPIRED, Side.SENDER),
        (NoticeKind.BREAK_GLASS_ASKED, Side.ALONE),
        (NoticeKind.LINE_REPORT_URGENT, Side.ALONE),
        (NoticeKind.ORGANISATION_UNHEARD, Side.ALONE),
    }
)
_ALWAYS = frozenset(
    {
        NoticeKind.BREAK_GLASS_ASKED,
        NoticeKind.LINE_REPORT_URGENT,
        NoticeKind.ORGANISATION_UNHEARD,
    }
)
"""Emergencies whose notice has no urgency."""


def is_emergency(kind: NoticeKind, urgency: str | None) -> bool:
    return kind in _ALWAYS or RANKS.get(urgency or "") is Rank.FIRST


def telling(kind: NoticeKind, urgency: str | None, side: Side) -> Telling:
    if not is_emergency(kind, urgency):
        return Telling.PACE
    return Telling.CHAIN if (kind, side) in WAKES else Telling.AT_ONCE
