"""Each code has a row. If a code used by name has no row, the service refuses to start and names the code."""

import subprocess
import sys
from pathlib import Path

import pytest
from common.words import codelists

TABLES = Path(codelists.__file__).parent / "data/codelists"
KNOWN = (
    ("referral_states", "waitlisted", "common.words.referral_states"),
    ("items", "safety", "referrals.ground.vocabulary.disclosure"),
    ("work_kinds", "line_report", "referrals.ground.vocabulary.work_kinds"),
    ("channels", "sms", "referrals.telling.channels.kinds"),
    ("task_kinds", "own_work", "referrals.ground.tasks.kinds"),
)
_STARTED = """
import importlib, sys
from common.words import codelists
table, code, module = sys.argv[1:]
rows = codelists.rows
codelists.rows = lambda of: [row for row in rows(of) if (of, row["code"]) != (table, code)]
importlib.import_module(module)
"""


@pytest.mark.parametrize(("table", "code", "module"), KNOWN)
def test_a_code_without_its_row_stops_the_start(table: str, code: str, module: str) -> None:
    command = [sys.executable, "-c", _STARTED, table, code, module]
    started = subprocess.run(command, capture_output=True, text=True, check=False)
    assert started.returncode == 1
    assert f"{table}.csv and the code differ in {code}" in started.stderr


def test_a_state_that_ends_without_help_needs_a_place_in_the_counters() -> None:
    ends = _STARTED.replace('if (of, row["code"]) != (table, code)', "").replace(
        "[row for", '[{**row, "counts_as": "undelivered"} if row["code"] == code else row for'
    )
    module = "reporting.count.indicators.vector"
    command = [sys.executable, "-c", ends, "referral_states", "waitlisted", module]
    started = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "no place in the counters for waitlisted" in started.stderr


@pytest.mark.parametrize("table", sorted(path.stem for path in TABLES.glob("*.csv")))
def test_a_row_is_complete_in_each_language(table: str) -> None:
    for row in codelists.rows(table):
        assert None not in row, f"{row['code']}: a comma too many"
        texts = [name for name in row if f"{name[:-2]}en" in row and name.endswith("_es")]
        assert all(bool(row[name]) == bool(row[f"{name[:-3]}_en"]) for name in texts), row["code"]
        assert row["label_es"], row["code"]
