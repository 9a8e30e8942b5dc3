"""Which events of which service are facts: read live by consumers, and again by a rebuild."""

from common.events import directory, referrals
from common.events.base import Event

FROM_REFERRALS: tuple[type[Event], ...] = (
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
    # No fact of a person: live it becomes an activity (see consumers), a rebuild leaves it alone.
    referrals.TrainingHeld,
)
FROM_DIRECTORY: tuple[type[Event], ...] = (
    directory.ServicePublished,
    directory.ServiceChanged,
    directory.ServiceWithdrawn,
    directory.CapacityChanged,
    directory.GapObserved,
)

SOURCES: tuple[tuple[str, tuple[type[Event], ...]], ...] = (
    ("directory", FROM_DIRECTORY),
    ("referrals", FROM_REFERRALS),
)

DURABLE = "reporting"
CONSUMERS = tuple(f"{producer}/{DURABLE}" for producer, _ in SOURCES)
"""What the inbox calls the readers of these streams."""
