"""The UIDs in a deployment's DHIS2 instance for Ruta's codes: reviewed configuration, validated when read. The file is
one JSON object, code → UID. `GET /reports/v1/exports/dhis2/codes` lists the codes."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

_UID = re.compile(r"[A-Za-z][A-Za-z0-9]{10}")
"""DHIS2's format: eleven letters and digits, beginning with a letter."""
_CODE = re.compile(r"[A-Z0-9_]{1,50}")


class BadMappingError(ValueError):
    """The mapping file is unusable; the message explains the correction."""


def load_mapping(file: Path | None) -> Mapping[str, str]:
    """Return code → UID; empty without a file. Raise BadMappingError for a malformed file."""
    if file is None:
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except (OSError, ValueError) as error:
        raise BadMappingError(f"{file}: {error}") from error
    if not isinstance(content, dict):
        raise BadMappingError(f"{file}: one JSON object of code and UID is wanted")
    for code, uid in content.items():
        if not _CODE.fullmatch(code):
            raise BadMappingError(f"{file}: {code!r} is no code of Ruta")
        if not isinstance(uid, str) or not _UID.fullmatch(uid):
            raise BadMappingError(f"{file}: {uid!r} of {code} is no DHIS2 UID")
    return content


def _once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    twice = [code for code, number in Counter(code for code, _ in pairs).items() if number > 1]
    if twice:
        raise ValueError(f"given twice: {', '.join(twice)}")
    return dict(pairs)
