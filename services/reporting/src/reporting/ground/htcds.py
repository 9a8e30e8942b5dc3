"""HTCDS 2.0 code lists, and how a person's several exploitation types become one code (R1, R5).

One composite code per person keeps one cube per population; views of each type apart would be
linked cubes that can be played against each other.
"""

import csv
from collections.abc import Collection, Iterable
from functools import cache
from importlib.resources import files

from common.words.codelists import Code, CodeList
from common.words.tables import by_language, rows

BOTH = "SexualExploitation+ForcedLabour"
"""The one combination that CTDC counts by itself (`isSexAndLabour`)."""
MULTIPLE = "Multiple"
UNKNOWN = "unknown"
LISTS = (
    "type_of_exploitation",
    "support_plan_type",
    "gender",
    "trafficking_status",
    "relationship_to_trafficker",
    "methods_of_control",
    "type_of_sex_exploitation",
    "forced_labour_industry",
)
_PAIR = frozenset({"SexualExploitation", "ForcedLabour"})


@cache
def htcds(name: str) -> CodeList[Code]:
    """A code list by its file's name."""
    entries = {
        row["code"]: Code(row["code"], by_language(row))
        for row in rows("reporting", f"data/htcds/{name}")
    }
    return CodeList(name, entries)


@cache
def _from_purpose() -> dict[str, str]:
    return {row["purpose"]: row["code"] for row in rows("reporting", "data/htcds/from_purpose")}


def exploitation_code(types: Iterable[str]) -> str:
    """The composite code of what one person was exploited by; unknown without a known type."""
    known = {_htcds_type(each) for each in types} - {None}
    if not known:
        return UNKNOWN
    if len(known) == 1:
        return str(known.pop())
    return BOTH if known == _PAIR else MULTIPLE


def single_code(values: Collection[str], name: str) -> str:
    """The one code of several values of a list: itself, `Multiple`, or unknown."""
    known = {value for value in values if value in htcds(name)}
    if len(known) == 1:
        return known.pop()
    return MULTIPLE if known else UNKNOWN


def _htcds_type(value: str) -> str | None:
    """An HTCDS type, also from a purpose of the screening instrument."""
    code = _from_purpose().get(value, value)
    return code if code in htcds("type_of_exploitation") else None


def _rows(name: str) -> list[dict[str, str]]:
    text = files("reporting").joinpath("data", "htcds", f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
