"""Puts the HSDS page envelope around stored bytes, without parsing or serialising them again."""

import math
from collections.abc import Sequence
from typing import Any

import orjson


def page(
    items: Sequence[bytes],
    *,
    total: int,
    number: int,
    per_page: int,
    more: dict[str, Any] | None = None,
) -> bytes:
    """Return a page. `more` contains members of this profile (facets, ranking) that a plain response lacks."""
    pages = math.ceil(total / per_page)
    head: dict[str, Any] = {
        "total_items": total,
        "total_pages": pages,
        "page_number": number,
        "size": len(items),
        "first_page": number == 1,
        "last_page": number >= pages,
        "empty": not items,
    }
    start = orjson.dumps({**head, **(more or {})})
    return b"".join((start[:-1], b',"contents":[', b",".join(items), b"]}"))


def without_sites(full: bytes, core_length: int) -> bytes:
    """Return a stored service without its sites, which are its last member."""
    return full[:core_length] + b"}"


def site(own: bytes, service: bytes) -> bytes:
    """Return a site that contains its service."""
    return own[:-1] + b',"service":' + service + b"}"


def organization(own: bytes, services: Sequence[bytes]) -> bytes:
    """Return an organisation with the services that this caller can see."""
    if not services:
        return own
    return own[:-1] + b',"services":[' + b",".join(services) + b"]}"


def features(items: Sequence[bytes]) -> bytes:
    return b'{"type":"FeatureCollection","features":[' + b",".join(items) + b"]}"


def feature(site_id: str, longitude: float, latitude: float, properties: bytes) -> bytes:
    head = orjson.dumps(
        {
            "type": "Feature",
            "id": site_id,
            "geometry": {"type": "Point", "coordinates": [longitude, latitude]},
        }
    )
    return head[:-1] + b',"properties":' + properties + b"}"
