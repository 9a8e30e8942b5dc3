"""Creates the examples of the API description from the tests' own requests and responses.

Run two steps after a body or a response has changed:

    RUTA_EXAMPLES=sent.jsonl python -m pytest -p tests.support.examples tests/services tests/gateway
    python -m tests.support.examples sent.jsonl

The second step reads the current description. For each operation with a JSON body it takes the fullest accepted body,
for each JSON response the fullest response, and for each event the fullest written event. It writes
`front/description/examples.json`, `answers.json` and `common/events/examples.json`. An operation that this run did not
call keeps its example while the example is still valid.
"""

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from common.events.base import Event
from common.events.catalogue import ALL, examples
from common.events.catalogue import EXAMPLES_FILE as EVENTS_FILE
from common.messaging import outbox
from gateway.front.description.document import (
    ANSWERS,
    ANSWERS_FILE,
    EXAMPLES,
    EXAMPLES_FILE,
    WITH_EXAMPLES,
    combined,
    operations,
)
from gateway.front.routes import ROUTES
from jsonschema import Draft202012Validator
from stack.reference.described import described_apps

MOST_CHARACTERS = 1500
MOST_OF_AN_ANSWER = 8000
_WITH_BODY = {"POST", "PUT", "PATCH"}
_JSON = "application/json"
_SECRETS = {
    *(
        "secret",
        "access_token",
        "refresh_token",
        "id_token",
        "password",
        "recovery_codes",
        "receipt",
    ),
    *("withdrawal_code", "otpauth", "second_factor_uri", "invitation_url", "token"),
}
_LOCAL = re.compile(rb"https?://127\.0\.0\.1:\d+")
# The tests search everything for this family name, so no example may contain it.
_PLANTED, _INVENTED = b"Canaria", b"Ficticia"


def pytest_configure() -> None:
    """Start this pytest plugin, which stores every accepted JSON body."""
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

    write = outbox.append_all

    async def append_all(session: Any, tables: Any, events: Sequence[Event], **more: Any) -> Any:
        for event in events:
            _line(place, {"event": event.SUBJECT, "data": event.model_dump_json(exclude_none=True)})
        return await write(session, tables, events, **more)

    outbox.append_all = append_all
    httpx.Client.send = send  # type: ignore[method-assign]
    httpx.AsyncClient.send = send_async  # type: ignore[method-assign]


def _keep(place: str, request: httpx.Request, answer: httpx.Response) -> None:
    # Examples must not contain the canary's words.
    if "canary" in os.environ.get("PYTEST_CURRENT_TEST", ""):
        return
    if not _wholly_accepted(answer):
        return
    line: dict[str, Any] = {"method": request.method, "path": request.url.path}
    if request.method in _WITH_BODY and (body := _body(request)) is not None:
        line["body"] = body
    if (said := _answer(answer)) is not None:
        line |= {"status": str(answer.status_code), "answer": said}
    if len(line) > 2:
        _line(place, line)


def _line(place: str, line: dict[str, Any]) -> None:
    with Path(place).open("a", encoding="utf-8") as sent:
        sent.write(json.dumps(line, ensure_ascii=False) + "\n")


def _answer(answer: httpx.Response) -> Any:
    """Return the response without secrets that are shown only once, or None if it streams or is not JSON."""
    if not answer.headers.get("content-type", "").startswith(WITH_EXAMPLES):
        return None
    try:
        content = answer.content.replace(_PLANTED, _INVENTED)
        return _without_secrets(json.loads(_LOCAL.sub(b"https://ruta.example.org", content)))
    except (ValueError, httpx.ResponseNotRead):
        return None


def _without_secrets(said: Any) -> Any:
    if isinstance(said, dict):
        return {
            name: "shown once"
            if name in _SECRETS and isinstance(value, str)
            else _without_secrets(value)
            for name, value in said.items()
        }
    return [_without_secrets(each) for each in said] if isinstance(said, list) else said


def shortened(said: Any) -> Any:
    """Shorten each list to one entry."""
    if isinstance(said, dict):
        return {name: shortened(value) for name, value in said.items()}
    return [shortened(each) for each in said[:1]] if isinstance(said, list) else said


def _wholly_accepted(answer: httpx.Response) -> bool:
    """Return whether all commands in a batch succeeded, because the batch itself always gets 200."""
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
    """Return the schema of the operation's JSON body, or None."""
    content = operation.get("requestBody", {}).get("content", {})
    schema: dict[str, Any] | None = content.get(_JSON, {}).get("schema")
    return schema


