"""Rows that end by their age: answers after a day, what every service has beside its own, and what a
service adds (`common.db.endings`)."""

import time
from collections.abc import Sequence

from common import clock, clocks
from common.db.endings import AsWhom, Ending, common_endings, end_all
from common.http.answers import forget_old_answers
from common.http.context import BackgroundTask, ServiceContext
from common.http.idempotency import KEPT_FOR
from common.process.logs import get_logger

_ANSWERS_SECONDS = 300.0
_ROWS_SECONDS = 6 * 3600.0
_log = get_logger(__name__)


def forgetting(context: ServiceContext) -> BackgroundTask:
    """Stored answers end after a day. Nobody is given one later; here they are also deleted."""

    async def forget() -> None:
        async with context.database.transaction() as session:
            await forget_old_answers(session, context.tables, clock.now() - KEPT_FOR)

    return BackgroundTask.repeated("stored-answers", forget, _ANSWERS_SECONDS)


def ending(
    context: ServiceContext, endings: Sequence[Ending] = (), as_whom: AsWhom | None = None
) -> BackgroundTask:
    """Ends old rows of the common tables, and those of `endings`: at the start, then four times a
    day, by a clock that the database's bears out. `as_whom` is called in each transaction where row security asks who
    is there."""
    all_endings = (*common_endings(context.tables), *endings)

    async def end() -> None:
        seconds, _ = await context.database.told()
        if clocks.too_far(time.time(), seconds):
            said = clocks.compared(time.time(), seconds, "the database")
            _log.warning("clock_doubted", said=said, remedy=clocks.DOUBTED)
            return
        ended = await end_all(context.database, all_endings, clock.now(), as_whom)
        if any(ended.values()):
            _log.info("rows_ended", **{name: count for name, count in ended.items() if count})

    return BackgroundTask.repeated("endings", end, _ROWS_SECONDS)
