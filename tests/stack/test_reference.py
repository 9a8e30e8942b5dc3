"""The errors page is that of the code, and says everything in both languages."""

from pathlib import Path

from common.errors import CATALOGUE
from stack.reference.client import module
from stack.reference.errors_page import declare_all, errors_page, problem_texts
from stack.reference.postman import collection
from stack.reference.types import identifier, type_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "errors.md"
DOCUMENT = {
    "info": {"title": "T"},
    "servers": [{"url": "http://here"}],
    "components": {
        "schemas": {
            "New-Thing": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "from": {"$ref": "#/components/x/Other"},
                },
                "examples": [{"name": "Ana"}],
            },
            "Other": {"enum": ["a", "b"]},
        }
    },
    "paths": {
        "/v1/things/{thing-id}": {
            "post": {
                "operationId": "post_thing",
                "tags": ["things"],
                "x-ruta-access": {"anonymous": True},
                "parameters": [
                    {"name": "thing-id", "in": "path", "required": True},
                    {"name": "limit", "in": "query", "schema": {"type": "integer"}},
                    {"name": "If-Match", "in": "header", "schema": {"type": "string"}},
                ],
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/New-Thing"}}
                    }
                },
                "responses": {"204": {"description": "done"}},
            }
        }
    },
}


def test_the_errors_page_is_made_from_the_code() -> None:
    assert PAGE.read_text() == errors_page(), "run ./ruta reference errors"


def test_every_problem_is_explained_in_spanish_too() -> None:
    declare_all()
    spanish = problem_texts()
    assert set(CATALOGUE) - set(spanish) == set()
    without = [c for c, k in CATALOGUE.items() if k.remedy and not spanish[c][1]]
    assert without == []


def test_a_postman_request_has_the_operations_parts() -> None:
    (folder,) = collection(DOCUMENT)["item"]
    request = folder["item"][0]["request"]
    assert request["url"]["raw"] == "{{baseUrl}}/v1/things/:thing-id"
    assert {h["key"] for h in request["header"]} == {"Accept", "Idempotency-Key", "If-Match"}
    assert '"name": "Ana"' in request["body"]["raw"]
    assert request["auth"] == {"type": "noauth"}


def test_the_client_is_valid_python() -> None:
    source = module(DOCUMENT)
    compile(source, "ruta_client.py", "exec")
    assert (
        "def post_thing(self, thing_id: str, *, body: New_Thing, limit: int | None = None" in source
    )


def test_types_say_what_python_can_say() -> None:
    assert type_of({"anyOf": [{"type": "string"}, {"type": "null"}]}) == "str | None"
    assert type_of({"type": "array", "items": {"type": "integer"}}) == "list[int]"
    assert type_of({"type": ["string", "null"]}) == "str | None"
    assert type_of({"const": "x"}) == "Literal['x']"
    assert type_of({}) == type_of(True) == "Any"
    assert identifier("from") == "from_"
    assert identifier("Page[Client]") == "Page_Client"