def checker(document: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    """Return a validator for the bodies of one operation; its references point into the whole document."""
    return Draft202012Validator({**schema, "components": document["components"]})


def answer_schemas(operation: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield (status, media type, schema) for every successful JSON response."""
    for status, answer in operation["responses"].items():
        for kind, content in answer.get("content", {}).items():
            if status.startswith("2") and kind.startswith(WITH_EXAMPLES):
                yield status, kind, content.get("schema", {})


def answered(document: dict[str, Any], lines: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Map `"METHOD /template status"` to the fullest response that fits the description."""
    templates = [
        (method.upper(), path, pattern_of(path), status, checker(document, schema))
        for path, method, operation in operations(document)
        for status, _, schema in answer_schemas(operation)
    ]
    templates.sort(key=lambda template: template[1].count("{"))
    best: dict[str, Any] = {
        f"{method} {path} {status}": ANSWERS[key]
        for method, path, _, status, fits in templates
        if (key := f"{method} {path} {status}") in ANSWERS and fits.is_valid(ANSWERS[key])
    }
    for line in lines:
        # Examples must not contain the canary's words.
        if "answer" not in line or "Canaria" in str(line["answer"]):
            continue
        for method, path, pattern, status, fits in templates:
            if method != line["method"] or not pattern.match(line["path"]):
                continue
            if status == line["status"]:
                said = shortened(line["answer"])
                key = f"{method} {path} {status}"
                better = key not in best or _value(said) > _value(best[key])
                if better and len(json.dumps(said)) <= MOST_OF_AN_ANSWER and fits.is_valid(said):
                    best[key] = said
                break
    named = {
        f"{method} {path} {status}": str(fits.schema["$ref"])
        for method, path, _, status, fits in templates
        if isinstance(fits.schema, Mapping) and "$ref" in fits.schema
    }
    by_schema = {named[key]: said for key, said in best.items() if key in named}
    alike = {
        key: by_schema[schema]
        for key, schema in named.items()
        if key not in best and schema in by_schema
    }
    return dict(sorted((best | alike).items()))


def written(lines: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Map each subject to the fullest data of an event of this type that a service wrote."""
    best = {subject: data for subject, data in examples().items() if subject in ALL}
    for line in lines:
        if (subject := line.get("event")) in ALL:
            data = shortened(json.loads(line["data"]))
            if _value(data) > _value(best.get(subject)):
                best[subject] = data
    return dict(sorted(best.items()))


def pattern_of(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(path)) + "$")


def chosen(document: dict[str, Any], lines: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Map `"METHOD /template"` to the fullest accepted body that is short enough to read."""
    templates = [
        (
            method.upper(),
            path,
            pattern_of(path),
            checker(document, schema),
        )
        for path, method, operation in operations(document)
        if (schema := json_schema_of(operation)) is not None
    ]
    # A literal step matches before a parameter: /cases/search before /cases/{case_id}.
    templates.sort(key=lambda template: template[1].count("{"))
    best: dict[str, Any] = {
        key: EXAMPLES[key]
        for method, path, _, fits in templates
        if (key := f"{method} {path}") in EXAMPLES and fits.is_valid(EXAMPLES[key])
    }
    for line in lines:
        if "body" not in line:
            continue
        for method, path, pattern, fits in templates:
            if method == line["method"] and pattern.match(line["path"]):
                key = f"{method} {path}"
                # Some endpoints accept more bodies than they describe.
                better = _value(line["body"]) > _value(best.get(key))
                if better and fits.is_valid(line["body"]):
                    best[key] = line["body"]
                break
    return dict(sorted((best | _of_the_same_schema(document, best)).items()))


def _of_the_same_schema(document: dict[str, Any], best: dict[str, Any]) -> dict[str, Any]:
    """Return examples for operations that lack one, taken from other operations with the same schema."""
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
    """Rank fuller examples higher, up to a maximum length; the text breaks ties."""
    text = json.dumps(body, ensure_ascii=False, sort_keys=True) if body is not None else ""
    short = 0 < len(text) <= MOST_CHARACTERS
    return short, len(text) if short else -len(text), text


def _lines(place: Path) -> Iterator[dict[str, Any]]:
    with place.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def main() -> None:
    place = Path(sys.argv[1])
    with TemporaryDirectory() as folder:
        parts = {name: app.openapi() for name, app in described_apps(Path(folder)).items()}
    document = combined(parts, ROUTES, public_url="https://ruta.example.org", version="1")
    made = chosen(document, _lines(place))
    said = answered(document, _lines(place))
    told = written(_lines(place))
    for file, found in ((EXAMPLES_FILE, made), (ANSWERS_FILE, said), (EVENTS_FILE, told)):
        Path(str(file)).write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    for path, method, operation in operations(document):
        named = f"{method.upper()} {path}"
        if json_schema_of(operation) is not None and named not in made:
            sys.stderr.write(f"no example: {named}\n")
        for status, _, _ in answer_schemas(operation):
            if f"{named} {status}" not in said:
                sys.stderr.write(f"no answer: {named} {status}\n")


if __name__ == "__main__":
    main()
