"""Formats case-record entries for display. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from console.codes import Codes
from console.moments import Moments
from console.texts import Wording

_DAYS = frozenset({"due_on", "happened_on"})


@dataclass(frozen=True)
class Shown:
    """An entry. `facts` contains pairs of label and value. `open` means that somebody may still mark the entry as
    done."""

    path: str
    kind: str
    when: str
    by: str
    text: str
    facts: tuple[tuple[str, str], ...]
    picture: str
    due: str
    done: str
    linked: tuple[str, str] | None
    gone: bool


def shown(
    entries: Iterable[Mapping[str, Any]],
    case_path: str,
    say: Wording,
    codes: Codes,
    moments: Moments,
    names: Mapping[str, str],
) -> list[Shown]:
    return [one(entry, case_path, say, codes, moments, names) for entry in entries]


def one(
    entry: Mapping[str, Any],
    case_path: str,
    say: Wording,
    codes: Codes,
    moments: Moments,
    names: Mapping[str, str],
) -> Shown:
    content = entry["content"] or {}
    path = f"{case_path}/entries/{entry['id']}"
    linked = entry["linked_reference"]
    return Shown(
        path=path,
        kind=say.known(f"entry.{entry['kind']}", "entry.other"),
        when=moments.at(entry["created_at"]),
        by=names.get(entry["created_by"], ""),
        text=content.get("text") or "",
        facts=tuple(
            (say.label(name), said(name, value, say, codes, moments))
            for name, value in content.items()
            if name != "text" and value is not None
        ),
        picture=f"{path}/picture" if entry["has_file"] else "",
        due=moments.day(entry["due_on"]),
        done=moments.at(entry["done_at"]),
        linked=(f"/console/cases/{entry['linked_case_id']}", linked) if linked else None,
        gone=entry["taken_back_at"] is not None,
    )


def case_name(case: Mapping[str, Any], say: Wording) -> str:
    """Return the case code and the team's word for the case."""
    return " · ".join(filter(None, (case["reference"], say.case_word(case.get("word")))))


def said(name: str, value: Any, say: Wording, codes: Codes, moments: Moments) -> str:
    if name in _DAYS:
        return moments.day(str(value))
    if name == "area":
        return codes.place(str(value))
    for key in (f"code.{name}.{value}", f"word.{value}"):
        if name not in {"name", "place"} and say.has(key):
            return say(key)
    return str(value)
