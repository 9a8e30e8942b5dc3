"""Wires the referrals service: routes, key store, background tasks."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from common.crypto import key_from_base64
from common.db.session import Database
from common.http import service_app
from fastapi import APIRouter, FastAPI

from referrals.case.cases.api import cases
from referrals.case.consents.api import consents, exceptions
from referrals.case.entries.api import body_limit_of, entries
from referrals.case.entries.pictures import keep_uploads_in_memory
from referrals.case.transfers.api import transfers
from referrals.ground.directory.api import teams
from referrals.ground.keys.blind_index import BlindIndex
from referrals.ground.keys.store import CaseKeys
from referrals.ground.people.api import people
from referrals.ground.protocols.api import protocols
from referrals.ground.row_security import act_as_service
from referrals.ground.timers.api import timers
from referrals.listening.breakglass.api import break_glass
from referrals.listening.intake.api import forms as intake_forms
from referrals.listening.intake.api import submissions as intake_submissions
from referrals.listening.line.api import line
from referrals.listening.line.desk_api import desk
from referrals.listening.line.gate import ReceiptGate
from referrals.listening.line.pages import line_pages
from referrals.listening.line.receipts import Receipts
from referrals.operations import open_key_store
from referrals.referral.escalations.api import overdue
from referrals.referral.fhir.api import fhir
from referrals.referral.fhir.export_api import fhir_export
from referrals.referral.fhir.search_api import fhir_search
from referrals.referral.links.pages import links, pages
from referrals.referral.referrals.api import of_case, referrals
from referrals.referral.referrals.attachments_api import attachments
from referrals.referral.referrals.case_list_api import case_list
from referrals.referral.referrals.withdrawal_api import of_consent, withdrawals
from referrals.referral.referrals.withdrawal_pages import withdrawal_page
from referrals.screening.assistance.api import assistance
from referrals.screening.assistance.api import of_case as assistance_of_case
from referrals.screening.assistance.matching import Matching
from referrals.screening.assistance.matching_api import matches, matching_of_case
from referrals.screening.screenings.api import instruments_of, screenings
from referrals.screening.training.api import certificates, trainings
from referrals.settings import Settings
from referrals.tables import COMMON, ENDED_RIGHTS
from referrals.telling.answers import ReferralAnswers
from referrals.telling.bulk.api import bulk
from referrals.telling.channels.api import channels, on_call
from referrals.telling.channels.duty_service import Duty
from referrals.telling.channels.transports.offered import Transports
from referrals.telling.feed.api import feed
from referrals.telling.followers_service import declare_followers
from referrals.telling.todo.api import tasks
from referrals.telling.todo.calendar_api import calendar
from referrals.telling.todo.work_api import work
from referrals.telling.trail.api import audit
from referrals.telling.trail.statement_api import statements
from referrals.telling.webhooks.api import webhooks
from referrals.telling.webhooks.description import calls
from referrals.telling.webhooks.service import tell_of_held
from referrals.worker import ENDINGS, background

_DESCRIPTION = """
Cases, consent, referrals. A person is a case code; nothing about a person moves without a grant
that covers it, and a withdrawal always works. / Casos, consentimiento, remisiones. Una persona es
un código; nada de una persona se comparte sin un consentimiento que lo cubra, y retirarlo siempre
funciona.
"""
# The router tries routes in order, so the most used routes come first.
ROUTERS: tuple[APIRouter, ...] = (
    bulk,
    case_list,
    cases,
    entries,
    consents,
    of_consent,
    exceptions,
    withdrawals,
    withdrawal_page,
    referrals,
    of_case,
    transfers,
    timers,
    overdue,
    tasks,
    work,
    calendar,
    teams,
    protocols,
    feed,
    webhooks,
    channels,
    on_call,
    people,
    audit,
    statements,
    links,
    pages,
    assistance,
    assistance_of_case,
    matching_of_case,
    matches,
    line_pages,
    line,
    desk,
    break_glass,
    attachments,
    fhir,
    fhir_search,
    fhir_export,
    instruments_of,
    screenings,
    trainings,
    certificates,
    intake_forms,
    intake_submissions,
)


def create_app(
    settings: Settings | None = None,
    *,
    role: str = "api",
    database: Database | None = None,
    keys: CaseKeys | None = None,
    receipts: ReceiptGate | None = None,
) -> FastAPI:
    """Build the service. In tests, `database`, `keys` and `receipts` override the settings."""
    settings = settings or Settings()
    declare_followers()
    keep_uploads_in_memory()
    index_key = key_from_base64(settings.blind_index_key.get_secret_value())
    keys = keys or open_key_store(settings)
    transports = Transports.of(settings)
    app = service_app(
        settings,
        title="Ruta referrals",
        description=_DESCRIPTION,
        tables=COMMON,
        routers=ROUTERS if role == "api" else (),
        worker=background,
        endings=ENDINGS,
        endings_as=act_as_service,
        ended_rights=ENDED_RIGHTS,
        rights_followed=tell_of_held,
        body_limit_of=body_limit_of,
        run_worker=True if role == "worker" else None,
        database=database,
        answers=ReferralAnswers(keys),
        parts={
            "keys": keys,
            "blind_index": BlindIndex(index_key),
            "matching": Matching(index_key),
            "transports": transports,
            "watch": Duty(
                ZoneInfo(settings.home_timezone),
                timedelta(minutes=settings.hand_over_minutes),
                transports.offered,
            ),
            "receipts": receipts or ReceiptGate(Receipts(index_key)),
        },
        key_holders=[keys],
    )
    app.webhooks.include_router(calls)
    return app
