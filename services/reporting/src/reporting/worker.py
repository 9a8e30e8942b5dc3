"""The background tasks of reporting: wiring only."""

from collections.abc import Sequence

from common.web import BackgroundTask, ServiceContext

from reporting.bulletins import schedule
from reporting.closings import running
from reporting.recording.consumers import subscriptions
from reporting.recording.service import Recorder
from reporting.settings import Settings


def tasks(context: ServiceContext) -> Sequence[BackgroundTask]:
    """Relay of own events, a consumer per service that reporting reads, drafts of bulletins, closings."""
    settings = context.settings
    assert isinstance(settings, Settings)  # noqa: S101 - create_app gives no other
    recorder = Recorder(settings.pseudonym_key_bytes)
    consumers = [context.consumer(each) for each in subscriptions(recorder)]
    return [context.relay(), *consumers, schedule.task(context), running.task(context)]
