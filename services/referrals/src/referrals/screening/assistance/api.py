"""HTTP routes for assistance: case plan, help given, reviews, route, timeline, lists."""

from datetime import date
from operator import attrgetter
from typing import Annotated, Any
from uuid import UUID

from common import clock
from common.auth import Principal, Role
from common.errors import NOT_FOUND
from common.http import IdempotencyRequired, Session, requires, router
from common.paging import (
    CursorText,
    Limit,
    Page,
    day_in,
    encode_cursor,
    id_cursor,
    id_in,
    keys_in,
    number_in,
    page_of,
)
from common.words.codelists import categories
from fastapi import Query

from referrals.case.cases import queries as cases
from referrals.case.cases import service as case_service
from referrals.case.entries import queries as entry_queries
from referrals.case.entries.api import views
from referrals.ground.audit.models import AuditEntry
from referrals.ground.audit.queries import acts_in, latest_acts
from referrals.ground.dependencies import CaseReader, Keys, Reader, Writer
from referrals.screening.assistance import htcds_service, queries, service
from referrals.screening.assistance.codes import codes
from referrals.screening.assistance.models import Assistance, CaseReview, PlanItem
from referrals.screening.assistance.profiles import profile
from referrals.screening.assistance.schemas import (
    AssistanceView,
    CaseProfile,
    NewAssistance,
    NewPlanItem,
    NewReview,
    Overview,
    PlanChange,
    PlanEdit,
    PlanItemView,
    ReviewDone,
    ReviewView,
    Route,
    Suggestion,
    SupervisionRow,
    TimelineEntry,
)

of_case = router("/referrals/v1/cases/{case_id}", ["assistance"])
assistance = router("/referrals/v1/assistance", ["assistance"])
SupervisorReader = Annotated[Principal, requires("referrals:read", roles={Role.SUPERVISOR})]


@of_case.get("/plan")
async def read_plan(
    case_id: UUID, session: Session, caller: CaseReader, keys: Keys
) -> list[PlanItemView]:
    """Return the needs of the case and the result for each."""
    case = await cases.own_case(session, caller, case_id)
    items = await queries.of_case(session, PlanItem, case.id)
    counts = await queries.assistance_counts(session, case.id)
    objectives = await service.opened(session, caller, keys, case, items)
    return [
        _item(item, objective, counts.get(item.id, 0))
        for item, objective in zip(items, objectives, strict=True)
    ]


@of_case.get("/plan/suggestions")
async def suggest_needs(
    case_id: UUID,
    session: Session,
    caller: CaseReader,
    aor: Annotated[str | None, Query(max_length=10)] = None,
) -> list[Suggestion]:
    """List needs that published pathways of the case's area foresee and the plan lacks."""
    case = await cases.own_case(session, caller, case_id)
    return [
        Suggestion(
            pathway_id=pathway,
            aor=of,
            step=step,
            need=need,
            support_type=known.support_type if (known := categories().get(need)) else "SocialCare",
        )
        for pathway, of, step, need in await queries.suggestions(session, case, aor)
    ]


@of_case.get("/profile", response_model_exclude_none=True)
async def read_profile(
    case_id: UUID, session: Session, caller: CaseReader, keys: Keys
) -> CaseProfile:
    """Return the facts about the person that pathways use, from the record. The reading is audited."""
    case, identity, attributes = await case_service.read(session, caller, keys, case_id)
    open_items = [
        item.need
        for item in await queries.of_case(session, PlanItem, case.id)
        if item.status in ("planned", "in_progress")
    ]
    return CaseProfile(
        **profile(
            area=case.area,
            identity=identity,
            attributes=attributes,
            needs=open_items,
            today=clock.today(),
        )
    )


@of_case.post("/plan", status_code=201, dependencies=[IdempotencyRequired])
async def add_need(
    case_id: UUID, body: NewPlanItem, session: Session, caller: Writer, keys: Keys
) -> PlanItemView:
    """Add a need to the plan of the case. It shares nothing."""
    return _item(await service.plan(session, caller, keys, case_id, body), body.objective)


