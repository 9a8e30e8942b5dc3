"""The capabilities that subscribe to a case's domain events, in this order. Wiring only."""

from common.happenings import declare

from referrals.case.cases import handlers as cases
from referrals.case.consents import handlers as consents
from referrals.case.entries import handlers as entries
from referrals.case.transfers import handlers as transfers
from referrals.ground.happenings import (
    CameOfAge,
    CaregiverSuppressed,
    CaseClosed,
    CaseClosing,
    CaseErased,
    CaseHandedOver,
    CasesLost,
    ConflictRecorded,
    ServicesChanged,
)
from referrals.ground.tasks import handlers as tasks
from referrals.listening.breakglass import handlers as breakglass
from referrals.listening.intake import handlers as intake
from referrals.listening.line import handlers as line
from referrals.referral.links import handlers as links
from referrals.referral.referrals import handlers as referrals
from referrals.screening.assistance import handlers as assistance
from referrals.screening.screenings import handlers as screenings
from referrals.telling.webhooks import handlers as webhooks


def declare_followers() -> None:
    declare(CaseClosing, referrals.case_closing)
    declare(
        CaseClosed,
        referrals.case_closed,
        transfers.case_closed,
        referrals.unused_consents_end,
        assistance.case_closed,
        entries.case_closed,
        tasks.case_closed,
    )
    declare(
        CaseErased,
        # End processes first, because this writes their last events and history before those are emptied.
        referrals.case_erased,
        transfers.case_erased,
        screenings.case_erased,
        consents.case_erased,
        assistance.case_erased,
        entries.case_erased,
        tasks.case_erased,
        breakglass.case_erased,
        links.case_erased,
        intake.case_erased,
        line.case_erased,
        cases.case_erased,
    )
    declare(
        CaseHandedOver,
        referrals.unused_exceptions_end,
        consents.case_handed_over,
        referrals.sides_fall_together,
        referrals.case_handed_over,
        tasks.case_handed_over,
        links.case_handed_over,
        breakglass.case_handed_over,
        screenings.case_handed_over,
        intake.case_handed_over,
        line.case_handed_over,
        assistance.case_handed_over,
        entries.case_handed_over,
    )
    declare(
        ConflictRecorded,
        referrals.conflict_recorded,
        transfers.conflict_recorded,
        breakglass.conflict_recorded,
        assistance.conflict_recorded,
        line.conflict_recorded,
    )
    declare(CameOfAge, consents.came_of_age)
    declare(CaregiverSuppressed, consents.caregiver_suppressed, referrals.caregiver_suppressed)
    declare(CasesLost, webhooks.cases_lost)
    declare(ServicesChanged, referrals.services_changed)
