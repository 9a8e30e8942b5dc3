"""Asks whether what ends for good by its date may end now."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from common import clocks
from common.clocks import BETWEEN_PROCESSES_SECONDS
from common.db.session import Database
from common.process.logs import get_logger
from common.process.telemetry import Metrics

from referrals.ground.dates.models import ClockLook

_log = get_logger(__name__)


class Dates:
    """Of one worker. The clock of the machine counts, not what a test or the demo's past adds to it on purpose."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._database = database
        self._doubted = metrics.gauge(
            "ruta_clock_doubted",
            "1 while nothing ends for good by its date, because the clock is not believed.",
        )
        self._seen = ""

    async def believed(self) -> bool:
        """Looks at the clock, remembers what it said, and says if it does not believe it."""
        seconds, _ = await self._database.told()
        if clocks.too_far(time.time(), seconds):
            return self._say(clocks.compared(time.time(), seconds, "the database"))
        async with self._database.transaction() as session:
            last = (await session.scalars(sa.select(ClockLook).with_for_update())).one()
            # Under the lock: another task may have looked meanwhile.
            look = after(
                Look(last.at, last.believed_from), datetime.fromtimestamp(time.time(), UTC)
            )
            last.at, last.believed_from = look.at, look.believed_from
        return self._say("" if look.believed else f"not before {look.believed_from.isoformat()}")

    def _say(self, doubt: str) -> bool:
        self._doubted.set(bool(doubt))
        if doubt and not self._seen:
            _log.warning("clock_doubted", said=doubt, remedy=clocks.DOUBTED)
        self._seen = doubt
        return not doubt


LEAP = timedelta(days=7)
DOUBTED = timedelta(days=3)
_BACK = timedelta(seconds=BETWEEN_PROCESSES_SECONDS)


@dataclass(frozen=True)
class Look:
    """What the clock said when it was looked at last, and from when on it is believed."""

    at: datetime
    believed_from: datetime

    @property
    def believed(self) -> bool:
        return self.at >= self.believed_from


def after(last: Look, now: datetime) -> Look:
    if -_BACK <= now - last.at <= LEAP:
        return Look(now, last.believed_from)
    return Look(now, now + DOUBTED)
