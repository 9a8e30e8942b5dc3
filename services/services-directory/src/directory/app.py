"""Builds the directory service's app: wiring only."""

from typing import Any

from common.db.session import Database
from common.http import service_app
from common.messages.sms import Sms, gateway_of
from fastapi import FastAPI

from directory.curation import api as curation
from directory.files.crosswalks import api as crosswalks
from directory.files.exports import api as exports
from directory.files.exports import features_api as features
from directory.files.imports import api as imports
from directory.find import names_api
from directory.find import services_api as services
from directory.find.sync import api as sync
from directory.find.webhooks import api as webhooks
from directory.followers_service import declare_followers
from directory.ground.profile import api as profile
from directory.pathways import api as pathways
from directory.pathways import endorsements_api, resolve_api
from directory.pathways.gaps import api as gaps
from directory.pathways.profile_sets import api as profile_sets
from directory.record.locations import api as locations
from directory.record.organizations import api as organizations
from directory.record.services import records_api
from directory.record.successions import api as successions
from directory.record.taxonomies import api as taxonomies
from directory.settings import Settings
from directory.show.information import api as information
from directory.show.information.gateways import Turns, questions_of
from directory.show.information.index_api import gap_page, poster_index
from directory.show.information.messages_api import risk_routes
from directory.show.information.sms_api import QUESTIONS, SMS, TURNS, sms_routes
from directory.show.posters import api as posters
from directory.tables import COMMON, ENDED_RIGHTS
from directory.worker import ENDINGS, tasks

DESCRIPTION = """
Who offers what, where and for whom. An HSDS 3.2.3 API with four levels of visibility: what a
caller may not see is removed before search, count, sort and distance, and is 404.

`/services` and the other HSDS lists read (a POST is a private query); `/records` writes.
"""

ROUTERS = (
    profile.routes,
    services.routes,
    names_api.routes,
    organizations.routes,
    taxonomies.routes,
    sync.routes,
    webhooks.routes,
    curation.routes,
    records_api.routes,
    organizations.records,
    successions.routes,
    locations.routes,
    imports.routes,
    crosswalks.routes,
    exports.routes,
    features.routes,
    resolve_api.routes,
    profile_sets.routes,
    pathways.routes,
    endorsements_api.routes,
    gaps.routes,
    posters.routes,
    information.routes,
    sms_routes,
    risk_routes,
    poster_index,
    gap_page,
)


def create_app(
    settings: Settings | None = None, *, role: str = "api", database: Database | None = None
) -> FastAPI:
    """Return the app as `api` (all routes) or `worker` (background tasks, with health and metrics)."""
    declare_followers()
    settings = settings or Settings()
    app = service_app(
        settings,
        title="Ruta directory",
        description=DESCRIPTION,
        tables=COMMON,
        routers=ROUTERS if role == "api" else (),
        worker=tasks,
        endings=ENDINGS,
        ended_rights=ENDED_RIGHTS,
        run_worker=True if role == "worker" else None,
        database=database,
        parts=_short_messages(settings),
        body_limit_of=imports.body_limit_of,
    )
    app.webhooks.include_router(webhooks.calls)
    return app


def _short_messages(settings: Settings) -> dict[str, Any]:
    """Return the text-message gateway. Raise ValueError or OSError for an unusable settings file, which ends the
    process."""
    if settings.sms_questions_file is None:
        return {}
    questions = questions_of(settings.sms_questions_file)
    sms = Sms(gateway_of(settings.sms_gateway_file)) if settings.sms_gateway_file else None
    if questions.answer == "sent" and sms is None:
        raise ValueError(
            "RUTA_SMS_QUESTIONS_FILE: answers are sent by RUTA_SMS_GATEWAY_FILE: set it"
        )
    return {QUESTIONS: questions, TURNS: Turns(), SMS: sms}
