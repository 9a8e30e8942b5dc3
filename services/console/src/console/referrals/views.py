"""Formats the referral page for both sides. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from common.words.choices import items

from console.codes import Codes
from console.moments import Moments
from console.texts import Wording

# Safe contact comes first, because it governs how to use everything after it.
_ORDER = tuple(items())


def numbers(
    tabs: Mapping[str, Iterable[str]], counts: Mapping[str, Any], say: Wording
) -> dict[str, str]:
    """Return the number under each tab, as an exact count or a minimum."""
    found = {}
    for tab, states in tabs.items():
        each = [counts["by_state"].get(state, 0) for state in states]
        ended = max(each) >= counts["counted_to"]
        found[tab] = say("queue.or_more" if ended else "queue.number", n=sum(each))
    return found


@dataclass(frozen=True)
class Told:
    label: str
    lines: tuple[str, ...]
    phone: str = ""


def disclosed(disclosure: Mapping[str, Any], say: Wording, codes: Codes) -> list[Told]:
    """Return exactly the granted items, in the form's order, followed by later answers, oldest first."""
    direct = (disclosure["safe_contact"] or {}).get("rule") == "contact_directly"

    def told(items: Mapping[str, Any]) -> list[Told]:
        found = sorted(items, key=_place)  # items unknown to the form come last
        return [_told(name, items[name], say, codes, direct=direct) for name in found]

    answers = (one for answer in disclosure["answers"] for one in told(answer))
    return [
        *told(disclosure["items"]),
        *(replace(one, label=say("referral.answer", item=one.label)) for one in answers),
    ]


def _place(item: str) -> int:
    return _ORDER.index(item) if item in _ORDER else len(_ORDER)


def _told(name: str, value: Any, say: Wording, codes: Codes, *, direct: bool) -> Told:
    label = say.known(f"item.{name}", "item.other")
    if name == "sex":
        return Told(label, (say.known(f"sex.{value}", "sex.unknown"),))
    if name == "nationality":
        return Told(label, (codes.nationality(value),))
    if name == "languages":
        return Told(label, (", ".join(map(codes.spoken, value)),))
    if name == "populations":
        return Told(label, (", ".join(map(codes.population, value)),))
    if name == "area":
        return Told(label, (codes.place(value),))
    if isinstance(value, Mapping):
        lines = tuple(_lines(value, say))
        return Told(label, lines, _to_call(value.get("phone")) if direct else "")
    if isinstance(value, list):
        return Told(label, (", ".join(map(str, value)),))
    return Told(label, (str(value),))


def _to_call(phone: str | None) -> str:
    """Return the phone number. Return an empty string if it contains * or #, because such codes may redirect all
    calls."""
    return phone if phone and not {"*", "#"} & set(phone) else ""


def _lines(value: Mapping[str, Any], say: Wording) -> Iterable[str]:
    for name, one in value.items():
        if isinstance(one, Mapping):
            yield from _lines(one, say)
        elif one:
            yield f"{say.known(f'part.{name}', 'part.other')}: {one}"


@dataclass(frozen=True)
class Happened:
    at: str
    what: str
    by: str
    more: str
    said: tuple[str, ...]


def history(
    steps: Iterable[Mapping[str, Any]],
    names: Mapping[str, str],
    people: Mapping[str, str],
    say: Wording,
    codes: Codes,
    moments: Moments,
) -> list[Happened]:
    """Return the history, newest first, with colleagues' names. Include each step's text if the API shows it to the
    visitor: a question, an answer, a place or a note."""
    return [
        Happened(
            moments.at(step["at"]),
            _taken(step, say),
            _doer(step, names, people),
            _reason(step, say),
            tuple(_written(step, say, codes, moments)),
        )
        for step in reversed(list(steps))
    ]


def _taken(step: Mapping[str, Any], say: Wording) -> str:
    """Return the step as text, which can depend on the preceding state."""
    exact = f"took.{step['command']}.{step.get('from_state')}"
    return say(exact) if say.has(exact) else say.known(f"took.{step['command']}", "took.other")


_TEXTS, _DAYS = ("question", "focal_point", "place", "note"), (
    "expected_on", "started_on", "review_on", "completed_on",
)  # fmt: skip


def _written(
    step: Mapping[str, Any], say: Wording, codes: Codes, moments: Moments
) -> Iterable[str]:
    detail = step["detail"] or {}
    said = {name: str(detail[name]) for name in _TEXTS if detail.get(name)}
    said |= {name: moments.day(detail[name]) for name in _DAYS if detail.get(name)}
    if detail.get("appointment_at"):
        said = {"appointment_at": moments.at(detail["appointment_at"]), **said}
    for name, text in said.items():
        label = say.label(f"{step['command']}/{name}")
        yield f"{label}: {text}"
    for name, value in (detail.get("payload") or {}).items():
        one = _told(name, value, say, codes, direct=False)
        yield f"{one.label}: {', '.join(one.lines)}"


def _reason(step: Mapping[str, Any], say: Wording) -> str:
    code = step["reason"] or step["outcome"]
    if not code:
        return ""
    return say.known(f"code.{step['command']}.{code}", "code.other")


def rule_of(safe_contact: Mapping[str, Any] | None, say: Wording) -> str:
    return say(f"rule.{safe_contact['rule']}") if safe_contact else ""


def _doer(step: Mapping[str, Any], names: Mapping[str, str], people: Mapping[str, str]) -> str:
    person = people.get(step.get("by") or "", "")
    return ", ".join(filter(None, (person, names.get(step["organisation_id"] or "", ""))))


def readings(
    found: Iterable[Mapping[str, Any]], names: Mapping[str, str], say: Wording, moments: Moments
) -> list[str]:
    """For the sender, return who read the shared content, and when. Consecutive reads form one line."""
    told = []
    for (organisation, read), again in groupby(
        found, key=lambda one: (one["organisation_id"], one["items"])
    ):
        times = [moments.at(one["at"]) for one in again]
        said = {
            "at": times[0],
            "by": names.get(organisation, ""),
            "items": ", ".join(say.known(f"item.{item}", "item.other") for item in read),
        }
        if len(times) == 1:
            told.append(say("referral.read", **said))
        else:
            told.append(say("referral.read_again", last=times[-1], times=len(times), **said))
    return told
