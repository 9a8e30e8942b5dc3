"""Validates a pathway: errors prevent publication, while warnings are for the coordinator to weigh. Errors are cycles,
unreachable steps, needs without a known category, contradictory conditions, and safety steps that a more urgent
situation would switch off."""

from collections.abc import Callable, Collection, Iterator
from graphlib import CycleError, TopologicalSorter

from directory.pathways.definition.conditions import contradict, contradictions
from directory.pathways.definition.graph import Pathway, Step
from directory.pathways.texts.findings import Finding, Severity


def validate(
    pathway: Pathway,
    categories: Collection[str],
    populations: Collection[str],
    situations: Collection[str],
) -> list[Finding]:
    """Return findings about the effective pathway (after inheritance), errors first, in step order. `categories`,
    `populations` and `situations` are the known codes."""
    places = {step.key: f"/steps/{at}" for at, step in enumerate(pathway.steps)}
    found = [
        *_duplicates(pathway),
        *_needs(pathway, places, categories),
        *_populations(pathway, places, populations),
        *_situations(pathway, places, situations),
        *_references(pathway, places),
        *_cycles(pathway, places),
        *_own_contradictions(pathway, places),
        *_contradictions_with_entry(pathway, places),
        *_contradictions_along_edges(pathway, places),
        *_safety(pathway, places),
        *_intermediaries(pathway, places),
        *_fallback_chains(pathway, places),
        *_timed_entries(pathway),
        *_warnings(pathway, places),
    ]
    return sorted(found, key=lambda finding: finding.severity is Severity.WARNING)


def errors_in(findings: Collection[Finding]) -> list[Finding]:
    """Return the findings that block the submission of the pathway."""
    return [finding for finding in findings if finding.severity is Severity.ERROR]


def _duplicates(pathway: Pathway) -> Iterator[Finding]:
    seen: set[str] = set()
    for at, step in enumerate(pathway.steps):
        if step.key in seen:
            yield Finding("duplicate_step", step.key, f"/steps/{at}/key")
        seen.add(step.key)


def _needs(
    pathway: Pathway, places: dict[str, str], categories: Collection[str]
) -> Iterator[Finding]:
    for step in pathway.steps:
        if not step.need.strip():
            yield Finding("need_missing", step.key, places[step.key] + "/need")
        elif step.need not in categories:
            yield Finding("need_unknown", step.key, places[step.key] + "/need")


def _populations(
    pathway: Pathway, places: dict[str, str], populations: Collection[str]
) -> Iterator[Finding]:
    for step in pathway.steps:
        for name in ("populations", "excluded_populations"):
            for code in sorted(getattr(step.condition, name) - set(populations)):
                pointer = f"{places[step.key]}/condition/{name}"
                yield Finding("population_unknown", step.key, pointer, (("population", code),))


def _situations(
    pathway: Pathway, places: dict[str, str], known: Collection[str]
) -> Iterator[Finding]:
    for step in pathway.steps:
        for code in sorted(step.condition.situations - set(known)):
            pointer = f"{places[step.key]}/condition/situations"
            yield Finding("situation_unknown", step.key, pointer, (("situation", code),))


def _references(pathway: Pathway, places: dict[str, str]) -> Iterator[Finding]:
    for step in pathway.steps:
        for at, key in enumerate(step.after):
            if key not in places:
                pointer = f"{places[step.key]}/after/{at}"
                yield Finding("unreachable_step", step.key, pointer, (("missing", key),))
        if step.fallback_of is not None and step.fallback_of not in places:
            pointer = places[step.key] + "/fallback_of"
            yield Finding("unreachable_step", step.key, pointer, (("missing", step.fallback_of),))


def _cycles(pathway: Pathway, places: dict[str, str]) -> Iterator[Finding]:
    before = {step.key: set(_predecessors(step)) & set(places) for step in pathway.steps}
    try:
        TopologicalSorter(before).prepare()
    except CycleError as cycle:
        ring = [str(key) for key in cycle.args[1]]
        named = min(ring)
        pointer = places[named] + "/after"
        yield Finding("cycle", named, pointer, (("cycle", " → ".join(_turned(ring, named))),))


def _turned(ring: list[str], first: str) -> list[str]:
    """Return the same cycle, starting and ending at `first`, so that the result is deterministic."""
    open_ring = ring[:-1]
    at = open_ring.index(first)
    return [*open_ring[at:], *open_ring[:at], first]


