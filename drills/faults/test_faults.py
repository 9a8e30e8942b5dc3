"""A small selection of the fault table; `./ruta faults` runs all of it."""

import gc
from collections import Counter
from pathlib import Path

import pytest

from drills.faults.field import FAULTS, Setting
from drills.faults.seeds import Plan, Seed

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow,
    # After a kill, libraries leave connections to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
SELECTION = ("kill-postgres", "kill-broker-mid-publish")
SEED = 7
# The requirements in the reference's fault table, as written there.
TABLE = (
    "Broker down at start",
    "kill -9 broker mid-publish",
    "kill -9 broker mid-fetch",
    "SIGSTOP broker",
    "Outage > 2 min",
    "Broker store wiped",
    "Outage > duplicate window",
    "kill -9 relay between publish and mark",
    "kill -9 consumer between commit and ack",
    "Handler slower than ack_wait",
    "Poison event",
    "Redelivery reorders",
    "Consumer config changed",
    "Stream full",
    "PostgreSQL kill -9",
    "Machine of PostgreSQL lost",
    "Connection cut during COMMIT",
    "Slow transaction commits late",
    "PgBouncer in transaction mode",
    "SIGTERM under load",
    "Migration during traffic",
    "JWKS endpoint down",
    "Key shredded; backup restored",
    "Disk full",
)


def test_every_row_of_the_fault_table_has_a_fault() -> None:
    rows = {fault.row for fault in FAULTS.values()}
    assert set(TABLE) <= rows


def test_twenty_seeds_draw_every_fault_in_every_wiring_that_it_needs() -> None:
    plan = Plan(commands=1, names=list(FAULTS))
    drawn: Counter[str] = Counter()
    for seed in range(1, 21):
        for setting, faults in plan.phases(seed).items():
            drawn.update(fault.name for fault in faults)
            assert all(fault.setting in (Setting.STRAIGHT, setting) for fault in faults)
    assert drawn.keys() == FAULTS.keys()
    assert min(drawn.values()) >= 2


async def test_nothing_is_lost_and_nothing_happens_twice(tmp_path: Path) -> None:
    plan = Plan(commands=160, names=SELECTION, every=True, workers=1)
    result = await Seed(SEED, plan, tmp_path).run()
    gc.collect()  # Collect the killed servers' connections here, not in another test.
    assert result.findings == []
    assert [text for each in result.results for text in each.unmet] == []
    assert {each.fault.name for each in result.results} == set(SELECTION)
    assert result.outcomes["acknowledged"] > 100
