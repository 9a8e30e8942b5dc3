"""Turns a plan into JSON-ready data in the shapes of schemas.Resolution."""

from collections.abc import Iterator
from typing import Any

from common.words import codelists
from common.words.languages import LANGUAGES

from directory.ground.hsds.reachability import next_opening
from directory.pathways.definition.entry import Entry
from directory.pathways.matching.candidates import Candidate
from directory.pathways.matching.proximity import Proximity
from directory.pathways.matching.ranking import Missed, Ranked
from directory.pathways.matching.shortfall import Shortfall, only_late
from directory.pathways.planning.composition import Source
from directory.pathways.planning.plans import Plan, gaps_of
from directory.pathways.planning.resolution import Coverage, ResolvedStep
from directory.pathways.texts.emergency import emergency_numbers
from directory.pathways.texts.hours import opening_hours, time_of_week
from directory.pathways.texts.reasons import Reason
from directory.pathways.texts.sentences import say, say_reason

Json = dict[str, Any]


def resolution(plan: Plan) -> Json:
    """Return the complete response for one profile."""
    return {
        "as_of": plan.as_of,
        "directory_version": plan.directory_version,
        "area": plan.profile.area,
        "pathways": [_entry(plan, entry) for entry in plan.course.entries],
        "doubts": [
            {"aor": doubt.aor, "to_check": list(doubt.to_check)} for doubt in plan.course.doubts
        ],
        "notices": _notices(plan),
        "emergency_numbers": emergency_numbers(plan.profile.area),
        "steps": [_step(plan, step, at + 1) for at, step in enumerate(plan.steps)],
        "gaps": gaps_of(plan.steps),
    }


def _entry(plan: Plan, entry: Entry) -> Json:
    force = plan.in_force[entry.pathway.aor]
    answer: Json = {
        "aor": entry.pathway.aor,
        "version": force.version,
        "pathway_ids": [layer.pathway_id for layer in force.layers],
        "title": entry.pathway.title.model_dump(),
        "proposal": not force.layers,
        "because": entry.because,
        "because_says": say("because", entry.because),
    }
    if entry.pathway.focal_point:
        answer["focal_point"] = entry.pathway.focal_point.model_dump()
    return answer


def _notices(plan: Plan) -> list[Json]:
    codes = ["choice"]
    if plan.profile.immediate_danger:
        codes.insert(0, "danger")
    if any(not plan.in_force[entry.pathway.aor].layers for entry in plan.course.entries):
        codes.append("proposal")
    return [dict(say("notices", code)) for code in codes]


def _step(plan: Plan, step: ResolvedStep, order: int) -> Json:
    planned = step.ordered.step
    answer: Json = {
        "order": order,
        "stage": step.ordered.stage,
        "need": planned.need,
        "label": need_label(planned.need),
        "urgency": planned.urgency.value,
        "urgency_says": say("urgency", planned.urgency.value),
        "safety": planned.safety,
        "requested": planned.need in plan.profile.needs,
        "after": list(step.ordered.after),
        "because": [_source(source) for source in planned.sources],
        "coverage": step.coverage.value,
        "coverage_says": say("coverage", step.coverage.value),
        "services": [_ranked(ranked, plan) for ranked in step.services],
        "fitting": step.fitting,
        "folded": step.folded,
    }
    if planned.window_hours is not None:
        answer["window_hours"] = planned.window_hours
    if step.ordered.remaining_hours is not None:
        answer["remaining_hours"] = step.ordered.remaining_hours
    if planned.confidential and planned.intermediaries:
        answer["intermediaries"] = [each.model_dump() for each in planned.intermediaries]
    if step.shortfall is not None:
        answer["gap"] = _gap(step.shortfall, plan)
    if step.coverage is Coverage.GAP_IN_TIME:
        answer["meanwhile"] = say("meanwhile", step.coverage.value)
    if step.fallbacks:
        answer["fallbacks"] = [
            _step(plan, fallback, at + 1) for at, fallback in enumerate(step.fallbacks)
        ]
    return answer


def shown_services(answer: Json) -> Iterator[Json]:
    """Return every service in a resolution as it appears there, including near misses."""
    steps = list(answer["steps"])
    while steps:
        step = steps.pop()
        steps += step.get("fallbacks", ())
        gap = step.get("gap") or {}
        yield from step["services"]
        yield from gap.get("near_misses", ())
        if "nearest" in gap:
            yield gap["nearest"]


def need_label(need: str) -> Json:
    """Return the category's name in both languages."""
    entry = codelists.categories()[need]
    return dict(entry.labels)


def _source(source: Source) -> Json:
    answer: Json = {"aor": source.aor, "step": source.step, "urgency": source.urgency.value}
    if source.to_check:
        answer["to_check"] = list(source.to_check)
    if source.note:
        answer["note"] = source.note.model_dump()
    return answer


def _ranked(ranked: Ranked, plan: Plan) -> Json:
    return {
        **service(ranked.candidate, ranked.proximity, plan),
        "points": ranked.points,
        "reasons": [reason_out(reason) for reason in ranked.reasons],
    }


def _missed(missed: Missed, plan: Plan) -> Json:
    return {
        **service(missed.candidate, missed.proximity, plan),
        "excluded_by": [reason_out(reason) for reason in missed.excluded_by],
        "late": only_late(missed),
    }


def _gap(shortfall: Shortfall, plan: Plan) -> Json:
    answer: Json = {
        "near_misses": [_missed(missed, plan) for missed in shortfall.near_misses],
        "excluded": [{"code": code, "services": count} for code, count in shortfall.excluded],
    }
    if shortfall.nearest is not None:
        answer["nearest"] = _missed(shortfall.nearest, plan)
    return answer


def reason_out(reason: Reason) -> Json:
    """Return a reason with its sentence."""
    return {
        "code": reason.code,
        "weighs": reason.weight.value,
        "points": reason.points,
        "says": say_reason(reason),
    }


def service(candidate: Candidate, near: Proximity, plan: Plan) -> Json:
    """Return the facts of a service that a caseworker needs for the decision and the referral."""
    referral, today, moment = candidate.referral, plan.as_of, plan.profile.moment
    hours = candidate.hours_in(today)
    opens = None if moment is None else next_opening(hours, moment.minute_of_week)
    answer: Json = {
        "service_id": candidate.service_id,
        "name": candidate.name,
        "functional_status": candidate.functional_status,
        "referral": {
            name: value
            for name in type(referral).__slots__
            if (value := getattr(referral, name)) is not None
        },
    }
    for name, value in (
        ("organisation", candidate.organisation or None),
        ("area", candidate.area),
        ("kilometres", near.kilometres),
        ("capacity_state", candidate.capacity_state),
        ("valid_until", candidate.valid_until),
        ("open", opening_hours(tuple(candidate.open_in(today)))),
        ("ways", list(candidate.ways) or None),
        (
            "opens",
            None if opens is None else {each: time_of_week(opens, each) for each in LANGUAGES},
        ),
    ):
        if value is not None:
            answer[name] = value
    if near.approximate:
        answer["approximate"] = True
    return answer
