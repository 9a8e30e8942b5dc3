"""The states of a referral and their meaning, for all services. Pure.

The referrals service alone decides who may change a state (its `lifecycle`). A state is counted in the same way by
every reader of its events: a row of `data/codelists/referral_states.csv` defines this.
"""

from enum import StrEnum
from typing import Literal, get_args

from common.words.choices import words_of


class ReferralState(StrEnum):
    DRAFT = "draft"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    INFO_REQUESTED = "info_requested"
    WAITLISTED = "waitlisted"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    SCHEDULED = "scheduled"
    IN_SERVICE = "in_service"
    ON_HOLD = "on_hold"
    COMPLETED = "completed"
    NOT_DELIVERED = "not_delivered"
    RECALLED = "recalled"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    ENTERED_IN_ERROR = "entered_in_error"


Progress = Literal["waiting", "accepted", "delivered", "undelivered"]
_COUNTS_AS: dict[str, Progress | None] = {
    **{each: each for each in get_args(Progress)},
    "nothing": None,
}
_PROGRESS = {
    state: _COUNTS_AS[row["counts_as"]]
    for state, row in words_of("referral_states", ReferralState).items()
}


def progress(state: ReferralState) -> Progress | None:
    """Return how far the referral has come in this state, or None if the state is not counted."""
    return _PROGRESS[state]


DELIVERED = frozenset(state for state in ReferralState if progress(state) == "delivered")
ACCEPTED = frozenset(state for state in ReferralState if progress(state) == "accepted") | DELIVERED
"""The recipient has accepted."""
TERMINAL = (
    frozenset(state for state in ReferralState if progress(state) == "undelivered")
    | DELIVERED
    | {ReferralState.ENTERED_IN_ERROR}
)
"""No further state follows; a second attempt is a new referral."""
OPEN = frozenset(ReferralState) - TERMINAL
UNMET = frozenset({ReferralState.DECLINED, ReferralState.NOT_DELIVERED, ReferralState.EXPIRED})
"""The need is still unmet, although the person wanted help."""
ANSWERED = (
    ACCEPTED
    | {ReferralState.DECLINED, ReferralState.NOT_DELIVERED}
    | {ReferralState.ACKNOWLEDGED, ReferralState.INFO_REQUESTED, ReferralState.WAITLISTED}
)
"""The recipient has answered."""
