"""Assistance use cases: plan help, give help, review, record the route, end the case."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.errors import CONFLICT, INVALID, VERSION_CONFLICT
from common.events.codes import ReportingAttributes
from common.events.referrals import AssistanceGiven
from common.ids import new_id
from common.messaging import append
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.case.cases import queries as cases
from referrals.case.cases.models import Case
from referrals.case.cases.person import open_with
from referrals.case.cases.service import coarse, key_of, refuse_unless_open
from referrals.case.consents.statistics import countable
from referrals.ground.audit.service import SYSTEM_CLIENT, record
from referrals.ground.keys.sealed_columns import open_column, seal_column
from referrals.ground.keys.store import CaseKeys
from referrals.ground.tasks.kinds import TaskKind
from referrals.ground.tasks.service import finish_tasks, open_task
from referrals.referral.referrals.queries import of_case as referrals_of
from referrals.screening.assistance import queries
from referrals.screening.assistance.models import Assistance, CaseReview, CaseRoute, PlanItem
from referrals.screening.assistance.schemas import (
    NewAssistance,
    NewPlanItem,
    NewReview,
    PlanChange,
    PlanEdit,
    ReviewDone,
    Route,
)
from referrals.tables import COMMON

_LONGEST_AGO = timedelta(days=10 * 365)
_LONGEST_AHEAD = timedelta(days=2 * 365)
_TRAFFICKING = "VOT"


async def own_open_case(session: AsyncSession, caller: Principal, case_id: UUID) -> Case:
    case = await cases.own_case(session, caller, case_id, lock=True)
    refuse_unless_open(case)
    return case


async def plan(
    session: AsyncSession, caller: Principal, keys: CaseKeys, case_id: UUID, body: NewPlanItem
) -> PlanItem:
    case = await own_open_case(session, caller, case_id)
    _check_planned_end(body.planned_end)
    item_id = new_id()
    item = PlanItem(
        id=item_id,
        case_id=case.id,
        organisation_id=caller.organisation,
        need=body.need,
        support_type=body.type,
        status="planned",
        pathway_id=body.pathway_id,
        step=body.step,
        planned_end=body.planned_end,
        objective=await _sealed(keys, caller, case, item_id, "objective", body.objective),
        version=1,
        created_at=clock.now(),
        created_by=caller.subject,
        changed_at=clock.now(),
    )
    session.add(item)
    await session.flush()
    detail = {"need": item.need, "support_type": item.support_type}
    await record(
        session, caller, "plan.need_added", chain=case.id, target_id=item.id, detail=detail
    )
    return item


async def edit_plan(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    case_id: UUID,
    item_id: UUID,
    body: PlanEdit,
) -> PlanItem:
    """Replace a need's objective and end; raise 409 if somebody changed the need after the caller read it."""
    case = await own_open_case(session, caller, case_id)
    item = await queries.one(session, PlanItem, case.id, item_id)
    if body.expected_version != item.version:
        raise VERSION_CONFLICT.because(
            "you_read_version_it_is_now", body.expected_version, item.version, version=item.version
        )
    if body.planned_end != item.planned_end:
        _check_planned_end(body.planned_end)
    item.organisation_id, item.planned_end = caller.organisation, body.planned_end
    item.objective = await _sealed(keys, caller, case, item.id, "objective", body.objective)
    item.version, item.changed_at = item.version + 1, clock.now()
    await session.flush()
    detail = {"need": item.need}
    await record(
        session, caller, "plan.need_changed", chain=case.id, target_id=item.id, detail=detail
    )
    return item


async def change_plan(
    session: AsyncSession, caller: Principal, case_id: UUID, item_id: UUID, body: PlanChange
) -> PlanItem:
    case = await own_open_case(session, caller, case_id)
    item = await queries.one(session, PlanItem, case.id, item_id)
    item.status, item.reason, item.changed_at = body.status, body.reason, clock.now()
    item.ended_on = clock.today() if body.status in ("met", "dropped") else None
    item.version += 1
    await session.flush()
    await record(
        session,
        caller,
        f"plan.need_{body.status}",
        chain=case.id,
        target_id=item.id,
        detail={"need": item.need},
    )
    return item


