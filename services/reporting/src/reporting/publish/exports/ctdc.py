"""A trafficking release in the columns of the CTDC k-anonymised data set, one row per group.

CTDC has a row per person, but a release contains no people. A row is therefore a published group, and the last columns
give its protected count and bounds. Columns without data in a release stay empty (in CTDC: unknown). `0` is written
only where the single known type excludes the flag. `NA` is Namibia in CTDC, never "not available", and is not used
here.
"""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from common.words.tables import rows

from reporting.ground.protection.protected import ProtectedCube

COUNTS = ("count", "count_low", "count_high")
_GENDER = {"female": "Female", "male": "Male"}
_MAJORITY = {"0-11": "Minor", "12-17": "Minor", "18-59": "Adult", "60+": "Adult"}
_BY = ("sex", "age_band", "exploitation")


def ctdc_rows(cube: ProtectedCube) -> list[dict[str, str]]:
    """Return rows by sex, majority and exploitation; every count is a sum of protected cells (R1)."""
    groups: dict[tuple[tuple[str, str], ...], tuple[int, int, int]] = {}
    for row in cube.margin(_BY):
        key = tuple(_columns_of(cube.period[:4], row.coordinates).items())
        count, low, high = groups.get(key, (0, 0, 0))
        groups[key] = (count + row.count, low + (row.low or 0), high + (row.high or row.count))
    empty = dict.fromkeys(columns(), "")
    return [
        {**empty, **dict(key), **dict(zip(COUNTS, map(str, counts), strict=True))}
        for key, counts in sorted(groups.items())
    ]


@cache
def columns() -> tuple[str, ...]:
    """Return the 63 columns of the 2020 data set in order, followed by the count and its interval."""
    return (*(row["column"] for row in rows("reporting", "data/htcds/ctdc_columns")), *COUNTS)


def _columns_of(year: str, at: Mapping[str, str]) -> dict[str, str]:
    return {
        "yearOfRegistration": year,
        "Datasource": "Case Management",
        "gender": _GENDER.get(at["sex"], ""),
        "majorityStatus": _MAJORITY.get(at["age_band"], ""),
        **_flags_of(at["exploitation"]),
    }


def _flags_of(code: str) -> dict[str, str]:
    """Return 1 for a flag that the code states, and 0 for a flag that a single known type excludes. Leave unknown flags
    empty."""
    known = _flags().get(code)
    if known is None:  # several types or unknown, so no flag can be set or excluded
        return dict.fromkeys(sorted({flag for flags in _flags().values() for flag in flags}), "")
    every = sorted({flag for flags in _flags().values() for flag in flags})
    return {flag: "1" if flag in known else "0" for flag in every}


@cache
def _flags() -> dict[str, frozenset[str]]:
    return {
        row["code"]: frozenset(row["flags"].split())
        for row in rows("reporting", "data/htcds/ctdc_flags")
    }


def _rows(name: str) -> list[dict[str, str]]:
    text = files("reporting").joinpath("data", "htcds", f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
