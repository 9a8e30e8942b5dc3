"""The background tasks of the directory: wiring only."""

from collections.abc import Sequence

from common.db.ended_rights import ending
from common.http import BackgroundTask, ServiceContext

from directory.curation.consumers import SUBSCRIPTION as DECLINED
from directory.curation.models import ENDING as REMINDERS
from directory.curation.reminder_mails import mailing_tasks
from directory.curation.sweep import sweep_tasks
from directory.files.crosswalks.worker import crosswalk_tasks
from directory.files.imports.models import ENDING as IMPORTS
from directory.files.imports.worker import import_tasks
from directory.find.webhooks.worker import webhook_tasks
from directory.lost_restrictions import Holding
from directory.pathways import announcements as pathways
from directory.pathways.gaps import announcements as gaps
from directory.pathways.gaps.models import ENDING as OBSERVATIONS
from directory.record.documents.worker import withholding_tasks
from directory.tables import ENDED_RIGHTS

_HOLD_SECONDS = 5.0
ENDINGS = (REMINDERS, OBSERVATIONS, IMPORTS, ending(ENDED_RIGHTS))


def tasks(context: ServiceContext) -> Sequence[BackgroundTask]:
    """Return the tasks: event relay, declined referrals, withheld and stale entries, e-mails, queued imports, decided
    terms, webhooks, counters, pathways, lost restrictions."""
    return [
        context.relay(),
        context.consumer(DECLINED),
        *withholding_tasks(context),
        *sweep_tasks(context),
        *mailing_tasks(context),
        *import_tasks(context),
        *crosswalk_tasks(context),
        *webhook_tasks(context),
        *gaps.tasks(context),
        *pathways.tasks(context),
        BackgroundTask.repeated("holding", Holding(context).look, _HOLD_SECONDS),
    ]
