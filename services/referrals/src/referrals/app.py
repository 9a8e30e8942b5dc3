"""Wires the referrals service: routes, key store, background tasks."""

from common.crypto import key_from_base64
from common.database import Database
from common.web import service_app
from fastapi import APIRouter, FastAPI

from referrals.answers import ReferralAnswers
from referrals.assistance.api import assistance
from referrals.assistance.api import of_case as assistance_of_case
from referrals.assistance.matching import Matching
from referrals.assistance.matching_api import matches, matching_of_case
from referrals.breakglass.api import break_glass
from referrals.bulk.api import bulk
from referrals.cases.api import cases
from referrals.channels.api import channels, on_call
from referrals.channels.transports.offered import Transports
from referrals.consents.api import consents, exceptions
from referrals.directory.api import teams
from referrals.escalations.api import overdue
from referrals.feed.api import feed
from referrals.fhir.api import fhir
from referrals.fhir.search_api import fhir_search
from referrals.followers_service import declare_followers
from referrals.intake.api import forms as intake_forms
from referrals.intake.api import submissions as intake_submissions
from referrals.keys.blind_index import BlindIndex
from referrals.keys.store import CaseKeys
from referrals.line.api import line
from referrals.line.desk_api import desk
from referrals.line.gate import ReceiptGate
from referrals.line.pages import line_pages
from referrals.line.receipts import Receipts
from referrals.links.pages import links, pages
from referrals.operations import open_key_store
from referrals.protocols.api import protocols
from referrals.referrals.api import of_case, referrals
from referrals.referrals.attachments_api import attachments
from referrals.referrals.case_list_api import case_list
from referrals.referrals.withdrawal_api import of_consent, withdrawals
from referrals.referrals.withdrawal_pages import withdrawal_page
from referrals.row_security import act_as_service
from referrals.screenings.api import instruments_of, screenings
from referrals.settings import Settings
from referrals.tables import COMMON, ENDED_RIGHTS
from referrals.timers.api import timers
from referrals.todo.api import tasks
from referrals.todo.work_api import work
from referrals.trail.api import audit
from referrals.training.api import certificates, trainings
from referrals.transfers.api import transfers
from referrals.webhooks.api import webhooks
from referrals.webhooks.described import calls
from referrals.webhooks.service import tell_of_held
from referrals.worker import ENDINGS, background

_DESCRIPTION = """
Cases, consent, referrals. A person is a case code; nothing about a person moves without a grant
that covers it, and a withdrawal always works. / Casos, consentimiento, remisiones. Una persona es
un código; nada de una persona se comparte sin un consentimiento que lo cubra, y retirarlo siempre
funciona.
"""
# They are asked one after the other: what is asked for most stands first.
ROUTERS: tuple[APIRouter, ...] = (
    bulk,
    case_list,
    cases,
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
    teams,
    protocols,
    feed,
    webhooks,
    channels,
    on_call,
    audit,
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
    """The service; `database`, `keys` and `receipts` replace those of the settings (tests)."""
    settings = settings or Settings()
    declare_followers()
    index_key = key_from_base64(settings.blind_index_key.get_secret_value())
    keys = keys or open_key_store(settings)
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
        run_worker=True if role == "worker" else None,
        database=database,
        answers=ReferralAnswers(keys),
        parts={
            "keys": keys,
            "blind_index": BlindIndex(index_key),
            "matching": Matching(index_key),
            "transports": Transports.of(settings),
            "receipts": receipts or ReceiptGate(Receipts(index_key)),
        },
        key_holders=[keys],
    )
    app.webhooks.include_router(calls)
    return app
