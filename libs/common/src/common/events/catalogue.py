"""All events in one place, and the schemas that other programs read."""

from typing import Any

from common.events import directory, referrals, reporting
from common.events.base import Event, registered
from common.events.envelope import CONTENT_TYPE, Envelope

__all__ = ["ALL", "asyncapi", "schema_of"]

_PRODUCERS = (directory, referrals, reporting)
ALL: dict[str, type[Event]] = registered()


def schema_of(event: type[Event]) -> dict[str, Any]:
    """JSON schema of an event's data; the copy under tests/ may only grow by optional fields."""
    return event.model_json_schema()


def asyncapi(version: str = "1.0.0") -> dict[str, Any]:
    """The AsyncAPI 3 document of every event that Ruta publishes."""
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
        }
        channels[name] = {
            "address": subject,
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
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    }


def _payload(subject: str, event: type[Event]) -> dict[str, Any]:
    schema = Envelope.model_json_schema()
    data = schema_of(event)
    schema["properties"]["type"] = {"const": subject}
    schema["properties"]["data"] = _inlined(data, data.pop("$defs", {}))
    return schema


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    """Replace local references by what they name: in a message, '#' is the whole document."""
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(definitions[node["$ref"].rsplit("/", 1)[-1]], definitions)
    return {key: _inlined(value, definitions) for key, value in node.items()}
