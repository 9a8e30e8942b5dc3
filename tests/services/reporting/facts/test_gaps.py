"""A search without a result counts on its own day."""

from datetime import UTC, date, datetime

from common.db.session import Database
from common.events.directory import GapObserved
from common.ids import new_id
from reporting.recording.service import Recorder

from tests.services.reporting.events import Arrived, enveloped, record
from tests.services.reporting.releases.true_counts import true_view

WEEK = "2026-W44"
"""26 October to 1 November."""


def observed(count: int, version: int = 1, day: date | None = None) -> Arrived:
    event = GapObserved(
        version=version, area="VE23", need="GBV-CM", group="woman", week=WEEK, day=day, count=count
    )
    return enveloped(event, new_id(), datetime(2026, 11, 2, tzinfo=UTC))


async def test_a_week_over_two_half_months_is_told_apart_by_day(
    database: Database, recorder: Recorder
) -> None:
    await record(
        database,
        recorder,
        [
            observed(3, day=date(2026, 10, 28)),
            observed(5, version=2, day=date(2026, 10, 28)),
            observed(4, day=date(2026, 11, 1)),
        ],
    )
    assert (await true_view(database, "gaps", "2026-10b")).total() == 5
    assert (await true_view(database, "gaps", "2026-11a")).total() == 4


async def test_what_was_told_by_week_counts_on_its_last_day(
    database: Database, recorder: Recorder
) -> None:
    await record(database, recorder, [observed(6)])
    assert (await true_view(database, "gaps", "2026-10b")).total() == 0
    assert (await true_view(database, "gaps", "2026-11a")).total() == 6
