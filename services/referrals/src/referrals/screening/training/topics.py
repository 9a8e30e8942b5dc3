"""What trainings are about, and how long a certificate counts. Pure."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

SCREENING = "screening"
"""The topic whose certificate is needed to conclude a screening."""
LONGEST_YEARS = 3


@cache
def topics() -> Mapping[str, Mapping[str, str]]:
    text = files("referrals.screening.training").joinpath("topics.csv").read_text("utf-8")
    return {row["code"]: row for row in csv.DictReader(text.splitlines())}


def certifies(topic: str) -> bool:
    return topics()[topic]["certifies"] == "yes"
