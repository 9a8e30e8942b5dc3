"""The API description shows a valid body for every operation that accepts one."""

from typing import Any

import pytest
from gateway.front.description.document import operations

from tests.support.examples import checker, json_schema_of
from tests.support.system import System


@pytest.fixture(scope="module")
def document(system: System) -> dict[str, Any]:
    return system.description()


def test_every_body_has_an_example_that_its_schema_allows(document: dict[str, Any]) -> None:
    missing, wrong = [], []
    for path, method, operation in operations(document):
        schema = json_schema_of(operation)
        if schema is None:
            continue
        media = operation["requestBody"]["content"]["application/json"]
        shown = [named["value"] for named in media.get("examples", {}).values()]
        shown += [media["example"]] if "example" in media else []
        named = str(schema.get("$ref", "")).rsplit("/", 1)[-1]
        shown += document["components"]["schemas"].get(named, {}).get("examples", [])
        if not shown:
            missing.append(f"{method.upper()} {path}")
        wrong += [
            f"{method.upper()} {path}: {error.json_path} {error.message}"
            for body in shown
            for error in checker(document, schema).iter_errors(body)
        ]
    assert missing == []
    assert wrong == []
