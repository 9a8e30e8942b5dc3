"""Pathways in words: steps, conditions, differences, and what a trial shows. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.codes import Codes
from console.conflicts import Say
from console.forms import Typed, body, flat
from console.wording import Wording

URGENCIES = ("at_once", "within_24_hours", "within_72_hours", "within_a_week", "routine")
SEXES = ("female", "male", "other")
KEY = "step_key"
"""Its `key` in the API: a form's own `key` is that of its command."""
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
    """The step that a form says; what the form does not ask stays as it was."""
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


def standing(step: Mapping[str, Any] | None) -> dict[str, Any]:
    """By name of its field, what a step says; nothing, where it is no longer there."""
    flags = {name: "true" for name in FLAGS if (step or {}).get(name)}
    return {**flat(step, STEP), **({KEY: step["key"]} if step else {}), **flags}


def worded(
    every: Sequence[Mapping[str, Any]], say: Wording, codes: Codes, situations: Mapping[str, str]
) -> Say:
    """The words for what a field of a step holds. `every`: the steps that it may name."""
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
    """With `step` in the place of the one called `key`, at the end if there is none; None: without it."""
    found = [one if one["key"] != key else step for one in steps]
    if step is not None and all(one["key"] != key for one in steps):
        found.append(step)
    return [one for one in found if one is not None]


def moved(steps: Sequence[Mapping[str, Any]], key: str, by: int) -> list[Mapping[str, Any]]:
    """One place up or down; at the end it stays."""
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


def steps(
    version: Mapping[str, Any], say: Wording, codes: Codes, situations: Mapping[str, str]
) -> list[Step]:
    """Own ones, and those of the area above, which can be replaced or left out."""
    own = version["pathway"].get("steps") or []
    effective = (version.get("effective") or {}).get("steps") or own
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
            tuple(_facts(one, named, say, situations)),
            one["key"] not in keys,
            tuple(found.get(one["key"], ())),
        )
        for one in effective
    ]


def _facts(
    one: Mapping[str, Any], named: Mapping[str, str], say: Wording, situations: Mapping[str, str]
) -> Iterable[str]:
    if one.get("window_hours"):
        yield say("pathway.window", hours=one["window_hours"])
    if words := condition(one.get("condition") or {}, say, situations):
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


def condition(one: Mapping[str, Any], say: Wording, situations: Mapping[str, str]) -> str:
    """If she is under 18 and it was less than 72 hours ago."""
    parts = []
    if one.get("minimum_age") is not None:
        parts.append(say("pathway.from_age", age=one["minimum_age"]))
    if one.get("maximum_age") is not None:
        parts.append(say("pathway.to_age", age=one["maximum_age"]))
    if one.get("sexes"):
        parts.append(", ".join(say(f"sex.{sex}") for sex in one["sexes"]))
    if one.get("situations"):
        parts.append(", ".join(situations.get(code, code) for code in one["situations"]))
    if one.get("incident_within_hours"):
        parts.append(say("pathway.within", hours=one["incident_within_hours"]))
    if one.get("incident_after_hours"):
        parts.append(say("pathway.later", hours=one["incident_after_hours"]))
    if one.get("immediate_danger"):
        parts.append(say("pathway.danger"))
    if one.get("populations"):
        parts.append(", ".join(one["populations"]))
    if one.get("has_documents") is False:
        parts.append(say("pathway.no_documents"))
    return say("pathway.and").join(parts)


def difference(found: Mapping[str, Any], say: Wording, codes: Codes) -> list[str]:
    """What a version changes, as sentences; what changed stands as the pathway holds it."""
    lines = [
        say(
            "diff.pathway",
            field=_field(one["field"], say),
            old=_plain(one.get("old")),
            new=_plain(one.get("new")),
        )
        for one in found["pathway"]
    ]
    for step in found["steps"]:
        need = codes.need(step["need"])
        if step["kind"] != "changed":
            lines.append(say(f"diff.{step['kind']}", need=need, name=step["step"]))
        lines.extend(
            say(
                "diff.step",
                need=need,
                field=_field(one["field"], say),
                old=_plain(one.get("old")),
                new=_plain(one.get("new")),
            )
            for one in step.get("changes") or []
        )
    if found["reordered"]:
        lines.append(say("diff.reordered"))
    return lines


def _field(name: str, say: Wording) -> str:
    return say(f"step.field.{name}") if say.has(f"step.field.{name}") else name


def _plain(value: Any) -> str:
    if value in (None, "", [], {}):
        return "–"
    if isinstance(value, list):
        return ", ".join(_plain(one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(one)}" for name, one in value.items())
    return str(value)


def profiles(area: str) -> list[tuple[str, dict[str, Any]]]:
    """Ten people who do not exist, by the key of what they are called."""
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
    """Somebody of a stored set, by their facts."""
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
    """What a draft would change for each of them."""
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
