"""Training topics, and the validity of their certificates. Pure."""

from collections.abc import Mapping
from functools import cache

from common.words.tables import rows

SCREENING = "screening"
"""The topic of the certificate that a conclusion needs."""
LONGEST_YEARS = 3


@cache
def topics() -> Mapping[str, Mapping[str, str]]:
    return {row["code"]: row for row in rows(__package__, "topics")}


def certifies(topic: str) -> bool:
    return topics()[topic]["certifies"] == "yes"
