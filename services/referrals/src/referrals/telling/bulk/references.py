"""Commands of a batch may name what earlier ones made: `${key.id}`. Pure."""

import re
from collections.abc import Mapping
from typing import Any

# What a batch may do; reading and administration have their own endpoints.
_ALLOWED = re.compile(
    r"/referrals/v1/(cases|consents|exceptions|referrals|transfers|tasks|screenings)(/[A-Za-z0-9-]+){0,4}"
)
_REFERENCE = re.compile(r"\$\{([A-Za-z0-9_-]{1,60})\.(id|version)\}")


class UnknownReference(Exception):
    """A reference to a command that is not before this one, or that failed."""


def is_allowed(path: str) -> bool:
    return bool(_ALLOWED.fullmatch(path)) and not path.endswith("/search")


def resolve(value: Any, made: Mapping[str, dict[str, Any]]) -> Any:
    """`value` with every reference replaced; UnknownReference."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: _one(match, made), value)
    if isinstance(value, list):
        return [resolve(item, made) for item in value]
    if isinstance(value, dict):
        return {key: resolve(item, made) for key, item in value.items()}
    return value


def _one(match: "re.Match[str]", made: Mapping[str, dict[str, Any]]) -> str:
    key, name = match.groups()
    found = made.get(key, {}).get(name)
    if found is None:
        raise UnknownReference(key)
    return str(found)
