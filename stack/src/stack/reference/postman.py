"""A Postman-compatible collection (format 2.1) of every operation, with its examples."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

_SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
_COMMANDS = frozenset({"put", "post", "delete", "patch"})


def collection(document: Mapping[str, Any]) -> dict[str, Any]:
    """One folder per tag. `{{baseUrl}}`, `{{clientId}}` and `{{clientSecret}}` are its variables."""
    folders: dict[str, list[dict[str, Any]]] = {}
    for path, method, operation in _operations(document):
        tag = (operation.get("tags") or ["other"])[0]
        folders.setdefault(tag, []).append(_request(document, path, method, operation))
    base = document["servers"][0]["url"]
    return {
        "info": {
            "name": document["info"]["title"],
            "description": document["info"].get("description", ""),
            "schema": _SCHEMA,
        },
        "auth": _auth(),
        "variable": [
            {"key": "baseUrl", "value": base},
            {"key": "clientId", "value": ""},
            {"key": "clientSecret", "value": ""},
        ],
        "item": [{"name": tag, "item": items} for tag, items in sorted(folders.items())],
    }


def _operations(document: Mapping[str, Any]) -> Iterable[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _auth() -> dict[str, Any]:
    values = {
        "grant_type": "client_credentials",
        "accessTokenUrl": "{{baseUrl}}/oauth/token",
        "clientId": "{{clientId}}",
        "clientSecret": "{{clientSecret}}",
        "client_authentication": "header",
        "addTokenTo": "header",
    }
    return {
        "type": "oauth2",
        "oauth2": [{"key": k, "value": v, "type": "string"} for k, v in values.items()],
    }


def _request(
    document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]
) -> dict[str, Any]:
    parameters = operation.get("parameters", [])
    headers: list[dict[str, Any]] = [{"key": "Accept", "value": "application/json"}]
    if method in _COMMANDS:
        headers.append({"key": "Idempotency-Key", "value": "{{$guid}}"})
    headers += [
        {"key": p["name"], "value": "", "disabled": not p.get("required")}
        for p in parameters
        if p["in"] == "header" and p["name"] != "Idempotency-Key"
    ]
    request: dict[str, Any] = {
        "method": method.upper(),
        "description": operation.get("description", ""),
        "header": headers,
        "url": _url(path, parameters),
    }
    if operation.get("x-ruta-access", {}).get("anonymous"):
        request["auth"] = {"type": "noauth"}
    body = _body(document, operation)
    if body is not None:
        request["body"] = body
    return {"name": operation.get("summary", path), "request": request}


def _url(path: str, parameters: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    segments = [f":{s[1:-1]}" if s.startswith("{") else s for s in path.strip("/").split("/")]
    query = [
        {"key": p["name"], "value": "", "disabled": True, "description": p.get("description", "")}
        for p in parameters
        if p["in"] == "query"
    ]
    variables = [{"key": p["name"], "value": ""} for p in parameters if p["in"] == "path"]
    return {
        "raw": "{{baseUrl}}/" + "/".join(segments),
        "host": ["{{baseUrl}}"],
        "path": segments,
        "query": query,
        "variable": variables,
    }


def _body(document: Mapping[str, Any], operation: Mapping[str, Any]) -> dict[str, Any] | None:
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        example = _example(document, content["application/json"])
        return {
            "mode": "raw",
            "raw": json.dumps(example, ensure_ascii=False, indent=2),
            "options": {"raw": {"language": "json"}},
        }
    if "application/x-www-form-urlencoded" in content:
        schema = content["application/x-www-form-urlencoded"].get("schema", {})
        names = schema.get("properties", {})
        return {"mode": "urlencoded", "urlencoded": [{"key": n, "value": ""} for n in names]}
    return {"mode": "file", "file": {}} if content else None


def _example(document: Mapping[str, Any], media: Mapping[str, Any]) -> Any:
    """The declared example of a body, else an empty object to fill in."""
    for named in (media.get("examples") or {}).values():
        return named.get("value")
    schema = media.get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return media.get("example") or next(iter(schema.get("examples", [])), {})
