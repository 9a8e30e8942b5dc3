"""Converts rows of HSDS 2 and Ohana tables to current names. Pure; the name tables are data."""

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache

from common.words.places import folded
from common.words.tables import rows

from directory.files.imports.package.fields import OWNERS, tables
from directory.files.imports.values.opening_hours import weekday

Row = dict[str, str]
MADE = "~made"
"""Lists the fields of a row that the file does not have."""
READ = "~read"
"""Lists the fields whose value was translated from other words."""
LOST = "~lost"
"""Lists the columns with a different value for a field that already has one."""
MERGED = "~merged"
"""Lists the cells of other rows that became words of the row: `file|name` a line."""
FILE = "~file"
"""The row's file, if its name differs from today's."""
NAMES = "~names"
"""Today's names of fields with the names in the file: `valid_from=start_date,…`."""
Placed = tuple[str, Row]
"""A table of today and a row of it."""

_LISTED = re.compile("[,;|]")
# A list in a cell of an older table → its current table and field.
_LISTS = {
    "service_areas": ("service_area", "name"),
    "required_documents": ("required_document", "document"),
    "languages": ("language", "name"),
    "language": ("language", "name"),
    "accepted_payments": ("cost_option", "option"),
    "funding_sources": ("funding", "source"),
    "accessibility": ("accessibility", "description"),
}
_SIMPLE = {  # tables with only a new name, and constant values for their rows
    "physical_address": ("address", {"address_type": "physical"}),
    "postal_address": ("address", {"address_type": "postal"}),
    "regular_schedule": ("schedule", {}),
    "holiday_schedule": ("schedule", {"description": "holiday schedule"}),
    "service_taxonomy": ("attribute", {"link_entity": "service"}),
}


def _listed(value: str) -> list[str]:
    """Split a list. The pattern excludes spaces, because many spaces would make matching quadratic."""
    return [each.strip() for each in _LISTED.split(value)]


def table_of(file_name: str, header: Iterable[str]) -> str | None:
    """Return the current or older table for the file name (`services.csv`, `data/Services_Taxonomy.csv`).
    `taxonomy.csv` meant terms in version 2 and in Ohana."""
    stem = re.sub(r"\.csv$", "", file_name.replace("\\", "/").rsplit("/", 1)[-1].lower())
    table = _stems().get(stem)
    if table == "taxonomy_or_term":
        names = set(header)
        return "taxonomy_term" if names & {"parent_id", "parent_name", "vocabulary"} else "taxonomy"
    return table


def current(table: str) -> str:
    """Return the current table that receives an older table's rows."""
    return "cost_option" if table == "payment_accepted" else _SIMPLE.get(table, (table, {}))[0]


def is_older(table: str) -> bool:
    return table in _SIMPLE or table in ("eligibility", "payment_accepted")


def modern(table: str, given: Mapping[str, str], line: int) -> list[Placed]:
    """Return the row under current names first, then the rows that its lists and links become."""
    if table == "eligibility":
        return [("service:addition", {"id": given.get("service_id", ""), **_eligibility(given)})]
    if table == "payment_accepted":
        table = "cost_option"
        given = {("option" if name == "payment" else name): value for name, value in given.items()}
    now, always = _SIMPLE.get(table, (table, {}))
    row: Row = {}
    more: list[Placed] = []
    own = given.get("id") or (given.get("taxonomy_id", "") if now == "taxonomy_term" else "")
    made = set() if own else {"id"}
    if table == "postal_address" and own.isdigit():
        own = f"postal_address:{own}"  # physical and postal addresses are numbered separately, so both have a 1
    own = own or f"{table}:{line}"
    for name, value in given.items():
        if value:
            more += _put(table, now, row, own, name, value)
    made |= always.keys() - row.keys()
    if "weekday" in given:
        made.add("freq")
    row["id"] = own
    if made:
        row[MADE] = ",".join(sorted(made))
    if now == "taxonomy_term" and not given.get("id"):
        row.pop("taxonomy_id", None)  # it was used as the id
    return [(now, {**always, **row} if always else row), *more]


def _eligibility(given: Mapping[str, str]) -> Row:
    return {"eligibility_description": given.get("eligibility", "")}


def _put(kind: str, table: str, row: Row, own: str, name: str, value: str) -> list[Placed]:
    target = _target_in(kind, table, name)
    if target == _ELIGIBILITY and value.startswith("{"):
        target = name  # this name is an object in HSDS, but a text in Ohana
    if target is None:
        row[name] = value  # the row's conversion reports it as unknown
    elif target.startswith("+"):
        field = target.removeprefix("+")
        row[field] = f"{row[field]}; {value}" if field in row else value
        _name(row, field, name)
    elif target.startswith("*"):
        return _special(table, row, own, name, target[1:], value)
    elif target and row.get(target, value) != value:
        row[LOST] = f"{row[LOST]},{name}" if LOST in row else name
    elif target:
        row[target] = value
        _name(row, target, name)
    return []


