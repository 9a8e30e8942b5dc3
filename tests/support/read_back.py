"""Compares a package's cells with what the API returns. This reader knows the file and the API, but not the import."""

import csv
import io
import json
import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from httpx import AsyncClient

V1 = "/directory/v1"
_LINK = re.compile(r"_ids?$")


@dataclass(frozen=True, slots=True)
class ReadBack:
    """The result of reading back. The API returns `stored` cells unchanged. The import's account explains the others,
    except `silent` cells, by column.

    `read` is the number of values that the account counts.
    """

    cells: int
    read: int
    stored: int
    told: int
    silent: Counter[str]


class _Cell(NamedTuple):
    column: str
    """As the account names it."""
    name: str
    value: str
    own: str
    """The id of its row."""
    services: frozenset[str] = frozenset()
    """The file's ids of the services that its row describes; empty if there are none."""


@dataclass(slots=True)
class _Read:
    """What the API returns about an entry: its values, and pairs of ids in which one object contains the other."""

    values: set[str] = field(default_factory=set)
    inside: set[tuple[str, str]] = field(default_factory=set)

    def add(self, entry: Any, document: Any) -> None:
        self.values.update(_leaves(entry))
        self.inside.update(_inside(document, ()))

    def has(self, cell: _Cell) -> bool:
        if _LINK.search(cell.name) and cell.name != "tax_id" and cell.value != cell.own:
            pair = (cell.value, cell.own)
            return bool({pair, pair[::-1]} & self.inside) or cell.value in self.values
        return _normal(cell.value) in self.values


async def read_back(
    api: AsyncClient, path: Path, done: Mapping[str, Any], headers: Mapping[str, str]
) -> ReadBack:
    """Read back the finished import `done`. A cell that describes services must appear in one of these services."""
    rows = [row async for row in _pages(api, done["rows_url"], headers)]
    stored_as = {row.get("external_id"): row.get("service_id") for row in rows}
    everything, services = await _of_the_api(api, headers)
    account = done["fidelity"]
    untold = Counter({
        f"{each['file']} {each['field']}": each["changed"] + each["left_out"]
        for each in account["fields"]
    })  # fmt: skip
    told: Counter[str] = Counter()
    silent: Counter[str] = Counter()
    cells = stored = 0
    for cell in _cells(path):
        cells += 1
        of_services = [services[own] for each in cell.services if (own := stored_as.get(each))]
        if any(each.has(cell) for each in of_services or [everything]):
            stored += 1
        elif untold[cell.column] > 0:
            untold[cell.column] -= 1
            told[cell.column] += 1
        else:
            silent[cell.column] += 1
    return ReadBack(cells, account["values"]["read"], stored, told.total(), silent)


async def _of_the_api(
    api: AsyncClient, headers: Mapping[str, str]
) -> tuple[_Read, dict[str, _Read]]:
    """Return all values, and those of each service with its organisation."""
    everything = _Read()
    organizations: dict[str, Any] = {}
    for name in ("organizations", "taxonomy_terms", "taxonomies"):
        page = 1
        while True:
            answer = await api.get(
                f"{V1}/{name}",
                params={"page": page, "per_page": 100, **({"full": "true"} if name == "organizations" else {})},
                headers=headers,
            )  # fmt: skip
            assert answer.status_code == 200, answer.text
            for each in answer.json()["contents"]:
                everything.add(each, each)
                if name == "organizations":
                    organizations[each["id"]] = each
            if answer.json()["last_page"]:
                break
            page += 1
    services: dict[str, _Read] = {}
    async for each in _pages(api, f"{V1}/records/services", headers):
        # Read the services as a caller who may change them.
        answer = await api.get(f"{V1}/records/services/{each['id']}", headers=headers)
        assert answer.status_code == 200, answer.text
        record = answer.json()
        service = services[each["id"]] = _Read()
        service.add(record, record["document"])
        whose = organizations.get(record["document"].get("organization_id"))
        service.add(whose, whose)
        everything.values |= service.values
        everything.inside |= service.inside
    return everything, services


async def _pages(
    api: AsyncClient, url: str, headers: Mapping[str, str]
) -> AsyncIterator[dict[str, Any]]:
    cursor: dict[str, str] = {}
    while True:
        answer = await api.get(url, params=cursor, headers=headers)
        assert answer.status_code == 200, answer.text
        for each in answer.json()["items"]:
            yield each
        if not (after := answer.json().get("next_cursor")):
            return
        cursor = {"cursor": after}


