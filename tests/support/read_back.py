"""Compares a package's cells with what the API returns. This reader knows the file and the API, but not the import."""

import csv
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from httpx import AsyncClient

V1 = "/directory/v1"
_LINK = re.compile(r"_ids?$")


@dataclass(frozen=True, slots=True)
class ReadBack:
    """The result of reading back. `stored` cells come back unchanged. The account explains the others, except `silent`
    cells, by column.

    `read` is the number of values that the account counts.
    """

    cells: int
    read: int
    stored: int
    told: int
    silent: Counter[str]


async def read_back(
    api: AsyncClient, path: Path, account: Mapping[str, Any], headers: Mapping[str, str]
) -> ReadBack:
    """`account`: the import's `fidelity`."""
    values, inside = await _of_the_api(api, headers)
    untold = Counter({
        f"{each['file']} {each['field']}": each["changed"] + each["left_out"]
        for each in account["fields"]
    })  # fmt: skip
    told: Counter[str] = Counter()
    silent: Counter[str] = Counter()
    cells = stored = 0
    for column, name, value, own in _cells(path):
        cells += 1
        if _LINK.search(name) and name != "tax_id" and value != own:
            found = bool({(value, own), (own, value)} & inside) or value in values
        else:
            found = _normal(value) in values
        if found:
            stored += 1
        elif untold[column] > 0:
            untold[column] -= 1
            told[column] += 1
        else:
            silent[column] += 1
    return ReadBack(cells, account["values"]["read"], stored, told.total(), silent)


async def _of_the_api(
    api: AsyncClient, headers: Mapping[str, str]
) -> tuple[set[str], set[tuple[str, str]]]:
    values: set[str] = set()
    inside: set[tuple[str, str]] = set()
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
                values.update(_leaves(each))
                inside.update(_inside(each, ()))
            if answer.json()["last_page"]:
                break
            page += 1
    cursor: dict[str, str] = {}
    while True:  # Read the services as a caller who may change them.
        answer = await api.get(f"{V1}/records/services", params=cursor, headers=headers)
        assert answer.status_code == 200, answer.text
        for each in answer.json()["items"]:
            record = await api.get(f"{V1}/records/services/{each['id']}", headers=headers)
            values.update(_leaves(record.json()))
            inside.update(_inside(record.json()["document"], ()))
        if not (after := answer.json().get("next_cursor")):
            return values, inside
        cursor = {"cursor": after}


def _cells(path: Path) -> Iterator[tuple[str, str, str, str]]:
    """Yield (column as named in the account, field, value, id of its row)."""
    if path.suffix == ".json":
        yield from dict.fromkeys(_of_json(path.read_text("utf-8-sig")))
        return
    with zipfile.ZipFile(path) as package:
        for entry in package.namelist():
            text = io.TextIOWrapper(package.open(entry), "utf-8-sig", newline="")
            for row in csv.DictReader(text):
                own = row.get("id") or row.get("taxonomy_id") or row.get("service_id") or ""
                for name, value in row.items():
                    if value and value.strip():
                        yield f"{entry} {name.lower()}", name.lower(), value.strip(), own


_TABLES = {"additional_urls": "url", "additional_websites": "url", "capacities": "service_capacity",
           "taxonomy_detail": "taxonomy", "addresses": "address", "accessibility": "accessibility",
           "taxonomies": "taxonomy", "contents": "", "metadata": "metadata", "funding": "funding"}  # fmt: skip
_OF_A_PAGE = re.compile("(total_(items|pages)|page_number|size|first_page|last_page|empty)$")


def _of_json(text: str) -> Iterator[tuple[str, str, str, str]]:
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        yield from _of_object("", value, "")
        at += len(text[at:]) - len(text[at:].lstrip())


def _of_object(table: str, value: Any, own: str) -> Iterator[tuple[str, str, str, str]]:
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
            yield f"{kind} {name}", name, str(each), own


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
