"""Declares which service reads which events. The broker's operator creates one consumer per service, which delivers
only these events."""

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
        # A service that declined because it is full may not have updated its capacity.
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
            # Not a fact about a person: it is recorded as an activity on arrival, and rebuilds skip it.
            referrals.TrainingHeld,
        ),
    },
    # Partners (by webhook) and outside readers read these events; no service reads them.
    "reporting": {},
}
"""Producer → reader → kinds of events."""


def stream_name(service: str) -> str:
    return f"RUTA_{service.upper()}"
