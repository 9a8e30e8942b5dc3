"""Formats pathways for display: steps, conditions, differences, and trial results. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from console.codes import Codes
from console.conflicts import Say
from console.forms import Typed, body, flat
from console.texts import Wording

URGENCIES = ("at_once", "within_24_hours", "within_72_hours", "within_a_week", "routine")
SEXES = ("female", "male", "other")
KEY = "step_key"
"""The field for `key` in the API: the form's own `key` is that of its command."""
STEP = (
    "need",
    "urgency",
    "window_hours",
    "after[]",
    "fallback_of",
    "intermediary/es",
    "intermediary/en",
    "note/es",
    "note/en",
    "condition/minimum_age",
    "condition/maximum_age",
    "condition/sexes[]",
    "condition/situations[]",
    "condition/incident_within_hours",
)
NUMBERS = (
    "window_hours",
    "condition/minimum_age",
    "condition/maximum_age",
    "condition/incident_within_hours",
)
FLAGS = ("safety", "confidential")


def step_of(typed: Typed, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the step from the form; fields that the form lacks keep their values."""
    made = body(typed, STEP, numbers=NUMBERS)
    kept = {
        name: value
        for name, value in (before.get("condition") or {}).items()
        if f"condition/{name}" not in STEP and f"condition/{name}[]" not in STEP
    }
    condition = {**kept, **made.pop("condition", {})}
    rest = {name: before[name] for name in ("intermediary_needs",) if before.get(name)}
    return {
        **rest,
        "key": typed.one(KEY).strip(),
        **made,
        **({"condition": condition} if condition else {}),
        **{name: typed.one(name) == "true" for name in FLAGS},
    }


def new_key(need: str, taken: Iterable[str]) -> str:
    """Derive a name for a new step from its need; people never see the name."""
    known, base = set(taken), re.sub("[^a-z0-9]+", "-", need.lower()).strip("-") or "step"
    numbers = (f"{base}-{number}" for number in count(2))
    return base if base not in known else next(key for key in numbers if key not in known)


def standing(step: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a step's current values by field name; empty if the step no longer exists."""
    flags = {name: "true" for name in FLAGS if (step or {}).get(name)}
    return {**flat(step, STEP), **({KEY: step["key"]} if step else {}), **flags}


def worded(
    every: Sequence[Mapping[str, Any]], say: Wording, codes: Codes, situations: Mapping[str, str]
) -> Say:
    """Return a function that formats a step's field values as text. `every` contains the steps that it may refer to."""
    named = {one["key"]: codes.need(one["need"]) for one in every}

    def one(name: str, value: str) -> str:
        if name == "need":
            return codes.need(value)
        if name == "urgency":
            return say(f"soon.{value}") if value in URGENCIES else value
        if name == "condition/sexes[]":
            return say(f"sex.{value}") if value in SEXES else value
        if name == "condition/situations[]":
            return situations.get(value, value)
        if name in {"after[]", "fallback_of"}:
            return named.get(value, value)
        return say("entry.yes") if name in FLAGS else value

    return one


def replaced(
    steps: Sequence[Mapping[str, Any]], key: str, step: Mapping[str, Any] | None
) -> list[Mapping[str, Any]]:
    """Return the steps with `step` replacing the step named `key`, or appended if there is none. If `step` is None,
    remove the named step."""
    found = [one if one["key"] != key else step for one in steps]
    if step is not None and all(one["key"] != key for one in steps):
        found.append(step)
    return [one for one in found if one is not None]


def moved(steps: Sequence[Mapping[str, Any]], key: str, by: int) -> list[Mapping[str, Any]]:
    """Return the steps with one step moved by one place; a step at either end stays where it is."""
    found = list(steps)
    at = next((n for n, one in enumerate(found) if one["key"] == key), None)
    if at is None or not 0 <= at + by < len(found):
        return found
    found[at], found[at + by] = found[at + by], found[at]
    return found


@dataclass(frozen=True)
class Step:
    key: str
    need: str
    urgency: str
    facts: tuple[str, ...]
    inherited: bool
    findings: tuple[str, ...] = ()


def all_steps(version: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Return all steps of a version, including inherited ones."""
    if version is None:
        return []
    return (version.get("effective") or version["pathway"]).get("steps") or []


def steps(
    version: Mapping[str, Any], say: Wording, codes: Codes, situations: Mapping[str, str]
) -> list[Step]:
    """Return the area's own steps, and the steps inherited from the larger area, which a draft can replace or omit."""
    own = version["pathway"].get("steps") or []
    effective = all_steps(version)
    keys = {one["key"] for one in own}
    found: dict[str, list[str]] = {}
    for one in version.get("findings") or []:
        if one.get("step"):
            found.setdefault(one["step"], []).append(one["says"][say.language])
    named = {one["key"]: codes.need(one["need"]) for one in (*effective, *own)}
    return [
        Step(
            one["key"],
            codes.need(one["need"]),
            one.get("urgency") or "",
            tuple(_facts(one, named, say, codes, situations)),
            one["key"] not in keys,
            tuple(found.get(one["key"], ())),
        )
        for one in effective
    ]


def _facts(
    one: Mapping[str, Any],
    named: Mapping[str, str],
    say: Wording,
    codes: Codes,
    situations: Mapping[str, str],
) -> Iterable[str]:
    if one.get("window_hours"):
        yield say("pathway.window", n=one["window_hours"])
    if words := condition(one.get("condition") or {}, say, codes, situations):
        yield say("pathway.if", condition=words)
    if one.get("after"):
        yield say("pathway.after", steps=", ".join(named.get(key, key) for key in one["after"]))
    if one.get("fallback_of"):
        yield say("pathway.fallback", step=named.get(one["fallback_of"], str(one["fallback_of"])))
    for flag in FLAGS:
        if one.get(flag):
            yield say(f"pathway.{flag}")
    if one.get("intermediary"):
        yield say("pathway.intermediary", who=one["intermediary"][say.language])
    if one.get("note"):
        yield str(one["note"][say.language])


def condition(
    one: Mapping[str, Any], say: Wording, codes: Codes, situations: Mapping[str, str]
) -> str:
    """Return a condition in words: "if she is under 18 and it was less than 72 hours ago"."""
    return say("pathway.and").join(_criteria(one, say, codes, situations))


def _criteria(
    one: Mapping[str, Any], say: Wording, codes: Codes, situations: Mapping[str, str]
) -> Iterable[str]:
    for name, key in (
        ("minimum_age", "pathway.from_age"),
        ("maximum_age", "pathway.to_age"),
        ("incident_within_hours", "pathway.within"),
        ("incident_after_hours", "pathway.later"),
    ):
        if one.get(name) is not None:
            yield say(key, n=one[name])
    if one.get("sexes"):
        yield ", ".join(say.known(f"sex.{sex}", "sex.other") for sex in one["sexes"])
    if one.get("situations"):
        yield ", ".join(situations.get(code, code) for code in one["situations"])
    for name, key, named in (
        ("populations", "pathway.of_groups", codes.population),
        ("excluded_populations", "pathway.not_of_groups", codes.population),
        ("languages", "pathway.speaks", codes.spoken),
        ("speaks_none_of", "pathway.speaks_none_of", codes.spoken),
    ):
        if one.get(name):
            yield say(key, which=", ".join(named(code) for code in one[name]))
    for name in ("immediate_danger", "has_documents"):
        if one.get(name) is not None:
            yield say(f"pathway.{name}.{'yes' if one[name] else 'no'}")


@dataclass(frozen=True)
class Difference:
    """Describes a version's changes. `steps` contains all steps of both versions, including inherited ones."""

    say: Wording
    codes: Codes
    situations: Mapping[str, str]
    steps: Sequence[Mapping[str, Any]]

    def lines(self, found: Mapping[str, Any]) -> list[str]:
        say = self.say
        lines = [self._line("diff.pathway", one) for one in found["pathway"]]
        for step in found["steps"]:
            need = self.codes.need(step["need"])
            if step["kind"] != "changed":
                lines.append(say(f"diff.{step['kind']}", need=need))
            lines.extend(
                self._line("diff.step", one, need=need) for one in step.get("changes") or []
            )
        if found["reordered"]:
            lines.append(say("diff.reordered"))
        return lines

    def _line(self, key: str, change: Mapping[str, Any], **more: str) -> str:
        name, old, new = change["field"], change.get("old"), change.get("new")
        words = self.say.known(f"step.field.{name}", "field.other")
        told = self._said(name, old), self._said(name, new)
        if told[0] == told[1]:  # the text in the other language has changed
            return self.say(f"{key}.elsewhere", field=words, **more)
        return self.say(key, field=words, old=told[0], new=told[1], **more)

    def _said(self, name: str, value: Any) -> str:
        """Return a value as text. An empty value means the default: no for a flag, everybody for a condition."""
        say, codes = self.say, self.codes
        if name in _SWITCHES:
            return say("entry.yes" if value else "entry.no")
        if name == "urgency":
            return say.known(f"soon.{value or 'routine'}", "code.other")
        if name in {"condition", "entry"}:
            ways = value if isinstance(value, list) else [value or {}]
            said = [condition(one, say, codes, self.situations) for one in ways]
            return say("pathway.or").join(filter(None, said)) or say("pathway.everybody")
        if not value:
            return say("diff.nothing")
        if name == "window_hours":
            return say("pathway.window", n=value)
        if name in _NAMED:
            return ", ".join(_NAMED[name](self, one) for one in _several(value))
        if isinstance(value, Mapping):  # a text in both languages
            return str(value.get(say.language) or say("diff.nothing"))
        return say("code.other")  # newer than this console

    def step(self, key: str) -> str:
        found = next((one for one in self.steps if one["key"] == key), None)
        return self.codes.need(found["need"]) if found else key


_SWITCHES = frozenset({*FLAGS, "proposal"})
_NAMED: Mapping[str, Callable[[Difference, str], str]] = {
    "after": Difference.step,
    "aor": lambda words, code: words.codes.pathway(code),
    "area": lambda words, code: words.codes.place(code),
    "fallback_of": Difference.step,
    "intermediary_needs": lambda words, code: words.codes.need(code),
    "need": lambda words, code: words.codes.need(code),
    "omits": Difference.step,
}


def _several(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else [value]


def profiles(area: str) -> list[tuple[str, dict[str, Any]]]:
    """Return ten fictitious people, keyed by their description."""
    woman, man = {"area": area, "sex": "female"}, {"area": area, "sex": "male"}
    return [
        (
            "woman_now",
            {**woman, "age": 27, "situations": ["sexual_violence"], "hours_since_incident": 20},
        ),
        (
            "woman_late",
            {**woman, "age": 34, "situations": ["sexual_violence"], "hours_since_incident": 200},
        ),
        (
            "girl_now",
            {**woman, "age": 14, "situations": ["sexual_violence"], "hours_since_incident": 20},
        ),
        ("child", {**woman, "age": 8, "situations": ["sexual_violence"]}),
        ("boy", {**man, "age": 12}),
        ("man", {**man, "age": 41}),
        ("danger", {**woman, "age": 30, "immediate_danger": True}),
        ("older", {**woman, "age": 66}),
        ("no_documents", {**woman, "age": 22, "has_documents": False}),
        ("wayuu", {**woman, "age": 25, "languages": ["guc"]}),
    ]


def person(
    profile: Mapping[str, Any], situations: Mapping[str, str], say: Wording, codes: Codes
) -> str:
    """Describe a person from a stored set by their facts."""
    parts = [
        say(f"sex.{profile['sex']}") if profile.get("sex") else "",
        say("trial.years", n=profile["age"]) if profile.get("age") is not None else "",
        *(situations.get(one, one) for one in profile.get("situations") or []),
        say("trial.hours", n=profile["hours_since_incident"])
        if profile.get("hours_since_incident") is not None
        else "",
        say("trial.danger") if profile.get("immediate_danger") else "",
        say("profile.no_documents") if profile.get("has_documents") is False else "",
        *(codes.spoken(one) for one in profile.get("languages") or []),
        codes.place(profile["area"]),
    ]
    return " · ".join(filter(None, parts))


def effects(
    found: Mapping[str, Any], names: Sequence[str], say: Wording, codes: Codes
) -> list[tuple[str, str]]:
    """Return the effects of a draft on each person."""
    return [
        (
            names[one["profile"]],
            "; ".join(_effect(one, say, codes)) or say("trial.same"),
        )
        for one in found["items"]
    ]


def _effect(one: Mapping[str, Any], say: Wording, codes: Codes) -> Iterable[str]:
    for name in ("gained", "lost"):
        if one[name]:
            yield say(f"trial.{name}", needs=", ".join(codes.need(code) for code in one[name]))
    for each in one["moved"]:
        yield say(
            "trial.moved", need=codes.need(each["need"]), before=each["before"], after=each["after"]
        )
    for name in ("coverage", "urgency"):
        for each in one[name]:
            yield say(
                "trial.turned",
                need=codes.need(each["need"]),
                before=each["before"],
                after=each["after"],
            )
