"""Combines the services' OpenAPI 3.1 documents according to the route table.

Only operations below a route in the table are included, so the document shows exactly the operations that the front
forwards. Each operation also gets the responses that the front itself may return.
"""

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from importlib.resources import files
from typing import Any

import orjson

from gateway.front.description.endpoints import Endpoints, own
from gateway.front.description.fields import describe
from gateway.front.description.generators import plainer
from gateway.front.description.outcomes import SCHEMA
from gateway.front.description.parts import (
    COMMAND_ANSWERS,
    EDIT_ANSWERS,
    FHIR_ANSWERS,
    FRONT_ANSWERS,
    INTRODUCTION,
    PROBLEM,
    RATE_HEADERS,
    headers_of,
    operation_id,
    problem_answers,
    schema_name,
    security,
)
from gateway.front.edge.heads import MAX_PATH_BYTES, MAX_QUERY_BYTES
from gateway.front.routes import Route, Upstream

EXAMPLES_FILE = files("gateway.front.description") / "examples.json"
# Request bodies that the services accepted, by "METHOD /path". During whole test runs, tests/support/examples.py
# records them and the responses below. They are part of the served description and of a release's promises. The
# console's tests use them too.
EXAMPLES: Mapping[str, Any] = orjson.loads(EXAMPLES_FILE.read_bytes())
# Recorded responses, by "METHOD /path status", without secrets that are shown only once.
ANSWERS_FILE = files("gateway.front.description") / "answers.json"
ANSWERS: Mapping[str, Any] = orjson.loads(ANSWERS_FILE.read_bytes())
WITH_EXAMPLES = ("application/json", "application/fhir+json")
_SCHEMA = "#/components/schemas/"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def combined(
    documents: Mapping[Upstream, Mapping[str, Any]],
    routes: Iterable[Route],
    *,
    public_url: str,
    version: str,
    endpoints: Endpoints | None = None,
    used: set[str] | None = None,
) -> dict[str, Any]:
    """Merge the documents. Schemas with the same name are distinguished by the service's name. `endpoints` contains the
    addresses for tokens, by default those of Ruta's own issuer at the public address. `used` collects the rows of
    `fields.csv` that were applied."""
    routes = tuple(routes)
    result: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Ruta",
            "version": version,
            "description": INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "contact": {"name": "Information management team", "url": public_url},
        },
        "servers": [{"url": public_url, "x-internal": False}],
        "tags": [],
        "paths": {},
        "webhooks": {},
        "components": {
            "schemas": {"Problem": deepcopy(PROBLEM), "OperationOutcome": deepcopy(SCHEMA)},
            "responses": problem_answers(),
            "headers": RATE_HEADERS,
            "securitySchemes": security(endpoints or own(public_url)),
        },
    }
    for upstream, document in documents.items():
        mine = tuple(route for route in routes if route.upstream is upstream)
        _add(result, _renamed(document, result["components"]["schemas"], upstream), mine)
    for name, schema in result["components"]["schemas"].items():
        schema["title"] = name  # generators name classes by title, so titles must differ
    _link(result)
    found, _ = describe(result)
    plainer(result)
    if used is not None:
        used |= found
    result["tags"] = [{"name": tag, "description": tag} for tag in sorted(_tags(result))]
    return result


def operations(document: Mapping[str, Any]) -> Iterable[tuple[str, str, dict[str, Any]]]:
    """Yield (path, method in lower case, operation) for each operation of a document."""
    for path, item in document.get("paths", {}).items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _add(result: dict[str, Any], document: Mapping[str, Any], routes: tuple[Route, ...]) -> None:
    for path, method, operation in operations(document):
        route = next((r for r in routes if _under(path, r.prefix)), None)
        if route is None:
            continue
        operation["operationId"] = operation_id(method, path, document["paths"])
        _complete(operation, route, method, path)
        result["paths"].setdefault(path, {})[method] = operation
    result["webhooks"].update(_called(document))
    schemas = document.get("components", {}).get("schemas", {})
    unused = {"HTTPValidationError", "ValidationError"}
    result["components"]["schemas"].update(
        {name: schema for name, schema in schemas.items() if name not in unused}
    )


