"""Reads an external HSDS API, so that its services can be imported as a file."""

import json
from collections.abc import Iterator
from typing import IO, Any
from urllib.parse import quote

import httpx

from stack.errors import StackError

MAX_BYTES = 64 * 1024 * 1024
"""What an import may have."""
_PATIENCE = httpx.Timeout(60, connect=10)
_ENDS = ("last_page", "last")
"""The member that marks the last page: in version 3, and in the first British version."""


def copy_feed(address: str, target: IO[bytes]) -> int:
    """Write each service of the API with all its parts, one per line, and return the number of services. A list may
    omit parts, so each service is read separately."""
    base = address.rstrip("/").removesuffix("/services")
    written: set[str] = set()
    with httpx.Client(timeout=_PATIENCE, follow_redirects=True) as client:
        for entry in _listed(client, f"{base}/services"):
            own = str(entry.get("id", ""))
            if not own or own in written:  # paging may repeat an entry
                continue
            full = _read(client, f"{base}/services/{quote(own, safe='')}")
            target.write(json.dumps(full, ensure_ascii=False).encode() + b"\n")
            written.add(own)
            if target.tell() > MAX_BYTES:
                raise StackError("{address} has more than {most} MB of services", address=address, most=MAX_BYTES >> 20)  # fmt: skip
    if not written:
        raise StackError("{address} does not offer a list of services in HSDS", address=address)
    return len(written)


def _listed(client: httpx.Client, address: str) -> Iterator[dict[str, Any]]:
    page = 1
    while True:
        found = _read(client, address, page=page)
        entries = found.get("contents", found.get("content"))
        if not isinstance(entries, list):
            raise StackError("{address} does not offer a list of services in HSDS", address=address)
        yield from (each for each in entries if isinstance(each, dict))
        pages = found.get("total_pages", found.get("totalPages", 0))
        last = any(found.get(name) for name in _ENDS) or not isinstance(pages, int) or page >= pages
        if not entries or last:
            return
        page += 1


def _read(client: httpx.Client, address: str, **query: int) -> dict[str, Any]:
    try:
        answer = client.get(address, params=query)
        answer.raise_for_status()
        found = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise StackError("{address} could not be read: {error}", address=address, error=error) from error  # fmt: skip
    if not isinstance(found, dict):
        raise StackError("{address} does not offer a list of services in HSDS", address=address)
    return found
