"""Short names of operations, which generated clients call: `referrals.send`, `directory.services.list`.

Pure, and made from method and path alone, so a function that is renamed in a service renames nothing
for a partner. tests/descriptions holds each name to what the last release promised.
"""

import re
from collections.abc import Collection, Mapping

_VERSION = re.compile(r"v\d+")
_VERBS = {"put": "set", "patch": "change", "delete": "remove"}


def operation_id(method: str, path: str, paths: Mapping[str, Collection[str]]) -> str:
    """Methods in lower case; `paths`: those of the same service, which tell a collection by its items.

    The words of the path without version and parameters, joined by points, then what is done. A step
    (`POST …/{id}/send`) is its own verb, and what answers a page at its own address is submitted.
    """
    parts = [part for part in path.split("/") if part]
    if len(parts) > 1 and _VERSION.fullmatch(parts[1]):
        del parts[1]
    words = [_joined(part) for part in parts if not part.startswith("{")]
    if len(words) > 1 and words[0] == words[1]:
        del words[0]  # a service's main resource has its name: `referrals.send`
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


def _joined(part: str) -> str:
    """`break-glass` → `breakGlass`, `jwks.json` → `jwksJson`, `ServiceRequest` → `serviceRequest`."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", part) if word]
    named = "".join(word[0].upper() + word[1:] for word in words)
    return named[:1].lower() + named[1:]
