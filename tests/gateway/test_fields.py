"""Every field in the description has a text, and every text belongs to a field."""

import re
from typing import Any

import pytest
from gateway.front.description.document import ANSWERS, combined, operations
from gateway.front.description.fields import TEXTS, describe
from gateway.front.routes import ROUTES
from stack.reference.described import descriptions

from tests.support.examples import answer_schemas, checker

# Words that add nothing to a field's name.
EMPTY = {"a", "an", "the", "of", "its", "it", "this", "is", "as", "in", "for", "to", "and", "or"}

# Operations without an example response: the first is never called here, and the second returns an empty body.
WITHOUT = {
    "POST /referrals/v1/referrals/{referral_id}/attachments",
    "POST /oauth/revoke",
}


@pytest.fixture(scope="module")
def made() -> tuple[dict[str, Any], set[str]]:
    used: set[str] = set()
    url = "https://ruta.example"
    return combined(descriptions(), ROUTES, public_url=url, version="1", used=used), used


@pytest.fixture(scope="module")
def document(made: tuple[dict[str, Any], set[str]]) -> dict[str, Any]:
    return made[0]


def test_every_schema_field_parameter_and_answer_is_described(document: dict[str, Any]) -> None:
    _, lacking = describe(document)
    assert sorted(lacking) == [], "say it in the service's own schema, or in fields.csv"
    empty = [
        f"{method} {path} {status}"
        for path, item in document["paths"].items()
        for method, operation in item.items()
        for status, answer in operation["responses"].items()
        if "$ref" not in answer
        and answer.get("description", "") in ("", "Successful Response", "OK")
    ]
    assert empty == []


def test_no_row_is_left_over(made: tuple[dict[str, Any], set[str]]) -> None:
    assert sorted(TEXTS.keys() - made[1]) == []


def test_no_text_only_repeats_the_name() -> None:
    assert [key for key, text in TEXTS.items() if says_no_more(key, text)] == []


@pytest.mark.parametrize(
    ("key", "text", "echo"),
    [
        ("created_at", "Created at.", True),
        ("?case_id", "The case id.", True),
        ("created_at", "When it was recorded (UTC).", False),
    ],
)
def test_an_echo_is_told_from_a_description(key: str, text: str, echo: bool) -> None:
    assert says_no_more(key, text) is echo


def says_no_more(key: str, text: str) -> bool:
    name = set(re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", key).lower()))
    return set(re.findall(r"[a-z]+", text.lower())) <= name | EMPTY


def test_what_a_service_says_itself_stays() -> None:
    said = {"type": "string", "description": "In the service's own words."}
    document: dict[str, Any] = {
        "components": {
            "schemas": {"Thing": {"properties": {"id": said}, "description": "A thing."}}
        },
        "paths": {},
        "webhooks": {},
    }
    assert describe(document) == (set(), set())
    assert said["description"] == "In the service's own words."


def test_every_success_shows_an_example(document: dict[str, Any]) -> None:
    lacking = {
        f"{method.upper()} {path}"
        for path, method, operation in operations(document)
        for status, kind, _ in answer_schemas(operation)
        if not {"example", "examples"} & operation["responses"][status]["content"][kind].keys()
    }
    assert lacking == WITHOUT, "tests/support/examples.py says how they are made"


def test_answers_that_are_shown_fit_what_is_described(document: dict[str, Any]) -> None:
    described = {
        f"{method.upper()} {path} {status}": schema
        for path, method, operation in operations(document)
        for status, _, schema in answer_schemas(operation)
    }
    assert sorted(ANSWERS.keys() - described.keys()) == [], "of operations that are gone"
    wrong = [
        f"{key}: {error.json_path} {error.message}"
        for key, said in ANSWERS.items()
        for error in checker(document, described[key]).iter_errors(said)
    ]
    assert wrong == []
    method, path, status = next(iter(ANSWERS)).split(" ")
    content = document["paths"][path][method.lower()]["responses"][status]["content"]
    assert "example" in next(iter(content.values()))
