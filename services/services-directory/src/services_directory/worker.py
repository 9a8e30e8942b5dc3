"""The background tasks of the directory: wiring only."""

from collections.abc import Sequence

from common.ended_rights import ending
from common.web import BackgroundTask, ServiceContext

from services_directory.crosswalks.worker import crosswalk_tasks
from services_directory.curation.consumers import SUBSCRIPTION as DECLINED
from services_directory.curation.mailing import mailing_tasks
from services_directory.curation.models import ENDING as REMINDERS
from services_directory.curation.sweep import sweep_tasks
from services_directory.documents.worker import withholding_tasks
from services_directory.gaps import worker as gaps
from services_directory.gaps.models import ENDING as OBSERVATIONS
from services_directory.holding import Holding
from services_directory.imports.models import ENDING as IMPORTS
from services_directory.imports.worker import import_tasks
from services_directory.pathways import announcing as pathways
from services_directory.tables import ENDED_RIGHTS

_HOLD_SECONDS = 5.0
ENDINGS = (REMINDERS, OBSERVATIONS, IMPORTS, ending(ENDED_RIGHTS))


def tasks(context: ServiceContext) -> Sequence[BackgroundTask]:
    """Relay of own events, declined referrals, withheld and stale entries, mails, queued imports, decided terms, counters,
    pathways, what the record forgot."""
    return [
        context.relay(),
        context.consumer(DECLINED),
        *withholding_tasks(context),
        *sweep_tasks(context),
        *mailing_tasks(context),
        *import_tasks(context),
        *crosswalk_tasks(context),
        *gaps.tasks(context),
        *pathways.tasks(context),
        BackgroundTask.repeated("holding", Holding(context).look, _HOLD_SECONDS),
    ]
