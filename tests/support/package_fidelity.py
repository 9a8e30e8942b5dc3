"""A package compared with what was made of it, cell by cell, without trusting the import's own account."""

import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from directory.files.imports.options import Options
from directory.files.imports.outcomes.mapped import organization_of, validated
from directory.files.imports.outcomes.report import Report
from directory.files.imports.package import open_package
from directory.files.imports.package.fields import tables
from directory.files.imports.package.older import READ, modern, table_of


@dataclass(frozen=True, slots=True)
class Compared:
    """`cells` that hold something; those whose value stands in a document; those that do not and are
    told; and the rest, by field."""

    cells: int
    came_in: int
    told: int
    silent: Counter[str]
    values: dict[str, int]

    @property
    def share(self) -> float:
        return (self.came_in + self.told) / self.cells


def compared(path: Path) -> Compared:
    with Report() as report, open_package(path, Options(date(2026, 11, 25), source="x")) as source:
        leaves: set[str] = set()
        inside: set[tuple[str, str]] = set()
        for mapped in source.rows:
            report.fidelity = source.fidelity
            if mapped.organization:
                organization = organization_of(mapped)
                assert organization is not None
                leaves.update(_leaves(organization.plain()))
                inside.update(_inside(organization.plain(), ()))
                report.bring(mapped, "created")
                continue
            found = validated(mapped)
            if found is not None:
                document = found.plain()
                leaves.update(_leaves(document))
                inside.update(_inside(document, ()))
            report.add(mapped, None)
        source.left_behind()
        account = source.fidelity.plain()
    told: Counter[str] = Counter()
    for each in account["fields"]:
        told[f"{each['file']} {each['field']}"] += each["changed"] + each["left_out"]
    silent: Counter[str] = Counter()
    cells = came_in = said = 0
    for file, table, name, value, own in _cells(path):
        cells += 1
        if (
            value != own
            and name.endswith("_id")
            and name not in ("tax_id", "parent_id", "parent_organization_id")
        ):
            there = not inside.isdisjoint(
                {(value, own), (own, value)}
            )  # a link is that one holds the other
        else:
            there = _normal(value) in leaves
        if there:
            came_in += 1
            continue
        keys = [
            f"{file} {name}",
            *(f"{tables()[table].file} {now}" for now in _now(file, table, name, value)),
        ]
        key = next((each for each in keys if told[each] > 0), None)
        if key is None:
            silent[f"{file} {name}"] += 1
        else:
            told[key] -= 1
            said += 1
    return Compared(cells, came_in, said, silent, account["values"])


def _now(file: str, table: str, name: str, value: str) -> Iterator[str]:
    """What today's row calls the column."""
    stem = file.removesuffix(".csv")
    kind = {"physical_addresses": "physical_address", "postal_addresses": "postal_address",
            "mail_addresses": "postal_address", "regular_schedules": "regular_schedule",
            "holiday_schedules": "holiday_schedule"}.get(stem, table)  # fmt: skip
    (_, row), *_ = modern(kind, {"id": "x", name: value}, 1)
    yield from (key for key, found in row.items() if found == value)
    yield row.get(READ, name)
    yield name


def _cells(path: Path) -> Iterator[tuple[str, str, str, str, str]]:
    with zipfile.ZipFile(path) as package:
        for entry in package.namelist():
            if not entry.endswith(".csv"):
                continue
            file = entry.rsplit("/", 1)[-1]
            text = io.TextIOWrapper(package.open(entry), "utf-8-sig", newline="")
            rows = csv.DictReader(text)
            table = table_of(file, [name.lower() for name in rows.fieldnames or ()])
            table = {"physical_address": "address", "postal_address": "address", "regular_schedule": "schedule",
                     "holiday_schedule": "schedule", "service_taxonomy": "attribute",
                     "eligibility": "service", "payment_accepted": "cost_option"}.get(table or "", table or "service")  # fmt: skip
            for row in rows:
                own = row.get("id") or row.get("taxonomy_id") or row.get("service_id") or ""
                for name, value in row.items():
                    if value and value.strip():
                        yield file, table, name.lower(), value.strip(), own


def _inside(value: Any, above: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """(outer, inner) ids."""
    if isinstance(value, dict):
        if "id" in value:
            yield from ((each, value["id"]) for each in above)
            above = (*above, value["id"])
        for each in value.values():
            yield from _inside(each, above)
    elif isinstance(value, list):
        for each in value:
            yield from _inside(each, above)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    else:
        text = str(value)
        yield _normal(text)
        yield from map(_normal, text.split("; "))


def _normal(text: str) -> str:
    folded = re.sub(r"^(\d\d:\d\d):00$", r"\1", " ".join(text.split()).lower())
    try:
        return repr(float(folded))
    except ValueError:
        return folded
