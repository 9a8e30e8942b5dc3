"""Makes the examples of the API description from requests that the tests really sent.

Two steps, after a change of a request body:

    RUTA_EXAMPLES=sent.jsonl python -m pytest -p tests.support.examples tests/services tests/gateway
    python -m tests.support.examples sent.jsonl

The second asks a running stack (`./ruta up --demo`) for its description, takes of every operation
with a JSON body the fullest one that was accepted, and writes `front/examples.json`.
"""

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
from gateway.front.description import EXAMPLES_FILE, operations
from jsonschema import Draft202012Validator

MOST_CHARACTERS = 1500
_WITH_BODY = {"POST", "PUT", "PATCH"}
_JSON = "application/json"
_LOCAL = re.compile(rb"https?://127\.0\.0\.1:\d+")


def pytest_configure() -> None:
    """As a pytest plugin: keep every JSON body that was answered with success."""
    place = os.environ.get("RUTA_EXAMPLES")
    if place is None:
        return
    own, own_async = httpx.Client.send, httpx.AsyncClient.send

    def send(self: httpx.Client, request: httpx.Request, **more: Any) -> httpx.Response:
        answer = own(self, request, **more)
        _keep(place, request, answer)
        return answer

    async def send_async(
        self: httpx.AsyncClient, request: httpx.Request, **more: Any
    ) -> httpx.Response:
        answer = await own_async(self, request, **more)
        _keep(place, request, answer)
        return answer

    httpx.Client.send = send  # type: ignore[method-assign]
    httpx.AsyncClient.send = send_async  # type: ignore[method-assign]


def _keep(place: str, request: httpx.Request, answer: httpx.Response) -> None:
    # The canary's words are no example for anybody.
    if "canary" in os.environ.get("PYTEST_CURRENT_TEST", ""):
        return
    if request.method not in _WITH_BODY or not _wholly_accepted(answer):
        return
    body = _body(request)
    if body is not None:
        line = {"method": request.method, "path": request.url.path, "body": body}
        with Path(place).open("a", encoding="utf-8") as sent:
            sent.write(json.dumps(line, ensure_ascii=False) + "\n")


def _wholly_accepted(answer: httpx.Response) -> bool:
    """A batch is answered with 200 whatever became of its commands."""
    if not answer.is_success:
        return False
    if not answer.request.url.path.endswith("/bulk"):
        return True
    return all(result["status"] < 400 for result in answer.json()["results"])


def _body(request: httpx.Request) -> Any:
    if not request.headers.get("content-type", "").startswith("application/"):
        return None
    try:
        return json.loads(_LOCAL.sub(b"https://partner.example.org", request.content))
    except (ValueError, httpx.RequestNotRead):
        return None


def json_schema_of(operation: dict[str, Any]) -> dict[str, Any] | None:
    """The schema of the operation's JSON body; None without one."""
    content = operation.get("requestBody", {}).get("content", {})
    schema: dict[str, Any] | None = content.get(_JSON, {}).get("schema")
    return schema


def checker(document: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    """Checks bodies of one operation; its references point into the whole document."""
    return Draft202012Validator({**schema, "components": document["components"]})


def chosen(document: dict[str, Any], lines: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """`"METHOD /template"` to the fullest accepted body that is not too long to read."""
    templates = [
        (
            method.upper(),
            path,
            re.compile(re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(path)) + "$"),
            checker(document, schema),
        )
        for path, method, operation in operations(document)
        if (schema := json_schema_of(operation)) is not None
    ]
    # A literal step is nearer than a parameter: /cases/search before /cases/{case_id}.
    templates.sort(key=lambda template: template[1].count("{"))
    best: dict[str, Any] = {}
    for line in lines:
        for method, path, pattern, fits in templates:
            if method == line["method"] and pattern.match(line["path"]):
                key = f"{method} {path}"
                # Some bodies are read more generously than they are described.
                better = _value(line["body"]) > _value(best.get(key))
                if better and fits.is_valid(line["body"]):
                    best[key] = line["body"]
                break
    return dict(sorted((best | _of_the_same_schema(document, best)).items()))


def _of_the_same_schema(document: dict[str, Any], best: dict[str, Any]) -> dict[str, Any]:
    """What fits one operation fits the others that take the same schema."""
    named = {
        f"{method.upper()} {path}": json.dumps(schema, sort_keys=True)
        for path, method, operation in operations(document)
        if (schema := json_schema_of(operation)) is not None
    }
    by_schema = {named[key]: body for key, body in best.items()}
    return {
        key: by_schema[schema]
        for key, schema in named.items()
        if key not in best and schema in by_schema
    }


def _value(body: Any) -> tuple[bool, int, str]:
    """Fuller is better until it is too long; the text decides between equals."""
    text = json.dumps(body, ensure_ascii=False, sort_keys=True) if body is not None else ""
    short = 0 < len(text) <= MOST_CHARACTERS
    return short, len(text) if short else -len(text), text


def _lines(place: Path) -> Iterator[dict[str, Any]]:
    with place.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def main() -> None:
    place, url = Path(sys.argv[1]), os.environ.get("RUTA_URL", "http://127.0.0.1:8080")
    document = httpx.get(f"{url}/openapi.json").raise_for_status().json()
    made = chosen(document, _lines(place))
    Path(str(EXAMPLES_FILE)).write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n")
    for path, method, operation in operations(document):
        if json_schema_of(operation) is not None and f"{method.upper()} {path}" not in made:
            sys.stderr.write(f"no example: {method.upper()} {path}\n")


if __name__ == "__main__":
    main()
