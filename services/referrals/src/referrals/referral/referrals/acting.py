"""By when something is to happen after a referral was accepted. Pure.

Accepting is no help yet: without a clock of its own an accepted referral can lie for ever. Nothing is
taken from anybody when it runs out; it is overdue in the lists of both sides and in the counts of
the coordinator.
"""

from datetime import datetime, timedelta

from common.events.codes import Urgency
from common.words.referral_states import ReferralState

BEGINS_WITHIN: dict[Urgency, timedelta] = {
    "emergency": timedelta(days=1),
    "urgent": timedelta(days=3),
    "routine": timedelta(days=14),
}
"""From the acceptance to the appointment or the beginning."""
LOOKED_AT_WITHIN = timedelta(days=30)
"""From one look at a service that goes on to the next."""


def act_by(state: ReferralState, urgency: Urgency, now: datetime) -> datetime | None:
    """The limit of a state that is entered now; None: it has none, or one of its own."""
    if state is ReferralState.ACCEPTED:
        return now + BEGINS_WITHIN[urgency]
    if state is ReferralState.IN_SERVICE:
        return now + LOOKED_AT_WITHIN
    return None
