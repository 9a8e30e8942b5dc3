"""Each code has a row. If a code that the source refers to by name has no row, the service refuses to start and names
the code."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from common.words import codelists
from referrals.ground.vocabulary import reasons
from referrals.referral.links.answers import _LISTS

from tests.support.reference import ROOT

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


@pytest.mark.parametrize(
    ("column", "module"),
    [
        ("counter", "reporting.count.indicators.vector"),
        ("ask_again_days", "referrals.referral.referrals.lifecycle"),
    ],
)
def test_a_reason_for_declining_is_counted_and_says_when_to_ask_again(
    column: str, module: str
) -> None:
    empty = _STARTED.replace('if (of, row["code"]) != (table, code)', "").replace(
        "[row for", f'[{{**row, "{column}": ""}} if row.get("list") == table else row for'
    )
    command = [sys.executable, "-c", empty, "decline", "safety", module]
    started = subprocess.run(command, capture_output=True, text=True, check=False)
    assert f"reasons.csv: the {column}" in started.stderr


def test_the_schema_repeats_no_table_of_codes() -> None:
    """The schema contains no list of codes. Otherwise a new row would need a migration, and the database would refuse
    it until then."""
    tables = [{row["code"] for row in codelists.rows(path.stem)} for path in TABLES.glob("*.csv")]
    for schema in (ROOT / "services").glob("*/src/*/migrations/versions/baseline.sql"):
        for listed in re.findall(r"CHECK .*ARRAY\[(.*?)\]", schema.read_text("utf-8")):
            assert {*re.findall(r"'(\w+)'", listed)} not in tables, listed


def test_a_reason_is_offered_where_a_command_or_link_asks_for_it() -> None:
    asked = {
        (one.of, one.by)
        for kind in vars(reasons).values()
        for one in getattr(kind, "__metadata__", ())
    }
    offered = {
        (row["list"], by) for row in codelists.rows("reasons") for by in row["offered"].split()
    }
    assert offered == asked | {(of, "link") for of in _LISTS.values()}


@pytest.mark.parametrize("table", sorted(path.stem for path in TABLES.glob("*.csv")))
def test_a_row_is_complete_in_each_language(table: str) -> None:
    for row in codelists.rows(table):
        assert None not in row, f"{row['code']}: a comma too many"
        texts = [name for name in row if f"{name[:-2]}en" in row and name.endswith("_es")]
        assert all(bool(row[name]) == bool(row[f"{name[:-3]}_en"]) for name in texts), row["code"]
        assert row["label_es"], row["code"]
        assert table != "items" or row["in_sentence_es"], row["code"]
        flags = {row.get(name, "") for name in ("reaches", "helps_late", "accommodation")}
        assert flags <= {"", "yes"}, row["code"]
    names = [
        (row.get("list") or row.get("attribute"), row["code"]) for row in codelists.rows(table)
    ]
    assert len(names) == len({*names}), "the last one would hide the others"