def _called(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the webhooks that partners receive. Each includes only its successful responses."""
    found = deepcopy(dict(document.get("webhooks", {})))
    for name, _, operation in operations({"paths": found}):
        operation["operationId"] = f"webhooks.{name}"
        operation["responses"] = {
            status: answer for status, answer in operation["responses"].items() if status[0] == "2"
        }
        operation["security"] = []
    return found


def _under(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")


def _complete(operation: dict[str, Any], route: Route, method: str, path: str) -> None:
    if route.deprecation is not None:
        operation["deprecated"] = True
    # Nested routers repeat a tag, and generators would create two classes for it.
    operation["tags"] = list(dict.fromkeys(operation.get("tags", [])))
    access = operation.get("x-ruta-access", {"anonymous": route.anonymous, "scope": None})
    operation["x-ruta-access"] = access
    if access.get("anonymous"):
        # A token is optional. With a token, the caller sees more than the public view.
        operation["security"] = [{}, {"oauth2": []}] if not route.client_secrets else []
    operation.setdefault("description", operation.get("summary", operation["operationId"]))
    _example(operation, method, path)
    _answers(operation, method, fhir=route.speaks_fhir(method.upper(), path))
    _parameters(operation, path)


def _example(operation: dict[str, Any], method: str, path: str) -> None:
    """Add a recorded body and recorded responses if the service has no examples of its own."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    example = EXAMPLES.get(f"{method.upper()} {path}")
    if content is not None and example is not None and "examples" not in content:
        content.setdefault("example", example)
    for status, answer in operation.get("responses", {}).items():
        said = ANSWERS.get(f"{method.upper()} {path} {status}")
        for kind, each in answer.get("content", {}).items():
            if said is not None and kind in WITH_EXAMPLES and "examples" not in each:
                each.setdefault("example", said)


def _answers(operation: dict[str, Any], method: str, *, fhir: bool) -> None:
    """Add the front's own responses. More exact responses of the service remain. With `fhir`, errors use the FHIR
    form."""
    answers = operation.setdefault("responses", {})
    answers.pop("default", None)  # each status is described below
    for status, answer in answers.items():
        answer.setdefault("headers", {}).update(headers_of(status))
    possible = dict(FRONT_ANSWERS)
    if method in {"post", "put", "patch", "delete"}:
        possible |= COMMAND_ANSWERS
    if any(p.get("name", "").lower() == "if-match" for p in operation.get("parameters", [])):
        possible |= EDIT_ANSWERS
    if fhir:
        possible |= FHIR_ANSWERS
    for status, (name, _) in possible.items():
        declared = answers.get(status, {}).get("content", {})
        if not declared or _is_fastapis_own(declared):
            component = f"Fhir{name}" if fhir else name
            answers[status] = {"$ref": f"#/components/responses/{component}"}


def _is_fastapis_own(content: Mapping[str, Any]) -> bool:
    """Return whether this is the 422 that FastAPI declares by default and no service ever sends."""
    schema = content.get("application/json", {}).get("schema", {})
    return str(schema.get("$ref", "")).endswith("/HTTPValidationError")


def _parameters(operation: dict[str, Any], path: str) -> None:
    """Declare every path parameter, and the maximum lengths that the front enforces."""
    parameters: list[dict[str, Any]] = operation.setdefault("parameters", [])
    named = {p.get("name") for p in parameters if p.get("in") == "path"}
    for name in re.findall(r"{([^}]+)}", path):
        if name not in named:
            schema = {"type": "string", "maxLength": MAX_PATH_BYTES}
            parameters.append({"name": name, "in": "path", "required": True, "schema": schema})
    limits = {"path": MAX_PATH_BYTES, "query": MAX_QUERY_BYTES, "header": MAX_QUERY_BYTES}
    for parameter in parameters:
        for schema in _alternatives(parameter.get("schema", {})):
            if schema.get("type") == "string" and not {"enum", "const", "format"} & schema.keys():
                schema.setdefault("maxLength", limits.get(parameter["in"], MAX_QUERY_BYTES))


def _alternatives(schema: dict[str, Any]) -> list[dict[str, Any]]:
    found = [schema, *schema.get("anyOf", []), *schema.get("oneOf", [])]
    return found + [s["items"] for s in found if isinstance(s.get("items"), dict)]


def _renamed(
    document: Mapping[str, Any], taken: Mapping[str, Any], upstream: Upstream
) -> dict[str, Any]:
    copy: dict[str, Any] = deepcopy(dict(document))
    schemas = copy.get("components", {}).get("schemas", {})
    names = {name: schema_name(name) for name in schemas}
    for name, new in names.items():
        if new in taken and taken[new] != schemas[name]:
            names[name] = f"{upstream.capitalize()}{new}"
    for name, new in names.items():
        schemas[new] = schemas.pop(name)
    moved = {_SCHEMA + name: _SCHEMA + new for name, new in names.items() if name != new}
    _redirect(copy, moved)
    return copy


def _redirect(node: Any, moved: Mapping[str, str]) -> None:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            node["$ref"] = moved.get(node["$ref"], node["$ref"])
        mapping = node.get("mapping")
        if isinstance(mapping, dict):
            node["mapping"] = {k: moved.get(str(v), v) for k, v in mapping.items()}
        for value in node.values():
            _redirect(value, moved)
    elif isinstance(node, list):
        for value in node:
            _redirect(value, moved)


def _link(document: dict[str, Any]) -> None:
    """Add a link from each new record to the operation that reads it, if that operation needs only the id."""
    schemas = document["components"]["schemas"]
    reads = {path: item["get"] for path, item in document["paths"].items() if "get" in item}
    for path, method, operation in operations(document):
        made = operation["responses"].get("201", {})
        named = made.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref")
        schema = schemas.get(str(named).removeprefix(_SCHEMA), {})
        read = next((p for p in reads if re.fullmatch(re.escape(path) + r"/{\w+}", p)), None)
        if (
            method != "post"
            or read is None
            or "{" in path
            or "id" not in schema.get("properties", {})
        ):
            continue
        name = read.rpartition("{")[2].rstrip("}")
        link = {
            "operationId": reads[read]["operationId"],
            "parameters": {name: "$response.body#/id"},
        }
        made["links"] = {"read": link}


def _tags(document: Mapping[str, Any]) -> set[str]:
    return {tag for _, _, operation in operations(document) for tag in operation.get("tags", [])}