def _name(row: Row, now: str, given: str) -> None:
    if now != given:
        row[NAMES] = f"{row[NAMES]},{now}={given}" if NAMES in row else f"{now}={given}"


_ELIGIBILITY = "+eligibility_description"


@lru_cache(maxsize=4_096)
def _target_in(kind: str, table: str, name: str) -> str | None:
    """Return the target of a column in the older table `kind`, which is now `table`."""
    if table == "service" and name in ("eligibility", "eligibility_description"):
        return _ELIGIBILITY
    if kind == "service_taxonomy" and name in ("service_id", "taxonomy_id", "taxonomy_detail"):
        return _names()[("attribute", name)]
    return _target(table, name)


def _target(table: str, name: str) -> str | None:
    if name.endswith("_ids") and (table, name) not in _names():
        name = name.removesuffix("s")
    return name if _is_current(table, name) else _names().get((table, name))


_IDS = re.compile(r"[,;|\n]")


def ids_in(value: str) -> list[str]:
    """Return the ids in a cell with several ids, which may be JSON or a PostgreSQL array."""
    parts = (part.strip(" []{}\"'\t\r") for part in _IDS.split(value))
    return [part for part in dict.fromkeys(parts) if part]


@lru_cache(maxsize=4_096)
def listed_in(table: str, name: str) -> str:
    """Return the table whose rows another table's column may list (`phones`, `phone_ids`), or ""."""
    child = _stems().get(re.sub("_ids?$", "", name), "")
    if (table, child) == ("organization", "service") or f"{table}_id" in OWNERS.get(child, ()):
        return child
    return ""


def _is_current(table: str, name: str) -> bool:
    return table in tables() and tables()[table].field(name) is not None


def _special(table: str, row: Row, own: str, name: str, what: str, value: str) -> list[Placed]:
    link = f"{table}_id"
    if what in _LISTS:
        kind, field = _LISTS[what]
        parts = [part for part in _listed(value) if part]
        return [
            (
                kind,
                {
                    "id": f"{own}/{what}/{index}",
                    link: own,
                    field: part,
                    MADE: f"id,{link}",
                    NAMES: f"{field}={what}",
                },
            )
            for index, part in enumerate(parts)
        ]
    if what == "taxonomy_ids":
        return [
            (
                "attribute",
                {
                    "id": f"{own}/term/{term}",
                    "link_id": own,
                    "link_entity": table,
                    "taxonomy_term_id": term,
                    MADE: "id,link_id,link_entity",
                    NAMES: f"taxonomy_term_id={name}",
                },
            )
            for term in _listed(value)
            if term
        ]
    if what in ("location_id", "service_id"):
        pairs = [
            (own, other) if what == "location_id" else (other, own)
            for other in _listed(value)
            if other
        ]
        return [
            (
                "service_at_location",
                {
                    "id": f"{service}@{place}",
                    "service_id": service,
                    "location_id": place,
                    MADE: "id,service_id" if what == "location_id" else "id,location_id",
                    NAMES: f"{what}={name}",
                },
            )
            for service, place in pairs
        ]
    if what == "email":
        return [("contact", {"id": f"{own}/email", link: own, "email": value, MADE: f"id,{link}"})]
    if what == "weekday":
        row["byday"] = weekday(value) or value
        row["freq"] = "WEEKLY"
        row[READ] = "byday"
        _name(row, "byday", what)
    elif what == "virtual":
        row["location_type"] = "virtual" if folded(value) in ("true", "1", "yes") else "physical"
        row[READ] = "location_type"
        _name(row, "location_type", what)
    elif what == "id_or_taxonomy":
        row["taxonomy_id"] = value
    return []


def said(table: str, header: Iterable[str]) -> frozenset[str]:
    """Return the current names of the service fields for which the table has a column, even an empty one."""
    if table == "eligibility":
        return frozenset({"eligibility_description"})
    now, _ = _SIMPLE.get(table, (table, {}))
    if now != "service":
        return frozenset()
    found = {
        name if _is_current(now, name) else _names().get((now, name), "").removeprefix("+")
        for name in header
    }
    return frozenset(found | ({"eligibility_description"} if "eligibility" in found else set()))


@lru_cache(maxsize=4_096)
def left_out(table: str, name: str) -> bool:
    """Return whether the field is known but has no current equivalent, so that it is omitted with a note."""
    now, _ = _SIMPLE.get(table, (table, {}))
    return not _is_current(now, name) and _names().get((now, name)) == ""


@cache
def _stems() -> Mapping[str, str]:
    return {
        row["stem"]: row["table"] for row in rows("directory.files.imports", "data/hsds_tables")
    }


@cache
def _names() -> Mapping[tuple[str, str], str]:
    return {
        (row["table"], row["older"]): row["now"]
        for row in rows("directory.files.imports", "data/hsds_older_names")
    }
