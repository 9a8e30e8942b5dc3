"""Assembles reporting's background tasks."""

from collections.abc import Sequence

from common.db.ended_rights import ending
from common.http import BackgroundTask, ServiceContext
from common.messages.mail import mail_of

from reporting.protect.closings import closing_tasks
from reporting.publish.bulletins import publication, schedule
from reporting.publish.subscribers import due_mails
from reporting.publish.subscribers.models import ENDING as SUBSCRIBERS
from reporting.recording.consumers import subscriptions
from reporting.recording.service import Recorder
from reporting.settings import Settings
from reporting.tables import ENDED_RIGHTS

ENDINGS = (SUBSCRIBERS, ending(ENDED_RIGHTS))


def tasks(context: ServiceContext) -> Sequence[BackgroundTask]:
    """Return the tasks: the relay, a consumer per producer, drafting and publishing bulletins, closings,
    subscribers."""
    settings = context.settings
    assert isinstance(settings, Settings)  # noqa: S101 - create_app gives no other
    recorder = Recorder(settings.pseudonym_key_bytes)
    consumers = [context.consumer(each) for each in subscriptions(recorder)]
    mail = mail_of(settings)
    return [
        context.relay(),
        *consumers,
        schedule.task(context),
        publication.task(context),
        closing_tasks.task(context),
        *([due_mails.task(context, mail)] if mail else []),
    ]
