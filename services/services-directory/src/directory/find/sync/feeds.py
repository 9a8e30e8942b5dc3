"""Writes the newest changes as Atom (RFC 4287) and as JSON Feed 1.1. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

TITLE = "Services of the Protection Cluster / Servicios del Clúster de Protección"
GONE = "A service is no longer listed / Un servicio ya no figura"
_NEVER = "1970-01-01T00:00:00Z"
_ATOM = "http://www.w3.org/2005/Atom"


@dataclass(frozen=True)
class Change:
    """The last change of a service. `name` is None if the reader can no longer see the service."""

    service_id: UUID
    name: str | None
    changed_at: str

    @property
    def id(self) -> str:
        return f"urn:uuid:{self.service_id}"

    @property
    def title(self) -> str:
        return self.name or GONE


def as_atom(base: str, changes: Sequence[Change]) -> bytes:
    """Return the feed; `base` is the public address of the directory."""
    ET.register_namespace("", _ATOM)
    feed = ET.Element(f"{{{_ATOM}}}feed")
    own = f"{base}/sync/feed.atom"
    _text(feed, "id", own)
    _text(feed, "title", TITLE)
    _text(feed, "updated", changes[0].changed_at if changes else _NEVER)
    _text(ET.SubElement(feed, f"{{{_ATOM}}}author"), "name", "Ruta")
    ET.SubElement(feed, f"{{{_ATOM}}}link", rel="self", href=own)
    for change in changes:
        entry = ET.SubElement(feed, f"{{{_ATOM}}}entry")
        _text(entry, "id", change.id)
        _text(entry, "title", change.title)
        _text(entry, "updated", change.changed_at)
        _text(entry, "content", change.title)
        ET.SubElement(entry, f"{{{_ATOM}}}link", href=_address(base, change))
    written: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def as_json_feed(base: str, changes: Sequence[Change]) -> dict[str, Any]:
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "title": TITLE,
        "feed_url": f"{base}/sync/feed.json",
        "items": [
            {
                "id": change.id,
                "url": _address(base, change),
                "title": change.title,
                "content_text": change.title,
                "date_modified": change.changed_at,
            }
            for change in changes
        ],
    }


def _address(base: str, change: Change) -> str:
    return f"{base}/services/{change.service_id}"


def _text(parent: ET.Element, name: str, text: str) -> None:
    # XML 1.0 does not allow control characters.
    clean = "".join(each for each in text if each >= " " or each in "\t\n")
    ET.SubElement(parent, f"{{{_ATOM}}}{name}").text = clean
