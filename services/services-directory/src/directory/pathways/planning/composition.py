"""Combines several pathways: a trafficked child is on CP and TIP, a survivor on GBV and TIP. Steps for the same need
become one step that keeps every pathway's reason. The result does not depend on the order of the pathways."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from directory.pathways.definition.conditions import Verdict, judge
from directory.pathways.definition.graph import Bilingual, Pathway, Step, Urgency
from directory.pathways.definition.profile import Profile

_SOONEST = tuple(Urgency)
_MOSTLY_NOT = frozenset({"languages", "speaks_none_of", "populations"})
MEDIATORS: Mapping[str, tuple[str, ...]] = {
    "CP": ("CP-AUTH", "CP-CM", "HOT"),
    "GBV": ("GBV-CM", "HOT"),
    "TIP": ("HOT", "TIP-ASSIST"),
    "GP": ("GP-INFO", "HOT"),
}
"""Mediators for a confidential service if the pathway names none."""


@dataclass(frozen=True, slots=True)
class Source:
    """The reason why a step is in the plan: the pathway's step, the verdict and the note."""

    aor: str
    step: str
    urgency: Urgency
    window_hours: int | None
    verdict: Verdict
    to_check: tuple[str, ...]
    note: Bilingual | None


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One need, combined from all pathways that contain it. `after` and `fallback_of` name other needs. `place` is the
    earliest position of the need in any pathway; it breaks ties."""

    need: str
    sources: tuple[Source, ...]
    urgency: Urgency
    window_hours: int | None
    safety: bool
    confidential: bool
    intermediaries: tuple[Bilingual, ...]
    intermediary_needs: tuple[str, ...]
    after: frozenset[str]
    fallback_of: frozenset[str]
    place: int

    @property
    def only_if_told(self) -> bool:
        """Return whether the need depends on languages or groups that the profile does not name."""
        return bool(self.sources) and all(
            source.verdict is Verdict.UNKNOWN and bool(_MOSTLY_NOT & set(source.to_check))
            for source in self.sources
        )


def compose(pathways: Iterable[Pathway], profile: Profile) -> dict[str, PlannedStep]:
    """Return the steps that this person's facts do not rule out, one per need, keyed by need. A need that is a fallback
    in one pathway and primary in another is primary. If pathways contradict each other's order, the affected steps run
    in parallel."""
    steps: dict[str, PlannedStep] = {}
    for pathway in pathways:
        for planned in _applicable(pathway, profile):
            known = steps.get(planned.need)
            steps[planned.need] = planned if known is None else _merged(known, planned)
    return _without_cycles(_settled(steps))


def _applicable(pathway: Pathway, profile: Profile) -> Iterable[PlannedStep]:
    judged = {step.key: judge(step.condition, profile) for step in pathway.steps}
    steps = {step.key: step for step in pathway.steps}
    applies = _keys_that_apply(steps, {key: verdict for key, (verdict, _) in judged.items()})
    places = {key: at for at, key in enumerate(steps)}
    for key in applies:
        step = steps[key]
        verdict, criteria = judged[key]
        primary = steps[step.fallback_of] if step.fallback_of else None
        source = Source(
            pathway.aor, step.key, step.urgency, step.window_hours, verdict, criteria, step.note
        )
        yield PlannedStep(
            need=step.need,
            sources=(source,),
            urgency=step.urgency,
            window_hours=step.window_hours,
            safety=step.safety,
            confidential=step.confidential,
            intermediaries=(step.intermediary,) if step.intermediary else (),
            intermediary_needs=(
                step.intermediary_needs or MEDIATORS.get(pathway.aor, ())
                if step.confidential
                else ()
            ),
            after=frozenset(_needs_before(step, steps, applies)),
            fallback_of=frozenset({primary.need} if primary else ()),
            place=places[key],
        )


def _keys_that_apply(steps: Mapping[str, Step], verdicts: Mapping[str, Verdict]) -> dict[str, None]:
    """Return the keys that apply, in the pathway's order. A fallback applies if its primary's need is wanted. The
    windows of one need (72 h, 120 h, later) are separate steps that share its fallbacks."""
    possible = [key for key in steps if verdicts[key] is not Verdict.NOT_MET]
    wanted = {steps[key].need for key in possible if not steps[key].fallback_of}
    primaries = {key: steps[key].fallback_of for key in possible}
    return {
        key: None
        for key, primary in primaries.items()
        if primary is None or steps[primary].need in wanted
    }


def _needs_before(
    step: Step, steps: Mapping[str, Step], applies: Mapping[str, None]
) -> Iterable[str]:
    """Replace a predecessor that does not apply to this person with its own predecessors."""
    waiting, seen = list(step.after), set[str]()
    while waiting:
        key = waiting.pop()
        if key in seen or key not in steps:
            continue
        seen.add(key)
        if key in applies:
            yield steps[key].need
        else:
            waiting.extend(steps[key].after)


def _merged(one: PlannedStep, other: PlannedStep) -> PlannedStep:
    """Merge two steps for one need. The result has the shorter urgency and all reasons, and is a fallback only if both
    steps are."""
    sources = sorted({*one.sources, *other.sources}, key=lambda source: (source.aor, source.step))
    intermediaries = {*one.intermediaries, *other.intermediaries}
    mediators = {*one.intermediary_needs, *other.intermediary_needs}
    both_fallback = bool(one.fallback_of and other.fallback_of)
    return PlannedStep(
        need=one.need,
        sources=tuple(sources),
        urgency=min(one.urgency, other.urgency, key=_SOONEST.index),
        window_hours=_smallest(one.window_hours, other.window_hours),
        safety=one.safety or other.safety,
        confidential=one.confidential or other.confidential,
        intermediaries=tuple(sorted(intermediaries, key=lambda text: (text.es, text.en))),
        intermediary_needs=tuple(sorted(mediators)),
        after=one.after | other.after,
        fallback_of=one.fallback_of | other.fallback_of if both_fallback else frozenset(),
        place=min(one.place, other.place),
    )


def _smallest(one: int | None, other: int | None) -> int | None:
    return min((hours for hours in (one, other) if hours is not None), default=None)


def _settled(steps: dict[str, PlannedStep]) -> dict[str, PlannedStep]:
    """Return the steps in key order. No step waits for itself or is its own fallback."""
    return {
        need: replace(
            step,
            after=step.after - {need},
            fallback_of=step.fallback_of - {need},
        )
        for need, step in sorted(steps.items())
    }


def _without_cycles(steps: dict[str, PlannedStep]) -> dict[str, PlannedStep]:
    before = {need: _reachable(need, steps) for need in steps}
    return {
        need: replace(
            step, after=frozenset(other for other in step.after if need not in before[other])
        )
        for need, step in steps.items()
    }


def _reachable(need: str, steps: Mapping[str, PlannedStep]) -> frozenset[str]:
    """Return every need that comes before this one, directly or indirectly; skip unknown needs."""
    found: set[str] = set()
    waiting = list(steps[need].after)
    while waiting:
        other = waiting.pop()
        if other in steps and other not in found:
            found.add(other)
            waiting.extend(steps[other].after)
    return frozenset(found)
