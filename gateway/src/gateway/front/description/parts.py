"""Parts that the front adds to the combined description: problem responses, rate headers, the security scheme,
operation ids."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from common.errors import MOST_ERRORS

from gateway.front.description.endpoints import Endpoints

PROBLEM: dict[str, Any] = {
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
            "maxItems": MOST_ERRORS,
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
_RETRY_AFTER = {
    "description": "Seconds to wait.",
    "schema": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 86400},
}
# status → (name of the component, description)
FRONT_ANSWERS: dict[str, tuple[str, str]] = {
    "400": ("Unreadable", "The request cannot be read."),
    "401": ("Unauthenticated", "A valid access token is needed."),
    "403": ("Forbidden", "The client may not do this."),
    "404": ("NotFound", "Nothing is here that the caller may see."),
    "413": ("TooLarge", "The request body is too large."),
    "422": ("Invalid", "Some of the data is not valid."),
    "429": ("TooManyRequests", "Too many requests; wait as long as Retry-After says."),
    "431": ("HeadTooLarge", "The request target or its headers are too long."),
    "503": ("Unavailable", "A part that this needs is away; repeat after Retry-After."),
}
RATE_HEADERS: dict[str, Any] = {
    "RateLimit": {
        "description": 'What is left: `"client";r=599;t=42`.',
        "schema": {"type": "string", "maxLength": 100},
    },
    "RateLimit-Policy": {
        "description": 'The limit: `"client";q=600;w=60`.',
        "schema": {"type": "string", "maxLength": 100},
    },
}
SCOPES = {
    "directory:read": "Read the directory beyond its public view",
    "directory:write": "Keep the own organisation's entries",
    "directory:curate": "Approve entries, publish pathways",
    "referrals:read": "Read the own organisation's cases and referrals",
    "referrals:write": "Record consents, send and answer referrals",
    "reports:read": "Read protected releases and own indicators",
    "reports:publish": "Publish releases and bulletins",
    "admin": "Administer organisations, clients, people and keys",
}
INTRODUCTION = (
    "One description of every operation behind the front door. Get a token at `/oauth/token`"
    " (client credentials), send it as `Authorization: Bearer`. Errors are RFC 9457 problem"
    " details with a stable `code`. Commands take an `Idempotency-Key`."
)


# additional responses of commands and of edits
COMMAND_ANSWERS: dict[str, tuple[str, str]] = {
    "409": ("Conflict", "The present state does not allow it, or the command is still running."),
}
FHIR_ANSWERS: dict[str, tuple[str, str]] = {
    "406": ("NotAcceptable", "Only JSON is offered here."),
}
EDIT_ANSWERS: dict[str, tuple[str, str]] = {
    "412": ("Stale", "It was changed since it was read."),
    "428": ("PreconditionRequired", "Say which version is changed: If-Match."),
}


def problem_answers() -> dict[str, Any]:
    """Return the responses that any request may get, as components."""
    every = {**FRONT_ANSWERS, **COMMAND_ANSWERS, **EDIT_ANSWERS}
    found = {name: _answer(meaning, status) for status, (name, meaning) in every.items()}
    outcome = {"schema": {"$ref": "#/components/schemas/OperationOutcome"}}
    for status, (name, meaning) in {**every, **FHIR_ANSWERS}.items():
        answer = _answer(meaning, status)
        both = {"application/fhir+json": outcome, **answer["content"]}
        found[f"Fhir{name}"] = {**answer, "content": both}
    return found


def headers_of(status: str) -> dict[str, Any]:
    """Return the headers of a response from the front. A service's response with this status may lack them."""
    found: dict[str, Any] = {
        name: {"$ref": f"#/components/headers/{name}"} for name in RATE_HEADERS
    }
    if status in {"429", "503"}:
        found["Retry-After"] = _RETRY_AFTER
    return found


def _answer(meaning: str, status: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": meaning,
        "headers": headers_of(status),
        "content": {"application/problem+json": {"schema": schema}},
    }


def security(found: Endpoints) -> dict[str, Any]:
    """Return the security scheme of the current issuer. Its name never changes, because operations refer to it."""
    if found.token is None:
        discovery = f"{found.issuer.rstrip('/')}/.well-known/openid-configuration"
        return {
            "oauth2": {
                "type": "openIdConnect",
                "description": _TOKENS,
                "openIdConnectUrl": discovery,
            }
        }
    machines = {"tokenUrl": found.token, "refreshUrl": found.token, "scopes": SCOPES}
    flows: dict[str, Any] = {"clientCredentials": machines}
    if found.authorize is not None:
        flows["authorizationCode"] = {"authorizationUrl": found.authorize, **machines}
    return {"oauth2": {"type": "oauth2", "description": _TOKENS, "flows": flows}}


_TOKENS = (
    "RFC 6749 §4.4 for machines; authorization code with PKCE for people. Tokens are"
    " RFC 9068 JWTs that follow RFC8725, signed with ES256 or RS256, valid for minutes."
)


_VERSION = re.compile(r"v\d+")
_VERBS = {"put": "set", "patch": "change", "delete": "remove"}


def operation_id(method: str, path: str, paths: Mapping[str, Collection[str]]) -> str:
    """Return the operation id, such as `referrals.send`. It joins the words of the path, without the version and
    parameters, and ends with the action. `paths` are all paths of the service; they show whether a path is a
    collection. A step (`POST …/{id}/send`) is its own verb. The action for POST to a page's own address is `submit`."""
    parts = [part for part in path.split("/") if part]
    if len(parts) > 1 and _VERSION.fullmatch(parts[1]):
        del parts[1]
    words = [_joined(part) for part in parts if not part.startswith("{")]
    if len(words) > 1 and words[0] == words[1]:
        del words[0]  # a service's main resource is named after the service: `referrals.send`
    item = parts[-1].startswith("{")
    collection = any(other.startswith(f"{path.rstrip('/')}/{{") for other in paths)
    return ".".join([*words, *_verb(method, paths[path], item=item, collection=collection)])


def _verb(method: str, beside: Collection[str], *, item: bool, collection: bool) -> tuple[str, ...]:
    if method == "get":
        return ("list",) if collection else ("read",)
    if method == "post" and (collection or item):
        return ("create",)
    if method == "post":
        return ("submit",) if "get" in beside else ()
    return (_VERBS.get(method, method),)


def schema_name(name: str) -> str:
    """Return the name of a schema without the framework's additions: `Page_Consent_` → `PageOfConsent`. A form's body
    is named after its function instead of its module and path."""
    page = re.fullmatch(r"Page(?:Of)?_(\w+?)_+", name)
    if page:
        return "PageOf" + ("Object" if page[1].startswith("dict_") else page[1])
    form = re.fullmatch(r"Body_(\w+?)_[a-z]+_v\d+_\w+", name)
    return "".join(map(str.capitalize, form[1].split("_"))) + "Form" if form else name


def _joined(part: str) -> str:
    """Convert to camel case: `break-glass` → `breakGlass`, `jwks.json` → `jwksJson`, `ServiceRequest` →
    `serviceRequest`."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", part) if word]
    named = "".join(word[0].upper() + word[1:] for word in words)
    return named[:1].lower() + named[1:]
