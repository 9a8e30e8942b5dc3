"""Makes one OpenAPI 3.1 document of the services' own, by the route table.

Only operations under a route of the table get in, so the document shows exactly what the front
lets through. Every operation gets the answers that the front itself may give.
"""

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from gateway.front.routes import Route, Upstream

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem detail. `code` is stable; see the errors catalogue.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri", "maxLength": 200},
        "title": {"type": "string", "maxLength": 200},
        "status": {"type": "integer", "format": "int32", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "maxLength": 80, "pattern": "^[a-z][a-z0-9_]*$"},
        "detail": {"type": "string", "maxLength": 4000},
        "pointer": {"type": "string", "maxLength": 1000},
        "request_id": {"type": "string", "maxLength": 64, "pattern": "^[A-Za-z0-9._-]+$"},
        "errors": {
            "type": "array",
            "maxItems": 50,
            "items": {
                "type": "object",
                "required": ["pointer", "detail", "code"],
                "properties": {
                    "pointer": {"type": "string", "maxLength": 1000},
                    "detail": {"type": "string", "maxLength": 4000},
                    "code": {"type": "string", "maxLength": 80},
                },
            },
        },
    },
}
_FRONT_ANSWERS = {
    "400": "The request cannot be read.",
    "401": "A valid access token is needed.",
    "403": "The client may not do this.",
    "404": "Nothing is here that the caller may see.",
    "413": "The body is too large.",
    "422": "Some of what was sent is not valid.",
    "429": "Too many requests; wait as long as Retry-After says.",
    "503": "A part that this needs is not available now; repeat after Retry-After.",
}
_RATE_HEADERS = {
    "RateLimit": {
        "description": 'What is left: `"client";r=599;t=42`.',
        "schema": {"type": "string", "maxLength": 100},
    },
    "RateLimit-Policy": {
        "description": 'The limit: `"client";q=600;w=60`.',
        "schema": {"type": "string", "maxLength": 100},
    },
}
_SCOPES = {
    "directory:read": "Read the directory beyond its public view",
    "directory:write": "Keep the own organisation's entries",
    "directory:curate": "Approve entries, publish pathways",
    "referrals:read": "Read the own organisation's cases and referrals",
    "referrals:write": "Record consents, send and answer referrals",
    "reports:read": "Read protected releases and own indicators",
    "reports:publish": "Publish releases and bulletins",
    "admin": "Administer organisations, clients, people and keys",
}
_INTRODUCTION = (
    "One description of every operation behind the front door. Get a token at `/oauth/token`"
    " (client credentials), send it as `Authorization: Bearer`. Errors are RFC 9457 problem"
    " details with a stable `code`. Commands take an `Idempotency-Key`."
)


def combined(
    documents: Mapping[Upstream, Mapping[str, Any]],
    routes: Iterable[Route],
    *,
    public_url: str,
    version: str,
) -> dict[str, Any]:
    """Merge; schemas whose names clash are told apart by the service's name."""
    routes = tuple(routes)
    result: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Ruta",
            "version": version,
            "description": _INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "contact": {"name": "Information management team", "url": public_url},
        },
        "servers": [{"url": public_url}],
        "tags": [],
        "paths": {},
        "components": {"schemas": {"Problem": _PROBLEM}, "securitySchemes": _security(public_url)},
    }
    for upstream, document in documents.items():
        mine = tuple(route for route in routes if route.upstream is upstream)
        _add(result, _renamed(document, result["components"]["schemas"], upstream), mine)
    result["tags"] = [{"name": tag, "description": tag} for tag in sorted(_tags(result))]
    return result


def operations(document: Mapping[str, Any]) -> Iterable[tuple[str, str, dict[str, Any]]]:
    """Every (path, method in lower case, operation) of a document."""
    for path, item in document.get("paths", {}).items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _add(result: dict[str, Any], document: Mapping[str, Any], routes: tuple[Route, ...]) -> None:
    for path, method, operation in operations(document):
        route = next((r for r in routes if _under(path, r.prefix)), None)
        if route is None:
            continue
        _complete(operation, route, method, path)
        result["paths"].setdefault(path, {})[method] = operation
    schemas = document.get("components", {}).get("schemas", {})
    result["components"]["schemas"].update(schemas)


def _under(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")


def _complete(operation: dict[str, Any], route: Route, method: str, path: str) -> None:
    if route.deprecation is not None:
        operation["deprecated"] = True
    access = operation.get("x-ruta-access", {"anonymous": route.anonymous, "scope": None})
    operation["x-ruta-access"] = access
    if access.get("anonymous"):
        operation["security"] = [{}] if not route.client_secrets else []
    words = re.sub(r"[^A-Za-z0-9]+", "_", path).strip("_")
    operation["operationId"] = f"{method}_{words}"
    operation.setdefault("description", operation.get("summary", words))
    answers = operation.setdefault("responses", {})
    for status, meaning in _FRONT_ANSWERS.items():
        declared = answers.get(status)
        if declared is None or "application/problem+json" not in declared.get("content", {}):
            answers[status] = _problem_answer(meaning, status)
    for answer in answers.values():
        if "$ref" not in answer:
            answer.setdefault("headers", {}).update(_RATE_HEADERS)


def _problem_answer(meaning: str, status: str) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": meaning,
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
    if status in {"429", "503"}:
        answer["headers"] = {
            "Retry-After": {
                "description": "Seconds to wait.",
                "schema": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 86400},
            }
        }
    return answer


def _renamed(
    document: Mapping[str, Any], taken: Mapping[str, Any], upstream: Upstream
) -> dict[str, Any]:
    copy: dict[str, Any] = deepcopy(dict(document))
    schemas = copy.get("components", {}).get("schemas", {})
    for name in [n for n, s in schemas.items() if n in taken and taken[n] != s]:
        new = f"{upstream.capitalize()}{name}"
        schemas[new] = schemas.pop(name)
        _redirect(copy, f"#/components/schemas/{name}", f"#/components/schemas/{new}")
    return copy


def _redirect(node: Any, old: str, new: str) -> None:
    if isinstance(node, dict):
        if node.get("$ref") == old:
            node["$ref"] = new
        mapping = node.get("mapping")
        if isinstance(mapping, dict):
            node["mapping"] = {k: new if v == old else v for k, v in mapping.items()}
        for value in node.values():
            _redirect(value, old, new)
    elif isinstance(node, list):
        for value in node:
            _redirect(value, old, new)


def _security(public_url: str) -> dict[str, Any]:
    token_url = f"{public_url}/oauth/token"
    return {
        "oauth2": {
            "type": "oauth2",
            "description": "RFC 6749 §4.4 for machines; authorization code with PKCE for people.",
            "flows": {
                "clientCredentials": {"tokenUrl": token_url, "scopes": _SCOPES},
                "authorizationCode": {
                    "authorizationUrl": f"{public_url}/oauth/authorize",
                    "tokenUrl": token_url,
                    "scopes": _SCOPES,
                },
            },
        }
    }


def _tags(document: Mapping[str, Any]) -> set[str]:
    return {tag for _, _, operation in operations(document) for tag in operation.get("tags", [])}
