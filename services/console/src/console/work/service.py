"""Collects the visitor's work from the API."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any

from common.auth import Role

from console.answers import AT_ONCE, Answer, together
from console.listings import found_in
from console.screens.visit import NotShown, Visit, one_of
from console.work import beside

NOW = frozenset({"overdue", "today"})
_CASEWORK = frozenset({Role.CASEWORKER, Role.SUPERVISOR, Role.COORDINATOR})
"""Roles for which anything about cases or the line may wait."""


@dataclass(frozen=True)
class Waiting:
    """The visitor's work. `away` contains lists that did not load; `cut` contains lists with more rows than shown.
    `now` counts rows due today or earlier."""

    items: list[Any]
    more: str | None
    now: int
    away: Sequence[str]
    cut: Sequence[str]
    has_cases: bool


async def waiting(visit: Visit) -> Waiting:
    """Fetch all lists concurrently. The work list begins with what is due now, so the count is complete unless such
    rows fill a page. With a filter by urgency, omit lists without urgency."""
    filters = {"of": visit.asked("of") or "organisation", "urgency": visit.asked("urgency")}
    cursor = visit.asked("cursor")
    first = not cursor and not filters["urgency"]
    asked = beside.sources(visit.visitor) if first else []
    has_cases = visit.visitor.may("referrals:read") and bool(_CASEWORK & visit.visitor.roles)
    calls = [visit.calls.get(source.path, **source.query(visit.visitor)) for source in asked]
    if has_cases:
        calls.append(visit.calls.get("/referrals/v1/work", cursor=cursor, **filters))
    answers = await all_of(calls)
    items: list[Any] = []
    away: list[str] = []
    cut: list[str] = []
    for source, answer in zip(asked, answers, strict=False):
        if answer.ok:
            items += beside.rows(source, answer, visit.visitor, visit.moments)
            if source.each and answer.body.get("next_cursor"):
                cut.append(source.part)
        elif answer.status != 403:
            away.append(source.part)
    more, now = None, sum(one["group"] in NOW for one in items)
    if has_cases:
        listed = answers[-1]
        if listed.status == 422:
            raise NotShown(listed)
        if not listed.ok and listed.status != 403:
            away.append("work")
        more = listed.body.get("next_cursor") if listed.ok else None
        now += await _now(visit, listed, filters, whole=not cursor and not more)
        items += listed.items
        late = list(beside.to_call(listed.body.get("to_call", ()))) if listed.ok else []
        items += late
        now += len(late)
    return Waiting(beside.in_order(items), more, now, away, list(dict.fromkeys(cut)), has_cases)


async def all_of(calls: Sequence[Awaitable[Answer]]) -> list[Answer]:
    """Run any number of calls in groups, because people with several roles need more lists than the concurrency limit
    allows."""
    found: list[Answer] = []
    for begin in range(0, len(calls), AT_ONCE):
        found += await together(*calls[begin : begin + AT_ONCE])
    return found


async def _now(visit: Visit, listed: Answer, filters: dict[str, str], *, whole: bool) -> int:
    items = listed.items
    due = sum(one["group"] in NOW for one in items)
    if whole or (not visit.asked("cursor") and due < len(items)):
        return due
    counted = await visit.calls.get("/referrals/v1/work/count", **filters)
    return int(counted.body["now"]) if counted.ok else due


async def task(visit: Visit) -> Any:
    """Return one task, found in a list because the API cannot return a single task."""
    sought = visit.ids["task_id"]
    listed = await found_in(visit.calls, "/referrals/v1/tasks", sought, done="false")
    return one_of(listed, sought)
