"""Assembles the reporting service's app."""

from common.db.session import Database
from common.http import service_app
from common.messages.mail import mail_of
from drawing.client import ask_beside
from fastapi import FastAPI

from reporting.count.activities.api import routes as activities
from reporting.count.caseload.api import routes as caseload
from reporting.count.context.api import routes as context
from reporting.count.indicators.api import routes as indicators
from reporting.count.milestones.api import routes as milestones
from reporting.count.stakeholders.api import routes as stakeholders
from reporting.ground.programmes.catalogue import load
from reporting.protect.closings.api import routes as closings
from reporting.protect.releases.api import routes as releases
from reporting.publish.bulletins.api import routes as bulletins
from reporting.publish.exports.api import routes as exports
from reporting.publish.exports.ctdc_api import routes as ctdc
from reporting.publish.exports.dhis2_mapping import load_mapping
from reporting.publish.exports.index_api import index
from reporting.publish.judgements.api import routes as judgements
from reporting.publish.subscribers.api import MAIL
from reporting.publish.subscribers.api import bounces as bounced_bulletins
from reporting.publish.subscribers.api import routes as subscribers
from reporting.settings import Settings
from reporting.tables import COMMON, ENDED_RIGHTS
from reporting.worker import ENDINGS, tasks

DESCRIPTION = """
Aggregated reporting. Two tiers: **indicators** are exact, for the organisation itself or the
coordinator of an area of responsibility, on screen only; everything else comes from a **protected
release**, whose numbers are multiples of k and from which no small group can be derived.
"""

ROUTERS = (
    releases,
    closings,
    indicators,
    caseload,
    ctdc,
    activities,
    bulletins,
    exports,
    index,
    context,
    stakeholders,
    judgements,
    milestones,
    subscribers,
    bounced_bulletins,
)


def create_app(
    settings: Settings | None = None, *, role: str = "api", database: Database | None = None
) -> FastAPI:
    """Build the app as `api` (all routes) or `worker` (background tasks, with health and metrics only)."""
    settings = settings or Settings()
    ask_beside(settings.drawing_socket)
    return service_app(
        settings,
        title="Ruta reporting",
        description=DESCRIPTION,
        tables=COMMON,
        routers=ROUTERS if role == "api" else (),
        worker=tasks,
        endings=ENDINGS,
        ended_rights=ENDED_RIGHTS,
        run_worker=True if role == "worker" else None,
        database=database,
        parts={
            "catalogue": load(settings.programmes_dir),
            "dhis2": load_mapping(settings.dhis2_mapping_file),
            MAIL: mail_of(settings),
        },
    )
