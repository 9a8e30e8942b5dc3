"""A form's field mapping as editable lines: `theirs = ours`, `theirs: value = code`. Pure."""

from collections.abc import Mapping
from typing import Any


def lines(fields: Mapping[str, str]) -> str:
    return "\n".join(f"{theirs} = {ours}" for theirs, ours in fields.items())


def value_lines(values: Mapping[str, Mapping[str, str]]) -> str:
    return "\n".join(
        f"{question}: {theirs} = {ours}"
        for question, pairs in values.items()
        for theirs, ours in pairs.items()
    )


def read_lines(text: str) -> dict[str, str]:
    """Parse lines. A line without `=` maps to an empty name, so that the API reports it."""
    found = {}
    for line in text.splitlines():
        theirs, ours = _pair(line)
        if theirs:
            found[theirs] = ours
    return found


def _pair(line: str) -> tuple[str, str]:
    """Split a line at its last `=`. Our codes and names never contain one, but external names may."""
    theirs, is_one, ours = line.rpartition("=")
    return (theirs.strip(), ours.strip()) if is_one else (line.strip(), "")


def read_value_lines(text: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        question, _, pair = line.partition(":")
        theirs, ours = _pair(pair)
        if question.strip():
            found.setdefault(question.strip(), {})[theirs] = ours
    return found


def changed(form: Mapping[str, Any], fields: str, values: str, ignore: str) -> dict[str, Any]:
    """Return the whole form, because the API replaces it completely. Values that the page does not show are kept."""
    mapping = {
        **form["mapping"],
        "fields": read_lines(fields),
        "values": read_value_lines(values),
        "ignore": [line.strip() for line in ignore.splitlines() if line.strip()],
    }
    return {
        "name": form["name"],
        "instrument_id": form["instrument_id"],
        "mapping": mapping,
        "active": form["active"],
    }