Row = dict[str, str]


def _cells(path: Path) -> Iterator[_Cell]:
    if path.suffix == ".json":
        yield from dict.fromkeys(_of_json(path.read_text("utf-8-sig")))
        return
    tables: dict[str, list[Row]] = {}
    with zipfile.ZipFile(path) as package:
        for entry in package.namelist():
            if entry.endswith(".csv"):
                text = io.TextIOWrapper(package.open(entry), "utf-8-sig", newline="")
                tables[entry] = [_row(each) for each in csv.DictReader(text)]
    described = _Described(tables)
    for entry, rows in tables.items():
        for row in rows:
            services = described.by(entry, row)
            own = row.get("id") or row.get("taxonomy_id") or row.get("service_id") or ""
            for name, value in row.items():
                yield _Cell(f"{entry} {name}", name, value, own, services)


def _row(row: Mapping[str, str | None]) -> Row:
    cells = ((name.lower(), (value or "").strip()) for name, value in row.items() if name)
    return {name: value for name, value in cells if value}


class _Described:
    """Finds the services that a row describes, by the links of the file alone."""

    def __init__(self, tables: Mapping[str, list[Row]]) -> None:
        self._at: dict[str, set[str]] = defaultdict(set)
        self._sites: dict[str, set[str]] = defaultdict(set)
        for entry, rows in tables.items():
            for row in rows if re.search(r"services?_at_location", entry) else ():
                services = set(_ids(row.get("service_id")))
                self._sites[row.get("id", "")] |= services
                for location in _ids(row.get("location_id")):
                    self._at[location] |= services

    def by(self, entry: str, row: Row) -> frozenset[str]:
        table = entry.rsplit("/", 1)[-1].lower().removesuffix(".csv")
        if table in ("services", "service"):
            return frozenset({row.get("id", "")})
        if table in ("organizations", "locations", "programs", "taxonomies", "taxonomy"):
            return frozenset(self._at[row.get("id", "")] if table == "locations" else ())
        found = {*_ids(row.get("service_id")), *_ids(row.get("service_ids"))}
        if row.get("link_entity", row.get("resource_type")) == "service":
            found.update(_ids(row.get("link_id", row.get("resource_id"))))
        for site in _ids(row.get("service_at_location_id")):
            found |= self._sites[site]
        for location in _ids(row.get("location_id")):
            found |= self._at[location]
        return frozenset(found)


def _ids(cell: str | None) -> list[str]:
    return [cell, *re.split(r"[][,;|\s{}\"]+", cell)] if cell else []


_TABLES = {"additional_urls": "url", "additional_websites": "url", "capacities": "service_capacity",
           "taxonomy_detail": "taxonomy", "addresses": "address", "accessibility": "accessibility",
           "taxonomies": "taxonomy", "contents": "", "metadata": "metadata", "funding": "funding"}  # fmt: skip
_OF_A_PAGE = re.compile("(total_(items|pages)|page_number|size|first_page|last_page|empty)$")


def _of_json(text: str) -> Iterator[_Cell]:
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        yield from _of_object("", value, "")
        at += len(text[at:]) - len(text[at:].lstrip())


def _of_object(table: str, value: Any, own: str) -> Iterator[_Cell]:
    if isinstance(value, list):
        for each in value:
            yield from _of_object(table, each, own)
        return
    kind = table or _kind(value)
    own = str(value.get("id", own))
    for name, each in value.items():
        if isinstance(each, dict | list) and each:
            plain = name.removesuffix(".csv")
            yield from _of_object(_TABLES.get(plain, plain.removesuffix("s")), each, own)
        elif each not in (None, "", [], {}) and not _OF_A_PAGE.match(name):
            yield _Cell(f"{kind} {name}", name, str(each), own)


def _kind(value: Any) -> str:
    """Return the table of an object in an unnamed list."""
    known = (
        ("service", "service_at_location"),
        ("status", "service"),
        ("location_type", "location"),
    )
    return next((table for name, table in known if name in value), "organization")


def _inside(value: Any, above: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield pairs of ids as (outer, inner)."""
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
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    else:
        yield _normal(str(value))
        yield from map(_normal, str(value).split("; "))


def _normal(text: str) -> str:
    """Normalise a text so that numbers and times compare by value, and words by their text."""
    folded = re.sub(r"^(\d\d:\d\d):00$", r"\1", " ".join(text.split()).lower())
    try:
        return repr(float(folded))
    except ValueError:
        return folded
