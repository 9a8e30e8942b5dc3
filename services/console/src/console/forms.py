"""Page forms. Pure. Field names are JSON pointers without the first slash: `contact/phone` is the phone in the contact,
`items[]` a list. The API validates. Forms omit empty fields, so that the API reports them as missing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from common.unseen import without_turning

from console import written_dates

MOST_FIELDS = 300
# Our own fields, unknown to the API: the CSRF token, the command's key, and the language switch.
OWN = frozenset({"csrf_token", "key", "language_wanted", "shown", "look"})


TYPED = "application/x-www-form-urlencoded"
"""The media type of a form without a file."""


class BadForm(ValueError):
    """The form cannot be parsed."""


@dataclass(frozen=True)
class Typed:
    """Typed values in the form's order; empty before the first submission."""

    pairs: Sequence[tuple[str, str]] = field(default=(), repr=False)

    def __bool__(self) -> bool:
        return bool(self.pairs)

    def one(self, name: str, otherwise: str = "") -> str:
        return next((value for key, value in self.pairs if key == name), otherwise)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]

    def has(self, name: str) -> bool:
        return any(key == name for key, _ in self.pairs)


def read(content_type: str, content: bytes) -> Typed:
    """Parse a URL-encoded form. Raise BadForm if that fails."""
    if not content_type.startswith(TYPED):
        raise BadForm("not a form of these pages")
    try:
        pairs = parse_qsl(
            content.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=MOST_FIELDS,
            errors="strict",
        )
    except ValueError as error:
        raise BadForm("not a form of these pages") from error
    return Typed([(name, without_turning(value.replace("\r\n", "\n"))) for name, value in pairs])


WITHDRAW = ("reason/es", "reason/en")
"""The reason why a publication is withdrawn."""


def body(typed: Typed, names: Iterable[str], *, numbers: Iterable[str] = ()) -> dict[str, Any]:
    """Return the fields as JSON. Convert `numbers` if possible; otherwise keep the text, so that the API reports the
    error."""
    numeric = frozenset(numbers)
    made: dict[str, Any] = {}
    for name in names:
        pointer = name.removesuffix("[]")
        if name.endswith("[]"):
            several = [one for one in typed.all(name) if one.strip()]
            if several:
                _put(made, pointer.split("/"), several)
            continue
        text = typed.one(name).strip()
        if text:
            path = pointer.split("/")
            value = written_dates.day(text) if is_day(path[-1]) else text
            _put(made, path, _number(value) if name in numeric else value)
    return made


def is_day(name: str) -> bool:
    """Return whether the field contains a day, judging by the API's naming convention."""
    return name.endswith(("_on", "_date")) or name in {"start", "end", "valid_from", "valid_until"}


def flat(document: Mapping[str, Any] | None, names: Iterable[str]) -> dict[str, Any]:
    """Return the document's value for each field: text, or a list of codes."""
    found: dict[str, Any] = {}
    for name in names:
        value: Any = document
        for part in name.removesuffix("[]").split("/"):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value not in (None, "", []):
            found[name] = value if isinstance(value, list) else str(value)
    return found


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.removeprefix("-").isdigit() else text


def _put(made: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for part in path[:-1]:
        made = made.setdefault(part, {})
    made[path[-1]] = value


@dataclass(frozen=True)
class Fault:
    """An error that the API reports. `name` is the form field (empty if the form shows none), `code` the reason, with
    its limits. `detail` and `detail_params` are the API's sentence and its parameters."""

    name: str
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    detail: str = ""
    detail_params: tuple[str, ...] = ()


def faults(
    refused: Mapping[str, Any] | None, names: Iterable[str], *, within: str = ""
) -> list[Fault]:
    """Return a refusal's errors by form field. `within` is the prefix of the field names."""
    known = {name.removesuffix("[]"): name for name in names}
    found: dict[str, Fault] = {}
    for error in (refused or {}).get("errors") or []:
        said = str(error.get("pointer", "")).lstrip("/").removeprefix("query/")
        pointer = f"{within}/{said}".strip("/")
        name = _nearest(pointer, known)
        fault = Fault(
            name,
            str(error.get("code", "")),
            error.get("params") or {},
            str(error.get("detail_code", "")),
            tuple(error.get("detail_params") or ()),
        )
        found.setdefault(name or pointer, fault)
    return list(found.values())


def _nearest(pointer: str, known: Mapping[str, str]) -> str:
    """Return the field for the pointer, or its containing field (`items/3` is in `items[]`)."""
    parts = pointer.split("/")
    while parts:
        if name := known.get("/".join(parts)):
            return name
        parts.pop()
    return ""
