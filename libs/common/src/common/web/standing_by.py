"""The standby that a service's readings may be answered by, from its settings, and what keeps it looked at."""

from common.settings import StandbySettings
from common.standby import Standby
from common.web.context import BackgroundTask, ServiceContext

_GIVE_BACK_SECONDS = 60.0


def standby_of(context: ServiceContext) -> Standby | None:
    settings = context.settings
    if not isinstance(settings, StandbySettings) or settings.database_read_url is None:
        return None
    return Standby(
        settings.database_read_url.get_secret_value(),
        primary=context.database,
        metrics=context.metrics,
        # The directory reads most by a reader of its own; a standby has no pooler before it.
        pool_size=max(1, settings.database_pool_size // 2),
        name=f"ruta-{settings.service}",
    )


def watching(standby: Standby | None) -> list[BackgroundTask]:
    if standby is None:
        return []
    give_back = standby.database.give_back
    return [
        BackgroundTask("standby", standby.watch),
        BackgroundTask.repeated("standby-connections", give_back, _GIVE_BACK_SECONDS),
    ]
