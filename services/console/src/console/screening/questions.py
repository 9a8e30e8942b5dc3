"""An instrument's questions as form fields, and their answers in the API's format. Pure."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console import written_dates
from console.forms import Typed

PREFIX = "answers/"
_FEWEST, _MOST = 6, 10
"""Questions on a page: it ends with a section if it has at least `_FEWEST` by then."""
_OPENING = ("safe_to_talk", "consent")


@dataclass(frozen=True)
class Question:
    """A question. `name` is its field's name; `now` is the current answer: a text, or several codes."""

    id: str
    name: str
    kind: str
    label: str
    hint: str
    section: str
    options: tuple[tuple[str, str], ...]
    now: Any
    required: bool
    sign: bool
    """Whether it asks for a sign, so that one button can answer no to several."""


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
        no_of(one) is not None,
    )


def opening(questions: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the questions to ask before anything is stored: whether it is safe to talk, and whether the person
    agrees."""
    by_role = {one.get("role"): one for one in questions}
    return [by_role[role] for role in _OPENING if role in by_role]


def given(typed: Typed, questions: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the answers in the API's types, omitting empty ones."""
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
    """Convert to a number if the question expects one and the text is one; otherwise keep the text, so that the API
    reports the error."""
    if kind == "date":
        return written_dates.day(text)
    if kind not in ("integer", "decimal") or not text:
        return text
    try:
        return int(text) if kind == "integer" else float(text.replace(",", "."))
    except ValueError:
        return text


def says_yes(one: Mapping[str, Any], answer: Any) -> bool:
    """Return whether the answer counts as yes, whatever its code."""
    option = next((each for each in one.get("options", []) if each["code"] == answer), None)
    return option is not None and (option.get("value") or option["code"]) == "yes"


def no_of(one: Mapping[str, Any]) -> str | None:
    """Return the code that means no for a question about a sign; None for other questions."""
    if one["kind"] != "one_of" or not one.get("element"):
        return None
    meant = {each.get("value") or each["code"]: each["code"] for each in one.get("options", [])}
    return meant.get("no")


def rest_is_no(questions: Iterable[Mapping[str, Any]], answered: Container[str]) -> dict[str, str]:
    """Return a no for each unanswered sign."""
    said = ((one["id"], no_of(one)) for one in questions if one["id"] not in answered)
    return {name: code for name, code in said if code is not None}


def parts(
    questions: Sequence[Mapping[str, Any]], asked: Container[str]
) -> list[list[Mapping[str, Any]]]:
    """Return the questions to ask, grouped by page, without the opening questions."""
    left = [one for one in questions if one["id"] in asked and one.get("role") not in _OPENING]
    found = []
    while left:
        ends = [
            number
            for number in range(_FEWEST, min(_MOST, len(left) - 1) + 1)
            if left[number].get("section") != left[number - 1].get("section")
        ]
        size = max(ends, default=_MOST)
        found.append(left[:size])
        left = left[size:]
    return found


def after(open_questions: Sequence[str], order: Sequence[str], shown: Sequence[str]) -> str:
    """Return the next open question that the page did not show; empty if there is none."""
    place = {name: number for number, name in enumerate(order)}
    first = min((place.get(each, -1) for each in shown), default=-1)
    later = [one for one in open_questions if place.get(one, -1) > first and one not in shown]
    return later[0] if later else ""