@of_case.put("/plan/{item_id}")
async def edit_need(
    *, case_id: UUID, item_id: UUID, body: PlanEdit, session: Session, caller: Writer, keys: Keys
) -> PlanItemView:
    """Replace the plan for a need. 409 `version_conflict` if a colleague changed it after you read it."""
    item = await service.edit_plan(session, caller, keys, case_id, item_id, body)
    return _item(item, body.objective)


@of_case.post("/plan/{item_id}/status")
async def change_need(
    case_id: UUID, item_id: UUID, body: PlanChange, session: Session, caller: Writer
) -> PlanItemView:
    """Change the state of one planned need."""
    return _item(await service.change_plan(session, caller, case_id, item_id, body), None)


@of_case.get("/assistance")
async def list_assistance(
    case_id: UUID, session: Session, caller: CaseReader, keys: Keys
) -> list[AssistanceView]:
    """List all assistance, including entries that are marked as errors."""
    case = await cases.own_case(session, caller, case_id)
    rows = await queries.of_case(session, Assistance, case.id)
    notes = await service.opened(session, caller, keys, case, rows)
    return [_given(row, note) for row, note in zip(rows, notes, strict=True)]


@of_case.post("/assistance", status_code=201, dependencies=[IdempotencyRequired])
async def give_assistance(
    case_id: UUID, body: NewAssistance, session: Session, caller: Writer, keys: Keys
) -> AssistanceView:
    """Record assistance: HTCDS support type, day, provider; money as a band only."""
    return _given(await service.give(session, caller, keys, case_id, body), body.note)


@of_case.post("/assistance/{assistance_id}/entered-in-error")
async def take_back_assistance(
    case_id: UUID, assistance_id: UUID, session: Session, caller: Writer
) -> AssistanceView:
    """Mark the assistance as entered in error. It no longer counts, but stays in the record."""
    return _given(await service.take_back(session, caller, case_id, assistance_id), None)


@of_case.get("/reviews")
async def list_reviews(
    case_id: UUID, session: Session, caller: CaseReader, keys: Keys
) -> list[ReviewView]:
    """The supervisors' reviews of the case."""
    case = await cases.own_case(session, caller, case_id)
    rows = await queries.of_case(session, CaseReview, case.id)
    notes = await service.opened(session, caller, keys, case, rows)
    return [_review(row, note) for row, note in zip(rows, notes, strict=True)]


@of_case.post("/reviews", status_code=201, dependencies=[IdempotencyRequired])
async def plan_review(
    case_id: UUID, body: NewReview, session: Session, caller: Writer
) -> ReviewView:
    """Plan the next review. It is a task until it is done."""
    return _review(await service.schedule_review(session, caller, case_id, body), None)


@of_case.post("/reviews/{review_id}/done")
async def finish_review(
    *,
    case_id: UUID,
    review_id: UUID,
    body: ReviewDone,
    session: Session,
    caller: Writer,
    keys: Keys,
) -> ReviewView:
    """Record the result of the review; `next_due_on` also plans the next one."""
    done = await service.finish_review(session, caller, keys, case_id, review_id, body)
    return _review(done, body.note)


@of_case.put("/route")
async def set_route(
    case_id: UUID, body: Route, session: Session, caller: Writer, keys: Keys
) -> Route:
    """Set the person's journey by areas. It is counted only if the person consents to that too."""
    await service.set_route(session, caller, keys, case_id, body)
    return body


@of_case.get("/route")
async def read_route(case_id: UUID, session: Session, caller: CaseReader, keys: Keys) -> Route:
    """The person's trafficking route, as recorded. Each reading is audited."""
    route = await service.read_route(session, caller, keys, case_id)
    if route is None:
        raise NOT_FOUND.because("no_route_is_recorded_for_this_case")
    return route


