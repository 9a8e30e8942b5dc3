"""Which service reads which events of another. The broker's operator makes a consumer for each; it delivers these alone."""

from collections.abc import Mapping

from common.events import directory, referrals
from common.events.base import Event
from common.words.referral_states import ReferralState

Kinds = tuple[type[Event], ...]

READ_BY: Mapping[str, Mapping[str, Kinds]] = {
    "directory": {
        "referrals": (
            directory.ServicePublished,
            directory.ServiceChanged,
            directory.ServiceWithdrawn,
            directory.CapacityChanged,
            directory.PathwayPublished,
            directory.SightChanged,
            directory.OrganizationRecorded,
            directory.OrganizationSucceeded,
        ),
        "reporting": (
            directory.ServicePublished,
            directory.ServiceChanged,
            directory.ServiceWithdrawn,
            directory.CapacityChanged,
            directory.GapObserved,
        ),
    },
    "referrals": {
        # A service that declined for want of capacity may not have said that it is full.
        "directory": (referrals.ENTERED[ReferralState.DECLINED],),
        "reporting": (
            *referrals.ENTERED.values(),
            referrals.FeedbackConfirmed,
            referrals.EscalationRaised,
            referrals.GrantGiven,
            referrals.GrantWithdrawn,
            referrals.CaseErased,
            referrals.ScreeningOpened,
            referrals.ScreeningStopped,
            referrals.ScreeningAttached,
            referrals.ScreeningReferred,
            referrals.ScreeningErased,
            referrals.ScreeningConcluded,
            referrals.AssistanceGiven,
            referrals.CaseRegistered,
            referrals.CaseClosed,
            referrals.TransferOffered,
            referrals.TransferAccepted,
            referrals.TransferDeclined,
            referrals.TransferRecalled,
            referrals.LineReportReceived,
            # No fact of a person: live it becomes an activity, a rebuild leaves it alone.
            referrals.TrainingHeld,
        ),
    },
    # Read by partners through webhooks and by readers outside, not by a service.
    "reporting": {},
}
"""Producer, reader, kinds."""


def stream_name(service: str) -> str:
    return f"RUTA_{service.upper()}"
