"""Questions of an instrument as form fields, and their answers in the API's format. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console import written_dates
from console.forms import Typed

PREFIX = "answers/"
_OPENING = ("safe_to_talk", "consent")


@dataclass(frozen=True)
class Question:
    """A question. `name` is its field's name; `now` the current answer: a text, or several codes."""

    id: str
    name: str
    kind: str
    label: str
    hint: str
    section: str
    options: tuple[tuple[str, str], ...]
    now: Any
    required: bool


def question(one: Mapping[str, Any], language: str, now: Any = None) -> Question:
    many = one["kind"] == "many_of"
    return Question(
        one["id"],
        f"{PREFIX}{one['id']}{'[]' if many else ''}",
        one["kind"],
        one["label"][language],
        (one.get("hint") or {}).get(language, ""),
        (one.get("section") or {}).get(language, ""),
        tuple((option["code"], option["label"][language]) for option in one.get("options", [])),
        (now or []) if many else ("" if now is None else str(now)),
        bool(one.get("required")),
    )


def opening(questions: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the questions before anything is stored: whether it is safe, and whether the person agrees."""
    by_role = {one.get("role"): one for one in questions}
    return [by_role[role] for role in _OPENING if role in by_role]


def given(typed: Typed, questions: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the answers in the API's types, without empty ones."""
    found: dict[str, Any] = {}
    for one in questions:
        name = f"{PREFIX}{one['id']}"
        if one["kind"] == "many_of":
            value: Any = typed.all(f"{name}[]")
        else:
            value = _typed(typed.one(name).strip(), one["kind"])
        if value not in ("", []):
            found[one["id"]] = value
    return found


def _typed(text: str, kind: str) -> str | int | float:
    """Convert to a number if one is expected and typed; otherwise keep the text, so that the API reports the error."""
    if kind == "date":
        return written_dates.day(text)
    if kind not in ("integer", "decimal") or not text:
        return text
    try:
        return int(text) if kind == "integer" else float(text.replace(",", "."))
    except ValueError:
        return text


def says_yes(one: Mapping[str, Any], answer: Any) -> bool:
    """Return whether the answer means yes to the system, whatever its code."""
    option = next((each for each in one.get("options", []) if each["code"] == answer), None)
    return option is not None and (option.get("value") or option["code"]) == "yes"


def after(open_questions: Sequence[str], order: Sequence[str], asked: str) -> str:
    """Return the next open question after `asked`; empty if there is none."""
    place = {name: number for number, name in enumerate(order)}
    later = [each for each in open_questions if place.get(each, -1) > place.get(asked, -1)]
    return later[0] if later else ""
