"""HTCDS 2.0 code lists, and the single code for a person's several exploitation types (R1, R5).

One composite code per person keeps one cube per population. Separate views of each type would be linked cubes, which
can be combined to reveal people.
"""

import csv
from collections.abc import Collection, Iterable
from functools import cache
from importlib.resources import files

from common.words.codelists import Code, CodeList
from common.words.tables import by_language, rows

BOTH = "SexualExploitation+ForcedLabour"
"""The only combination that CTDC counts separately (`isSexAndLabour`)."""
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
    """Return a code list by its file name."""
    entries = {
        row["code"]: Code(row["code"], by_language(row))
        for row in rows("reporting", f"data/htcds/{name}")
    }
    return CodeList(name, entries)


@cache
def _from_purpose() -> dict[str, str]:
    return {row["purpose"]: row["code"] for row in rows("reporting", "data/htcds/from_purpose")}


def exploitation_code(types: Iterable[str]) -> str:
    """Return the composite code for a person's exploitation, or unknown if no type is known."""
    known = {_htcds_type(each) for each in types} - {None}
    if not known:
        return UNKNOWN
    if len(known) == 1:
        return str(known.pop())
    return BOTH if known == _PAIR else MULTIPLE


def single_code(values: Collection[str], name: str) -> str:
    """Return one code for several values from a list: the value itself, `Multiple`, or unknown."""
    known = {value for value in values if value in htcds(name)}
    if len(known) == 1:
        return known.pop()
    return MULTIPLE if known else UNKNOWN


def _htcds_type(value: str) -> str | None:
    """Return an HTCDS type, also for a purpose in the screening instrument."""
    code = _from_purpose().get(value, value)
    return code if code in htcds("type_of_exploitation") else None


def _rows(name: str) -> list[dict[str, str]]:
    text = files("reporting").joinpath("data", "htcds", f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
