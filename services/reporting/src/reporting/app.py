"""Builds the app of the reporting service: wiring only."""

from common.database import Database
from common.web import service_app
from fastapi import FastAPI

from reporting.activities.api import api as activities
from reporting.bulletins.api import api as bulletins
from reporting.caseload.api import api as caseload
from reporting.closings.api import api as closings
from reporting.context.api import api as context
from reporting.exports.api import api as exports
from reporting.exports.ctdc_api import api as ctdc
from reporting.exports.dhis2_mapping import load_mapping
from reporting.indicators.api import api as indicators
from reporting.judgements.api import api as judgements
from reporting.milestones.api import api as milestones
from reporting.programmes.catalogue import load
from reporting.releases.api import api as releases
from reporting.settings import Settings
from reporting.stakeholders.api import api as stakeholders
from reporting.tables import COMMON
from reporting.worker import tasks

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
    context,
    stakeholders,
    judgements,
    milestones,
)


def create_app(
    settings: Settings | None = None, *, role: str = "api", database: Database | None = None
) -> FastAPI:
    """The app as `api` (all routes) or `worker` (health and metrics beside the background tasks)."""
    settings = settings or Settings()
    return service_app(
        settings,
        title="Ruta reporting",
        description=DESCRIPTION,
        tables=COMMON,
        routers=ROUTERS if role == "api" else (),
        worker=tasks,
        run_worker=True if role == "worker" else None,
        database=database,
        parts={
            "catalogue": load(settings.programmes_dir),
            "dhis2": load_mapping(settings.dhis2_mapping_file),
        },
    )
