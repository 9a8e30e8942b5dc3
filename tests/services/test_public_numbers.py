"""Every number that anybody may read, with its rule. `public_numbers.csv` is the complete list.

The numbers come from the API descriptions, so a new open operation or number needs a rule. docs/public-numbers.md
explains the rules. The list excludes the metrics of the front and the services, because `/metrics` requires a key
(tests/gateway/test_limits_and_failures.py).
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gateway.front.routes import Upstream
from stack.reference.described import descriptions

LISTED = Path(__file__).with_name("public_numbers.csv")
PAGE = Path(__file__).parents[2] / "docs" / "public-numbers.md"
NOWHERE = "postgresql+asyncpg://nobody:nothing@127.0.0.1:1/none"
UNTYPED = "*"
"""The schema leaves open what the member holds: the rule covers whatever number stands there."""

Row = tuple[str, str]
"""An operation, and where in its answer a number stands: a place in the JSON, or a kind of file."""


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    return [part for upstream, part in descriptions().items() if upstream is not Upstream.ISSUER]


def open_numbers(document: dict[str, Any]) -> Iterator[Row]:
    """Yield a row for each number of each open operation, or a row without a place if it has none."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if not operation.get("x-ruta-access", {}).get("anonymous"):
                continue
            found = set()
            for code, answer in operation["responses"].items():
                for kind, media in answer.get("content", {}).items():
                    if not code.startswith("2"):
                        continue
                    if kind.endswith("json") and not kind.endswith("ndjson"):
                        found |= set(_places(document, media.get("schema", {}), "$", frozenset()))
                    else:  # Any page or file, whatever its content.
                        found.add(kind.partition(";")[0])
            name = f"{method.upper()} {path}"
            yield from ((name, place) for place in sorted(found) or [""])


def _places(
    document: dict[str, Any], schema: dict[str, Any], at: str, within: frozenset[str]
) -> Iterator[str]:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        if name not in within:
            inner = document["components"]["schemas"][name]
            yield from _places(document, inner, at, within | {name})
        return
    # A directory entry with all its parts.
    if schema.get("additionalProperties") is True:
        yield at + UNTYPED
        return
    kinds = schema.get("type", "")
    kinds = set(kinds) - {"null"} if isinstance(kinds, list) else {kinds}
    if kinds & {"integer", "number"}:
        yield at
    for one in (key for word in ("anyOf", "oneOf", "allOf") for key in schema.get(word, ())):
        yield from _places(document, one, at, within)
    for name, inner in schema.get("properties", {}).items():
        yield from _places(document, inner, f"{at}.{name}", within)
    for word, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(schema.get(word), dict):
            yield from _places(document, schema[word], at + mark, within)
    said = {"object": {"properties", "additionalProperties"}, "array": {"items"}}
    bare = not set().union(*(said.get(kind, set(schema)) for kind in kinds)) & set(schema)
    if bare:
        yield at + UNTYPED


def listed() -> dict[Row, str]:
    with LISTED.open(encoding="utf-8", newline="") as file:
        return {(row["operation"], row["where"]): row["rule"] for row in csv.DictReader(file)}


def test_the_list_of_public_numbers_is_whole(documents: list[dict[str, Any]]) -> None:
    found = {row for document in documents for row in open_numbers(document)}
    known = set(listed())
    assert sorted(found - known) == [], "new: give each its rule in public_numbers.csv"
    assert sorted(known - found) == [], "gone: take it out of public_numbers.csv"


def test_every_rule_is_explained_in_both_languages() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for rule in set(listed().values()):
        assert page.count(f"| `{rule}` |") == 2, rule


def test_nothing_about_a_person_is_counted_beside_a_release() -> None:
    """Only reporting publishes counts of people, and only in releases."""
    for (operation, _), rule in listed().items():
        if rule == "released":
            assert operation.split()[1].startswith("/reports/")
        if operation.split()[1].startswith("/referrals/"):
            assert rule in {"none", "own", "description"}, operation
