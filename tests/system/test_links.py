"""A client that knows only `Link` (RFC 8288) reads each list page by page."""

from typing import Any

import httpx
import pytest
from gateway.front.description.document import operations

from tests.support.system import System

pytestmark = pytest.mark.system
READERS = ("ngo-refugio", "gbv-coordinator", "im-officer")
MOST_PAGES = 4


def lists(document: dict[str, Any]) -> list[str]:
    """Return the paths of lists that need no id and describe `Link`."""
    return [
        path
        for path, method, operation in operations(document)
        if method == "get"
        and "{" not in path
        and "Link" in operation["responses"].get("200", {}).get("headers", {})
    ]


def test_each_list_describes_its_links(system: System) -> None:
    document = system.description()
    schemas = document["components"]["schemas"]

    def fields(operation: dict[str, Any]) -> dict[str, Any]:
        content = operation["responses"].get("200", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        named = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
        found: dict[str, Any] = named.get("properties", {})
        return found

    paged = {
        path
        for path, method, operation in operations(document)
        if method == "get" and {"next_cursor", "total_pages"} & fields(operation).keys()
    }
    assert {path for path in paged if "{" not in path} == set(lists(document))


def walked(client: httpx.Client, path: str, size: str) -> list[list[Any]]:
    pages, address = [], f"{path}?{size}=1"
    for _ in range(MOST_PAGES):
        answer = client.get(address)
        if answer.status_code in (403, 422):  # not for this reader, or it needs a parameter
            return []
        assert answer.status_code == 200, (address, answer.text)
        body = answer.json()
        pages.append(body.get("items", body.get("contents")))
        following = answer.links.get("next")
        more = body.get("more", body.get("next_cursor")) or body.get("last_page") is False
        assert bool(following) is bool(more), (address, body)
        if following is None:
            break
        address = following["url"]
    return pages


def test_the_links_lead_through_each_list_once(system: System) -> None:
    walks, paths = 0, lists(system.description())
    for reader in READERS:
        with system.caller(reader) as client:
            for path in paths:
                size = "per_page" if path in HSDS else "limit"
                pages = walked(client, path, size)
                assert all(len(page) == 1 for page in pages[:-1]), path
                rows = [str(page) for page in pages if page]
                assert len(rows) == len(set(rows)), path
                walks += len(rows) > 1
    assert walks > 15


HSDS = {
    f"/directory/v1/{name}"
    for name in (
        "services",
        "organizations",
        "service_at_locations",
        "taxonomies",
        "taxonomy_terms",
    )
}
