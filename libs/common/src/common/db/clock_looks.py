"""Checks the clock before anything expires by date (decision 0178)."""

import time
from datetime import UTC, datetime

import sqlalchemy as sa

from common import clocks
from common.clocks import Look, after
from common.db.session import Database
from common.process.logs import get_logger
from common.process.telemetry import Metrics

_log = get_logger(__name__)


def clock_looks(metadata: sa.MetaData) -> sa.Table:
    """Declare the table in a service's metadata. Its only row contains the last `Look`."""
    return sa.Table(
        "clock_looks",
        metadata,
        sa.Column("one", sa.Boolean, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("believed_from", sa.DateTime(timezone=True), nullable=False),
    )


class Dates:
    """Checks the clock of one worker. It reads the machine's real clock, without the shift of tests and demos."""

    def __init__(self, database: Database, table: sa.Table, metrics: Metrics) -> None:
        self._database = database
        self._table = table
        self._doubted = metrics.gauge(
            "ruta_clock_doubted",
            "1 while nothing ends by its date, because the clock is not believed.",
        )
        self._seen = ""

    async def believed(self) -> bool:
        """Check the clock, store the check, and return whether the clock is trusted."""
        seconds, _ = await self._database.told()
        if clocks.too_far(time.time(), seconds):
            return self._say(clocks.compared(time.time(), seconds, "the database"))
        async with self._database.transaction() as session:
            row = (await session.execute(sa.select(self._table).with_for_update())).one()
            # Read the time under the lock, because another task may have checked in the meantime
            look = after(Look(row.at, row.believed_from), datetime.fromtimestamp(time.time(), UTC))
            await session.execute(
                self._table.update().values(at=look.at, believed_from=look.believed_from)
            )
        return self._say("" if look.believed else f"not before {look.believed_from.isoformat()}")

    def _say(self, doubt: str) -> bool:
        self._doubted.set(bool(doubt))
        if doubt and not self._seen:
            _log.warning("clock_doubted", said=doubt, remedy=clocks.DOUBTED)
        self._seen = doubt
        return not doubt
