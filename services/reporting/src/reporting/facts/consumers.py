"""What reporting reads of the other services."""

from common.events import directory, referrals
from common.events.base import Event
from common.messaging import Subscription

from reporting.facts.service import Recorder

DURABLE = "reporting"

FROM_REFERRALS: tuple[type[Event], ...] = (
    referrals.ReferralSent,
    referrals.ReferralAcknowledged,
    referrals.ReferralInfoRequested,
    referrals.ReferralWaitlisted,
    referrals.ReferralAccepted,
    referrals.ReferralDeclined,
    referrals.ReferralScheduled,
    referrals.ReferralInService,
    referrals.ReferralOnHold,
    referrals.ReferralCompleted,
    referrals.ReferralNotDelivered,
    referrals.ReferralRecalled,
    referrals.ReferralWithdrawn,
    referrals.ReferralExpired,
    referrals.ReferralEnteredInError,
    referrals.FeedbackConfirmed,
    referrals.EscalationRaised,
    referrals.GrantGiven,
    referrals.GrantWithdrawn,
    referrals.CaseErased,
)
FROM_DIRECTORY: tuple[type[Event], ...] = (
    directory.ServicePublished,
    directory.ServiceChanged,
    directory.ServiceWithdrawn,
    directory.CapacityChanged,
    directory.GapObserved,
)


def subscriptions(recorder: Recorder) -> list[Subscription]:
    """One durable consumer per producing service; a rebuild reads the same events."""
    return [
        Subscription(producer, DURABLE, dict.fromkeys(events, recorder.record_one))
        for producer, events in (("referrals", FROM_REFERRALS), ("directory", FROM_DIRECTORY))
    ]
