"""The referrals service's background tasks: relay, the directory's events, timers."""

from collections.abc import Sequence

from common.web import BackgroundTask, ServiceContext

from referrals.directory.consumers import SUBSCRIPTION


def background(context: ServiceContext) -> Sequence[BackgroundTask]:
    return [context.relay(), context.consumer(SUBSCRIPTION)]