@of_case.get("/timeline")
async def read_timeline(
    case_id: UUID,
    session: Session,
    caller: CaseReader,
    cursor: CursorText = None,
    limit: Limit = 100,
) -> Page[TimelineEntry]:
    """List the acts in the case, oldest first: codes and ids, from the audit."""
    case = await cases.own_case(session, caller, case_id)
    after = keys_in(cursor, number_in)
    rows = await acts_in(session, case.id, caller.organisation, after and after[0], limit)
    return page_of(rows, limit, _act, attrgetter("sequence"))


@of_case.get("/overview")
async def read_overview(
    case_id: UUID, session: Session, caller: CaseReader, keys: Keys, limit: Limit = 30
) -> Overview:
    """Return the risk, the plan, the latest 4 entries and the latest `limit` acts, for one page."""
    case = await cases.own_case(session, caller, case_id)
    latest = (await entry_queries.of_case(session, caller, case.id, limit=4))[:4]
    risks = (await entry_queries.of_case(session, caller, case.id, kind="risk", limit=1))[:1]
    # Read once, so that the audit record shows one read.
    shown = await views(session, caller, keys, case, [*latest, *risks])
    return Overview(
        risk=next((one for one in shown[len(latest) :] if one.content), None),
        plan=await read_plan(case_id, session, caller, keys),
        entries=shown[: len(latest)],
        timeline=[
            _act(entry) for entry in await latest_acts(session, case.id, caller.organisation, limit)
        ],
    )


@assistance.get("/codes")
async def read_codes(_caller: Reader) -> dict[str, dict[str, dict[str, str]]]:
    """Return the code lists of assistance with labels in both languages."""
    return {
        name: {code: dict(labels) for code, labels in codes(name).items()}
        for name in ("support_type", "amount_band", "route_mode")
    }


@assistance.get("/reviews")
async def list_due_reviews(
    session: Session,
    caller: CaseReader,
    by: date | None = None,
    cursor: CursorText = None,
    limit: Limit = 100,
) -> Page[ReviewView]:
    """List reviews of your organisation that are due by then (default: today), oldest first."""
    after = keys_in(cursor, day_in, id_in)
    rows = await queries.reviews_due(session, caller, by or clock.today(), after, limit)
    return page_of(rows, limit, lambda row: _review(row, None), attrgetter("due_on", "id"))


@assistance.get("/supervision")
async def supervise(
    session: Session, caller: SupervisorReader, cursor: CursorText = None, limit: Limit = 100
) -> Page[SupervisionRow]:
    """List open cases that need a supervisor's look, with the reasons."""
    rows = await queries.supervision(session, caller, id_cursor(cursor), limit)
    return page_of(
        rows,
        limit,
        lambda row: SupervisionRow(case_id=row.id, reference=row.reference, reasons=row.reasons),
    )


@assistance.get("/htcds")
async def export_htcds(
    session: Session, caller: CaseReader, keys: Keys, cursor: CursorText = None, limit: Limit = 100
) -> Page[dict[str, Any]]:
    """Export your cases as HTCDS 2.0 records: only people who agreed to statistics, codes, no identity."""
    records, last = await htcds_service.export(session, caller, keys, id_cursor(cursor), limit)
    return Page(items=records, next_cursor=encode_cursor(last) if last else None)


def _act(entry: AuditEntry) -> TimelineEntry:
    return TimelineEntry(**entry.model_dump(), by=entry.client)


def _item(item: PlanItem, objective: str | None, count: int = 0) -> PlanItemView:
    shown = {**item.model_dump(), "objective": objective, "assistance_count": count}
    return PlanItemView.model_validate(shown)


def _given(row: Assistance, note: str | None) -> AssistanceView:
    return AssistanceView.model_validate({**row.model_dump(), "note": note})


def _review(row: CaseReview, note: str | None) -> ReviewView:
    return ReviewView.model_validate({**row.model_dump(), "note": note})