async def give(
    session: AsyncSession, caller: Principal, keys: CaseKeys, case_id: UUID, body: NewAssistance
) -> Assistance:
    """Record help given. It counts only under a reporting consent, and as trafficking assistance only in a trafficking
    case."""
    case = await own_open_case(session, caller, case_id)
    _check_past(body.given_on, "/given_on")
    if body.plan_item_id is not None:
        item = await queries.one(session, PlanItem, case.id, body.plan_item_id)
        if item.status == "planned":
            item.status, item.changed_at = "in_progress", clock.now()
            item.version += 1
    if body.referral_id is not None and body.referral_id not in {
        referral.id for referral in await referrals_of(session, case.id)
    }:
        raise INVALID.because("is_not_referral_of_this_case", pointer="/referral_id")
    given_id = new_id()
    given = Assistance(
        id=given_id,
        case_id=case.id,
        organisation_id=caller.organisation,
        plan_item_id=body.plan_item_id,
        referral_id=body.referral_id,
        support_type=body.support_type,
        given_on=body.given_on,
        provider_organisation=body.provider_organisation or caller.organisation,
        amount_band=body.amount_band,
        modality=body.modality,
        note=await _sealed(keys, caller, case, given_id, "note", body.note),
        version=1,
        created_at=clock.now(),
        created_by=caller.subject,
    )
    session.add(given)
    await session.flush()
    await _tell(session, case, given, await _countable(session, keys, case))
    detail = {"support_type": given.support_type, "amount_band": given.amount_band}
    await record(
        session, caller, "assistance.given", chain=case.id, target_id=given.id, detail=detail
    )
    return given


async def take_back(
    session: AsyncSession, caller: Principal, case_id: UUID, given_id: UUID
) -> Assistance:
    """Mark help as entered in error; it remains in the record but no longer counts."""
    case = await cases.own_case(session, caller, case_id, lock=True)
    given = await queries.one(session, Assistance, case.id, given_id)
    if given.entered_in_error_at is not None:
        raise CONFLICT.because("is_marked_already")
    given.entered_in_error_at = clock.now()
    given.version += 1
    await session.flush()
    await _tell(session, case, given, None)
    await record(session, caller, "assistance.entered_in_error", chain=case.id, target_id=given.id)
    return given


async def _tell(
    session: AsyncSession, case: Case, given: Assistance, attributes: ReportingAttributes | None
) -> None:
    await append(
        session,
        COMMON,
        AssistanceGiven(
            assistance_id=given.id,
            case_id=case.id,
            version=given.version,
            organisation_id=given.organisation_id,
            type=given.support_type,
            area=coarse(case.area),
            date=given.given_on,
            attributes=attributes,
        ),
    )


async def _countable(
    session: AsyncSession, keys: CaseKeys, case: Case
) -> ReportingAttributes | None:
    """Return the codes to count. There are none without consent or outside a trafficking case."""
    known = await countable(session, keys, case.id)
    if known is None:
        return None
    key = await key_of(keys, case.id)
    _identity, attributes = open_with(key, case)
    is_trafficking = bool(attributes.get("exploitation_types")) or _TRAFFICKING in (
        attributes.get("populations") or []
    )
    if not is_trafficking:
        return None
    route = await session.get(CaseRoute, case.id)
    if route is None or not route.statistics:
        return known
    areas = opened_route(key, route)
    return known.model_copy(
        update={
            "origin": coarse(areas.origin),
            "transit": tuple(dict.fromkeys(coarse(a) or a for a in areas.transit)),
            "destination": coarse(areas.destination),
        }
    )


async def schedule_review(
    session: AsyncSession, caller: Principal, case_id: UUID, body: NewReview
) -> CaseReview:
    """Plan a review. A case has at most one open review, which is also in the task list."""
    case = await own_open_case(session, caller, case_id)
    if await queries.open_review(session, case.id) is not None:
        raise CONFLICT.because("review_is_planned_already_finish_it_first")
    return await _new_review(session, caller, case, body.due_on, "/due_on")


async def _new_review(
    session: AsyncSession, caller: Principal, case: Case, due_on: date, pointer: str
) -> CaseReview:
    today = clock.today()
    if not today <= due_on <= today + _LONGEST_AHEAD:
        raise INVALID.because("from_today_to_two_years_ahead", pointer=pointer)
    review = CaseReview(
        id=new_id(),
        case_id=case.id,
        organisation_id=caller.organisation,
        due_on=due_on,
        created_at=clock.now(),
        created_by=caller.subject,
    )
    session.add(review)
    await session.flush()
    await open_task(
        session, caller.organisation, TaskKind.CASE_REVIEW, case_id=case.id, due_on=due_on
    )
    await record(
        session,
        caller,
        "review.planned",
        chain=case.id,
        target_id=review.id,
        detail={"due_on": due_on.isoformat()},
    )
    return review


