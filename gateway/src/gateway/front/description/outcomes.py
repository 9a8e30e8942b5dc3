"""Turns problem details into FHIR OperationOutcomes (R4). Pure. Clients that request `application/problem+json` still
get problem details."""

import re
from collections.abc import Mapping
from typing import Any

MEDIA_TYPE = b"application/fhir+json"
_SYSTEM = "urn:ruta:problem"
# http://hl7.org/fhir/issue-type by status; any other 4xx is `processing`.
_KINDS = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    408: "timeout",
    409: "conflict",
    410: "deleted",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "business-rule",
    428: "required",
    429: "throttled",
    431: "too-long",
    500: "exception",
    503: "transient",
    504: "timeout",
}
_SAID = frozenset({"type", "title", "status", "code", "detail", "pointer", "errors"})
SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "The same refusal for FHIR clients; `details.coding` holds the problem's `code`.",
    "required": ["resourceType", "issue"],
    "properties": {
        "resourceType": {"type": "string", "const": "OperationOutcome"},
        "issue": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["severity", "code"],
                "properties": {
                    "severity": {"type": "string", "enum": ["error", "fatal"]},
                    "code": {"type": "string", "maxLength": 40},
                    "details": {"type": "object"},
                    "diagnostics": {"type": "string", "maxLength": 4000},
                    "expression": {"type": "array", "items": {"type": "string"}},
                },
            },
        },
    },
}


def wants_problem(accept: bytes) -> bool:
    return b"application/problem+json" in accept.lower()


def outcome(problem: Mapping[str, Any]) -> dict[str, Any]:
    """Return an OperationOutcome with one issue for the error and one for each field that it names. Other members of
    the problem (`legal_transitions`, `needed_scope`, `request_id` …) become extensions."""
    status = int(problem["status"])
    code = _KINDS.get(status, "processing" if status < 500 else "exception")
    severity = "error" if status < 500 else "fatal"
    details = {
        "coding": [{"system": _SYSTEM, "code": problem["code"]}],
        "text": str(problem["title"]),
    }
    first = {
        "severity": severity,
        "code": code,
        "details": details,
        "diagnostics": str(problem["detail"]),
    }
    issues: list[dict[str, Any]] = [first]
    for error in problem.get("errors") or []:
        if len(problem["errors"]) == 1 and error["detail"] == problem["detail"]:
            first["expression"] = [expression(error["pointer"])]
            break
        issues.append(
            {
                "severity": severity,
                "code": code,
                "diagnostics": str(error["detail"]),
                "expression": [expression(error["pointer"])],
            }
        )
    found: dict[str, Any] = {"resourceType": "OperationOutcome", "issue": issues}
    more = [
        {"url": f"{_SYSTEM}:{name}", "valueString": _text(value)}
        for name, value in problem.items()
        if name not in _SAID and _text(value)
    ]
    if more:
        found["extension"] = more
    return found


def expression(pointer: str) -> str:
    """Convert a pointer to FHIRPath: `/query/status` → `http.status` (as R4 writes it), `/input/0/type` →
    `input[0].type`."""
    parts = [part for part in pointer.split("/") if part]
    if parts and parts[0] in ("query", "header", "path"):
        return ".".join(["http", *parts[1:]])
    return re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", ".".join(parts)) or "$this"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if isinstance(value, dict) or value is None else str(value)
