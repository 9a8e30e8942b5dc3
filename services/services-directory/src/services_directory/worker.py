"""The background tasks of the directory: wiring only."""

from collections.abc import Sequence

from common.web import BackgroundTask, ServiceContext

from services_directory.curation.sweep import sweep_tasks
from services_directory.gaps import announcing as gaps
from services_directory.imports.worker import import_tasks
from services_directory.pathways import announcing as pathways


def tasks(context: ServiceContext) -> Sequence[BackgroundTask]:
    """Relay of own events, the look for stale entries, queued imports, counters and pathways."""
    return [
        context.relay(),
        *sweep_tasks(context),
        *import_tasks(context),
        *gaps.tasks(context),
        *pathways.tasks(context),
    ]