async def finish_review(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    case_id: UUID,
    review_id: UUID,
    body: ReviewDone,
) -> CaseReview:
    case = await own_open_case(session, caller, case_id)
    review = await queries.one(session, CaseReview, case.id, review_id)
    if review.done_on is not None:
        raise CONFLICT.because("this_has_been_done_already")
    review.note = await _sealed(keys, caller, case, review.id, "note", body.note)
    review.done_on, review.done_by = clock.today(), caller.subject
    review.outcome = body.outcome
    await session.flush()
    await finish_tasks(session, caller, case.id, TaskKind.CASE_REVIEW)
    await record(
        session,
        caller,
        "review.done",
        chain=case.id,
        target_id=review.id,
        detail={"outcome": body.outcome},
    )
    if body.next_due_on is not None:
        await _new_review(session, caller, case, body.next_due_on, "/next_due_on")
    return review


async def set_route(
    session: AsyncSession, caller: Principal, keys: CaseKeys, case_id: UUID, body: Route
) -> CaseRoute:
    """Store the person's journey; its areas are sealed like the rest of the record."""
    case = await own_open_case(session, caller, case_id)
    route = await session.get(CaseRoute, case.id)
    values = body.model_dump(mode="json", exclude={"statistics"})
    sealed = seal_column(
        await key_of(keys, case.id), values, organisation=caller.organisation, row=case.id,
        column="route",
    )  # fmt: skip
    if route is None:
        route = CaseRoute(
            case_id=case.id, organisation_id=caller.organisation, sealed=sealed,
            statistics=body.statistics, recorded_at=clock.now(), recorded_by=caller.subject,
        )  # fmt: skip
        session.add(route)
    route.organisation_id, route.sealed, route.statistics = (
        caller.organisation, sealed, body.statistics,
    )  # fmt: skip
    route.recorded_at, route.recorded_by = clock.now(), caller.subject
    await session.flush()
    await record(
        session, caller, "route.recorded", chain=case.id, detail={"statistics": body.statistics}
    )
    return route


async def read_route(
    session: AsyncSession, caller: Principal, keys: CaseKeys, case_id: UUID
) -> Route | None:
    case = await cases.own_case(session, caller, case_id)
    route = await session.get(CaseRoute, case.id)
    if route is None:
        return None
    opened = opened_route(await key_of(keys, case.id), route)
    await record(session, caller, "route.read", chain=case.id)
    return opened


def opened_route(key: bytes, route: CaseRoute) -> Route:
    values = open_column(
        key, route.sealed, organisation=route.organisation_id, row=route.case_id, column="route"
    )
    return Route.model_validate({**values, "statistics": route.statistics})


async def end_with_case(session: AsyncSession, caller: Principal | None, case_id: UUID) -> None:
    """Mark a closed case's planned help as dropped, and end its reviews."""
    today = clock.today()
    await session.execute(
        sa.update(PlanItem)
        .where(
            col(PlanItem.case_id) == case_id, col(PlanItem.status).in_(("planned", "in_progress"))
        )
        .values(status="dropped", reason="case_closed", ended_on=today, changed_at=clock.now())
    )
    await session.execute(
        sa.update(CaseReview)
        .where(col(CaseReview.case_id) == case_id, col(CaseReview.done_on).is_(None))
        .values(
            done_on=today,
            outcome="case_closed",
            done_by=caller.subject if caller else SYSTEM_CLIENT,
        )
    )


_WORDS: dict[type, tuple[str, str]] = {
    PlanItem: ("plan.read", "objective"),
    Assistance: ("assistance.read", "note"),
    CaseReview: ("review.read", "note"),
}
"""What the audit calls reading the texts of a table, and their column."""


async def opened(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    case: Case,
    rows: Sequence[PlanItem] | Sequence[Assistance] | Sequence[CaseReview],
) -> list[str | None]:
    """Decrypt the text of each row; audit the access if there are any texts."""
    action, column = _WORDS[type(rows[0])] if rows else ("", "")
    sealed = [(row, getattr(row, column)) for row in rows]
    if not any(text for _, text in sealed):
        return [None for _ in rows]
    key = (await keys.of_many([case.id])).get(case.id)
    await record(session, caller, action, chain=case.id)
    return [
        None
        if text is None or key is None
        else str(
            open_column(key, text, organisation=row.organisation_id, row=row.id, column=column)
        )
        for row, text in sealed
    ]


async def _sealed(
    keys: CaseKeys, caller: Principal, case: Case, row: UUID, column: str, text: str | None
) -> bytes | None:
    if text is None:
        return None
    key = await key_of(keys, case.id)
    return seal_column(key, text, organisation=caller.organisation, row=row, column=column)


def _check_planned_end(day: date | None) -> None:
    today = clock.today()
    if day is not None and not today <= day <= today + _LONGEST_AHEAD:
        raise INVALID.because("from_today_to_two_years_ahead", pointer="/planned_end")


def _check_past(day: date, pointer: str) -> None:
    today = clock.today()
    if not today - _LONGEST_AGO <= day <= today:
        raise INVALID.because("not_in_future_and_not_more", pointer=pointer)