def _predecessors(step: Step) -> tuple[str, ...]:
    return step.after if step.fallback_of is None else (*step.after, step.fallback_of)


def _own_contradictions(pathway: Pathway, places: dict[str, str]) -> Iterator[Finding]:
    for step in pathway.steps:
        for name in contradictions(step.condition):
            pointer = f"{places[step.key]}/condition/{name}"
            yield Finding("contradictory_conditions", step.key, pointer)
    for at, condition in enumerate(pathway.entry):
        for name in contradictions(condition):
            yield Finding("contradictory_conditions", None, f"/entry/{at}/{name}")


def _contradictions_with_entry(pathway: Pathway, places: dict[str, str]) -> Iterator[Finding]:
    for step in pathway.steps:
        against = [contradict(step.condition, entry) for entry in pathway.entry]
        if against and all(against):
            pointer = places[step.key] + "/condition"
            named = (("criteria", ", ".join(against[0])), ("with", "entry"))
            yield Finding("contradictory_conditions", step.key, pointer, named)


def _contradictions_along_edges(pathway: Pathway, places: dict[str, str]) -> Iterator[Finding]:
    by_key = {step.key: step for step in pathway.steps}
    for step in pathway.steps:
        for key in _predecessors(step):
            other = by_key.get(key)
            names = contradict(step.condition, other.condition) if other else ()
            if names:
                field = "/fallback_of" if key == step.fallback_of else "/after"
                named = (("criteria", ", ".join(names)), ("with", key))
                yield Finding("contradictory_conditions", step.key, places[step.key] + field, named)


def _safety(pathway: Pathway, places: dict[str, str]) -> Iterator[Finding]:
    """Report safety steps that a more urgent situation (danger, a more recent incident) would switch off."""
    for step in pathway.steps:
        if not step.safety:
            continue
        pointer = places[step.key] + "/condition"
        if step.condition.immediate_danger is False:
            yield Finding("safety_step_switched_off", step.key, pointer + "/immediate_danger")
        if step.condition.incident_after_hours is not None:
            yield Finding("safety_step_switched_off", step.key, pointer + "/incident_after_hours")
        if step.fallback_of is not None:
            fallback = places[step.key] + "/fallback_of"
            yield Finding("safety_step_switched_off", step.key, fallback)


def _intermediaries(pathway: Pathway, places: dict[str, str]) -> Iterator[Finding]:
    for step in pathway.steps:
        if step.confidential and step.intermediary is None:
            pointer = places[step.key] + "/intermediary"
            yield Finding("intermediary_missing", step.key, pointer)


def _fallback_chains(pathway: Pathway, places: dict[str, str]) -> Iterator[Finding]:
    """Report fallbacks of fallbacks, which nobody would reach. A primary step may have several fallbacks."""
    for step in pathway.steps:
        primary = pathway.step(step.fallback_of) if step.fallback_of else None
        if primary is not None and primary.fallback_of is not None:
            named = (("missing", primary.key),)
            yield Finding("unreachable_step", step.key, places[step.key] + "/fallback_of", named)


def _timed_entries(pathway: Pathway) -> Iterator[Finding]:
    """Report entry conditions that depend on danger or hours. A more urgent case could otherwise leave the pathway and
    lose its steps."""
    for at, entry in enumerate(pathway.entry):
        for name in ("immediate_danger", "incident_within_hours", "incident_after_hours"):
            if getattr(entry, name) is not None:
                yield Finding("entry_depends_on_time", None, f"/entry/{at}/{name}")


_WARNINGS: tuple[tuple[str, Callable[[Pathway], bool]], ...] = (
    (
        "single_entry_point",
        lambda p: len(p.steps) > 1 and sum(not _predecessors(step) for step in p.steps) == 1,
    ),
    ("no_safety_step", lambda p: not any(step.safety for step in p.steps)),
    ("no_steps", lambda p: not p.steps),
)


def _warnings(pathway: Pathway, places: dict[str, str]) -> Iterator[Finding]:
    for code, holds in _WARNINGS:
        if holds(pathway):
            yield Finding(code, None, "/steps", severity=Severity.WARNING)
    for step in pathway.steps:
        if step.window_hours is not None and step.condition.incident_after_hours is not None:
            after = step.condition.incident_after_hours
            if after >= step.window_hours:
                pointer = places[step.key] + "/window_hours"
                yield Finding("window_already_over", step.key, pointer, severity=Severity.WARNING)
