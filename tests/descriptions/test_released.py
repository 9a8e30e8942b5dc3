"""No description breaks the last release's promises. `released/` contains the reduced descriptions.

`RUTA_STORE_DESCRIPTIONS=1 ./ruta test tests/descriptions` stores a release's descriptions. Store an intended break the
same way, in the commit that announces it in docs/upgrade-notes.md.
"""

import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from gateway.front.description.document import combined, operations
from gateway.front.routes import ROUTES, Upstream
from stack.reference.described import descriptions

from tests.descriptions.breaks import breaks, skeleton

RELEASED = Path(__file__).parent / "released"
DOCS = Path(__file__).parents[2] / "docs"
# Pages are for people and promise nothing to clients.
DESCRIBED = [each for each in Upstream if each in {r.upstream for r in ROUTES if not r.for_people}]


def as_clients_see_it(upstream: Upstream) -> dict[str, Any]:
    document = combined(
        {upstream: descriptions()[upstream]}, ROUTES, public_url="https://ruta.example", version="1"
    )
    plain: dict[str, Any] = json.loads(json.dumps(document))
    return plain


def in_lines(kept: dict[str, Any]) -> str:
    """Return JSON with one line per path and schema, for readable diffs."""

    def lines(part: dict[str, Any]) -> str:
        whole = (
            f"{json.dumps(name)}:{json.dumps(each, separators=(',', ':'), sort_keys=True)}"
            for name, each in sorted(part.items())
        )
        return "{\n" + ",\n".join(whole) + "\n}"

    schemas = lines(kept["components"]["schemas"])
    return f'{{"paths":{lines(kept["paths"])},\n"components":{{"schemas":{schemas}}}}}\n'


@pytest.mark.parametrize("upstream", DESCRIBED)
def test_a_client_of_the_last_release_still_works(
    upstream: Upstream,
) -> None:
    now = as_clients_see_it(upstream)
    stored = RELEASED / f"{upstream}.json"
    if os.environ.get("RUTA_STORE_DESCRIPTIONS"):
        stored.parent.mkdir(exist_ok=True)
        stored.write_text(in_lines(skeleton(now)), encoding="utf-8")
    found = breaks(json.loads(stored.read_text(encoding="utf-8")), now)
    assert not found, "\n".join(map(str, found))


def test_no_two_operations_have_one_name() -> None:
    document = combined(descriptions(), ROUTES, public_url="https://ruta.example", version="1")
    named = Counter(operation["operationId"] for _, _, operation in operations(document))
    assert [name for name, times in named.items() if times > 1] == []


def test_what_partners_are_called_with_is_described() -> None:
    document = as_clients_see_it(Upstream.REFERRALS)
    assert document["webhooks"] == {"notice": {"$ref": "#/components/pathItems/notice"}}
    call = document["components"]["pathItems"]["notice"]["post"]
    assert call["operationId"] == "webhooks.notice"
    assert set(call["responses"]) == {"204"}
    assert {p["name"] for p in call["parameters"]} == {
        "webhook-id", "webhook-timestamp", "webhook-signature"
    }  # fmt: skip
    body = call["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    kinds = document["components"]["schemas"]["NoticeKind"]["enum"]
    assert body == "#/components/schemas/NoticeCall"
    assert "referral.sent" in kinds


@pytest.mark.parametrize("policy", ["versions.md", "versions.es.md"])
def test_what_is_deprecated_is_listed_with_its_successor(policy: str) -> None:
    rows = re.findall(r"(?m)^\| `(/[^`]+)`.*\| `(/[^`]+)` \|", (DOCS / policy).read_text())
    listed = {path for path, _ in rows}
    paths = {
        path: [o for o in members.values() if isinstance(o, dict)]
        for upstream in descriptions()
        for path, members in as_clients_see_it(upstream)["paths"].items()
    }
    deprecated = {path for path, there in paths.items() if any(o.get("deprecated") for o in there)}
    assert {p for p in deprecated if not any(p.startswith(one) for one in listed)} == set()
    assert {one for one in listed if not any(p.startswith(one) for p in deprecated)} == set()
    assert {new for _, new in rows} <= paths.keys()


def test_a_deprecated_member_names_a_member_beside_it_of_the_same_type() -> None:
    found = []
    for upstream in DESCRIBED:
        for name, schema in as_clients_see_it(upstream)["components"]["schemas"].items():
            members = schema.get("properties", {})
            for old, member in members.items():
                if member.get("deprecated"):
                    (new,) = re.findall(r"`([a-z_]+)`", member["description"])
                    assert skeleton_of(member) == skeleton_of(members[new]), (name, old)
                    found.append((name, old))
    assert ("Succession", "organization_id") in found


def skeleton_of(member: dict[str, Any]) -> dict[str, Any]:
    return {key: member[key] for key in ("type", "format", "anyOf") if key in member}
