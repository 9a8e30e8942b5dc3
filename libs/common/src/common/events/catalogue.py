"""All events in one place, with the schemas for other programs."""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from common.events import directory, referrals, reporting
from common.events.base import Event, registered
from common.events.envelope import CONTENT_TYPE, Envelope

__all__ = ["ALL", "EXAMPLES_FILE", "asyncapi", "examples", "public", "schema_of"]

_PRODUCERS = (directory, referrals, reporting)
ALL: dict[str, type[Event]] = registered()
# recorded examples by subject, written by tests/support/examples.py
EXAMPLES_FILE = files("common.events") / "examples.json"
# An example of the envelope.
_ID, _TIME = "0199f3a2-6f0e-7c51-9a43-2b8f6d1c7e55", "2026-11-16T14:03:22.481000Z"


def examples() -> Mapping[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(EXAMPLES_FILE.read_text(encoding="utf-8"))
    return found


def public() -> tuple[str, ...]:
    """Return the subjects that outside readers may receive."""
    return tuple(subject for subject, event in sorted(ALL.items()) if event.PUBLIC)


SERVERS: Mapping[str, Any] = {
    "cluster": {
        "host": "nats:4222",
        "protocol": "nats",
        "description": "Inside of the deployment: Ruta's own services, each with the subjects that it needs.",
        "security": [{"$ref": "#/components/securitySchemes/service"}],
    },
    "outside": {
        "host": "{host}:443",
        "protocol": "wss",
        "description": "NATS over WebSocket and TLS, for readers of other clusters: they publish nothing and"
        " listen to the channels that name this server. What was published while you were away is listed at"
        " /reports/v1/releases and /reports/v1/bulletins.",
        "variables": {
            "host": {
                "default": "events.ruta.example.org",
                "description": "The information management (IM) team tells it.",
            }
        },
        "security": [{"$ref": "#/components/securitySchemes/reader"}],
    },
}
SECURITY: Mapping[str, Any] = {
    "service": {"type": "userPassword", "description": "A service's own user of the broker."},
    "reader": {
        "type": "userPassword",
        "description": "`outside-` and the reader's name, with the password that the IM team hands over.",
    },
}


def schema_of(event: type[Event]) -> dict[str, Any]:
    """Return the JSON schema of an event's data. The copy under tests/ may only gain optional fields."""
    return event.model_json_schema()


def asyncapi(version: str = "1.0.0") -> dict[str, Any]:
    """Return the AsyncAPI 3 document of all events that Ruta publishes."""
    told = examples()
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for subject, event in sorted(ALL.items()):
        name = event.__name__
        messages[name] = {
            "name": name,
            "title": subject,
            "summary": (event.__doc__ or "").strip().split("\n")[0] or subject,
            "contentType": CONTENT_TYPE,
            "payload": _payload(subject, event),
            "examples": [{"payload": _example(subject, event, told[subject])}],
        }
        channels[name] = {
            "address": subject,
            "servers": [{"$ref": f"#/servers/{each}"} for each in _servers(event)],
            "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        }
        operations[f"publish{name}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{name}"},
            "summary": f"Published by {event.producer()}.",
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Ruta events",
            "version": version,
            "description": "CloudEvents 1.0, structured JSON, over NATS JetStream. Ids and codes only.",
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": SERVERS,
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "securitySchemes": SECURITY},
    }


def _servers(event: type[Event]) -> tuple[str, ...]:
    return ("cluster", "outside") if event.PUBLIC else ("cluster",)


def _example(subject: str, event: type[Event], data: Mapping[str, Any]) -> dict[str, Any]:
    envelope = Envelope.model_validate(
        {
            "id": _ID,
            "source": f"/ruta/{event.producer()}",
            "type": subject,
            "subject": str(event.model_validate(data).about()[1]),
            "time": _TIME,
            "data": data,
        }
    )
    return envelope.model_dump(mode="json", exclude_none=True)


def _payload(subject: str, event: type[Event]) -> dict[str, Any]:
    schema = Envelope.model_json_schema()
    data = schema_of(event)
    schema["properties"]["type"] = {"const": subject}
    schema["properties"]["data"] = _inlined(data, data.pop("$defs", {}))
    return schema


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    """Inline local references, because '#' refers to the whole document when used in a message."""
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(definitions[node["$ref"].rsplit("/", 1)[-1]], definitions)
    return {key: _inlined(value, definitions) for key, value in node.items()}
