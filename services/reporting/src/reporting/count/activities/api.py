"""Routes for activities (5W), their workbook, the allow-list and the work plan."""

import asyncio
from datetime import timedelta
from operator import attrgetter
from typing import Annotated, Any
from uuid import UUID

from common import clock
from common.auth import Principal, Role
from common.errors import INVALID, NOT_FOUND, PROBLEMS, Problem
from common.http import Session, answered_as, requires, router
from common.ids import new_id
from common.paging import CursorText, Limit, Page, day_in, id_in, keys_in, page_of
from common.words.languages import PageLanguage
from common.words.places import Places
from fastapi import Path, Query, Response, UploadFile

from reporting.count.activities import codes, queries, service
from reporting.count.activities.activity import FIELDS, Activity
from reporting.count.activities.indicators import ALLOWED, BY_CODE, total
from reporting.count.activities.mapping import Mapping
from reporting.count.activities.proposal import proposed
from reporting.count.activities.schemas import (
    ActivityBody,
    ActivityView,
    ColumnBody,
    Day,
    FieldView,
    ImportReport,
    IndicatorValue,
    IndicatorView,
    MappingBody,
    MappingView,
    ProgressView,
    ProposedMapping,
    RowProblem,
    TargetBody,
    TargetView,
    Unreported,
)
from reporting.count.activities.template import template
from reporting.count.activities.work_plan import Target, progress
from reporting.count.activities.workbook import UnreadableWorkbookError
from reporting.ground.periods import months_before
from reporting.ground.rights import PREPARING, PUBLISHING

BAD_ROWS = PROBLEMS["bad_rows"]
UNREADABLE = PROBLEMS["unreadable_workbook"]


routes = router("/reports/v1/activities", ["activities"])

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_FILE = 8_000_000

Reader = Annotated[Principal, requires(scope="reports:read")]
Reporter = Annotated[
    Principal, requires(scope="reports:read", roles={Role.PARTNER, Role.SUPERVISOR, Role.IM})
]
Follower = Annotated[Principal, requires(*PREPARING)]
Planner = Annotated[Principal, requires(*PUBLISHING)]
ActivityId = Annotated[UUID, Path(description="The id of an activity.")]
Area = Annotated[str | None, Query(max_length=20, description="P-code", examples=["VE23"])]
Language = Annotated[PageLanguage, Query(description="Language of the labels.")]
From = Annotated[Day | None, Query(alias="from", description="First start date, inclusive.")]
To = Annotated[Day | None, Query(alias="to", description="Last start date, inclusive.")]


@routes.get("")
async def list_activities(
    *,
    caller: Reader,
    session: Session,
    first: From = None,
    last: To = None,
    area: Area = None,
    own: Annotated[bool, Query(description="Only those of your organisation.")] = False,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[ActivityView]:
    """List activities by start date: yours as reported, others without protected values."""
    found = await queries.visible(
        session,
        caller,
        start=first,
        end=last,
        area=_known_area(area),
        own=own,
        after=keys_in(cursor, day_in, id_in),
        limit=limit + 1,
    )
    return page_of(found, limit, _view, attrgetter("start", "id"))


@routes.post("", status_code=201)
async def record_activity(caller: Reporter, session: Session, body: ActivityBody) -> ActivityView:
    """Record one activity of your organisation."""
    return _view(await service.record(session, caller, body.model_dump()))


@routes.get("/template", **answered_as(XLSX))
async def workbook_template(
    *,
    _caller: Reader,
    language: Language = "es",
    country: Annotated[str | None, Query(pattern="^[A-Z]{3}$", examples=["VEN"])] = None,
) -> Response:
    """Return an empty workbook (XLSX) with drop-down lists; `/imports` reads it back."""
    content = template(language, Places.load(), country)
    return Response(content, media_type=XLSX, headers=_download(f"5w-{language}.xlsx"))


@routes.post(
    "/imports",
    status_code=201,
    responses={422: {"description": "The problems by row and column; nothing was written."}},
)
async def import_workbook(
    *,
    response: Response,
    caller: Reporter,
    session: Session,
    file: UploadFile,
    dry_run: Annotated[bool, Query(description="Check only; write nothing.")] = False,
) -> ImportReport:
    """Record all rows of a filled workbook (XLSX or CSV), or none if one has a problem."""
    content = await _content(file)
    name = file.filename or "workbook"
    try:
        done = await service.import_file(session, caller, name, content, dry_run=dry_run)
    except UnreadableWorkbookError as error:
        raise _unreadable(error) from None
    if done.flaws:
        raise BAD_ROWS.because(
            "problems_in_rows_nothing_was_written",
            len(done.flaws),
            done.rows,
            rows=done.rows,
            problems=[
                RowProblem(
                    row=each.row, column=each.flaw.field, code=each.flaw.code, message=each.message
                ).model_dump()
                for each in done.flaws
            ],
        )
    if dry_run:
        response.status_code = 200
    return ImportReport(
        import_id=done.import_id,
        rows=done.rows,
        created=done.outcomes["created"],
        changed=done.outcomes["changed"],
        unchanged=done.outcomes["unchanged"],
        problems=[],
    )


@routes.post("/mappings")
async def propose_mapping(caller: Reporter, session: Session, file: UploadFile) -> ProposedMapping:
    """Propose how to read a 5W file of another layout, such as the one that a response publishes. Stores nothing."""
    content = await _content(file)
    try:
        found = await asyncio.to_thread(proposed, content, Places.load())
    except UnreadableWorkbookError as error:
        raise _unreadable(error) from None
    known = await queries.mapping(session, caller.organisation, found.layout)
    if known:
        found = await asyncio.to_thread(proposed, content, Places.load(), known)
    return ProposedMapping(
        **_mapping(found.layout, found.mapping).model_dump(),
        unknown=found.unknown,
        missing=list(found.missing),
        confirmed=known is not None,
        fields=[
            FieldView(field=each.key, label=dict(each.label), required=each.required)
            for each in codes.columns()
        ],
    )


@routes.put("/mappings/{layout}")
async def confirm_mapping(
    caller: Reporter,
    session: Session,
    layout: Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="From the proposal.")],
    body: MappingBody,
) -> MappingView:
    """Confirm how your organisation reads files of a layout; `/imports` then takes them like the template."""
    columns = tuple((column.name, column.field) for column in body.columns)
    wanted = Mapping(columns, body.words, body.fixed)
    return _mapping(layout, await service.confirm(session, caller, layout, wanted))


@routes.get("/indicators")
async def list_indicators(_caller: Reader) -> list[IndicatorView]:
    """List the allow-list: the only numbers that may be published exactly."""
    return [
        IndicatorView(code=i.code, activity_type=i.type, measure=i.measure, label=i.label)
        for i in ALLOWED
    ]


@routes.get("/indicators/{code}")
async def indicator_value(
    *,
    _caller: Reader,
    session: Session,
    code: str,
    first: Annotated[Day, Query(alias="from")],
    last: Annotated[Day, Query(alias="to")],
    area: Area = None,
) -> IndicatorValue:
    """Return the exact value of an allow-listed indicator over the activities that start in the range."""
    if code not in BY_CODE:
        raise NOT_FOUND.because("no_such_indicator_is_on_allow_list", allowed=list(BY_CODE))
    if last < first:
        raise INVALID.because("end_is_before_start", pointer="/to")
    found = await queries.countable(session, start=first, end=last)
    value = total(
        found,
        BY_CODE[code],
        start=first,
        end=last,
        area=_known_area(area),
        places=Places.load(),
    )
    return IndicatorValue(indicator=code, area=area, start=first, end=last, value=value)


@routes.get("/targets")
async def list_targets(
    *, _caller: Reader, session: Session, plan: Annotated[str | None, Query(max_length=60)] = None
) -> list[TargetView]:
    """List the work plan's targets."""
    return [_target(each) for each in await queries.targets(session, plan)]


@routes.put("/targets")
async def set_target(caller: Planner, session: Session, body: TargetBody) -> TargetView:
    """Set the target of a plan for an indicator and area. Needs the role im."""
    wanted = Target(
        new_id(), body.plan, body.indicator, body.area, body.start, body.end, body.target
    )
    return _target(await service.set_target(session, caller, wanted))


@routes.get("/progress")
async def read_progress(
    *,
    _caller: Reader,
    session: Session,
    plan: Annotated[str | None, Query(max_length=60)] = None,
    until: Annotated[Day | None, Query(description="Today if absent.")] = None,
) -> list[ProgressView]:
    """Return how far the activities up to a day meet each target."""
    day = until or clock.today()
    found = await queries.countable(session, end=day)
    reached = [
        progress(each, found, until=day, places=Places.load())
        for each in await queries.targets(session, plan)
    ]
    return [
        ProgressView(target=_target(p.target), until=p.until, done=p.done, share=p.share)
        for p in reached
    ]


@routes.get("/unreported")
async def list_unreported(
    *,
    _caller: Follower,
    session: Session,
    month: Annotated[
        Day | None,
        Query(description="A day of the month; the last month that has ended if absent."),
    ] = None,
) -> list[Unreported]:
    """List organisations that reported in the six months before and have no activity in this month."""
    ended = clock.today().replace(day=1) - timedelta(days=1)
    first = (month or ended).replace(day=1)
    since = months_before(first, 6)
    found = await queries.unreported(session, first, since)
    return [Unreported(organisation_id=each, last_month=last) for each, last in found.items()]


@routes.get("/{activity_id}")
async def read_activity(caller: Reader, session: Session, activity_id: ActivityId) -> ActivityView:
    """Return one activity, as you may see it."""
    found = await queries.visible(session, caller, activity_id=activity_id)
    if not found:
        raise NOT_FOUND.because("no_such_activity")
    return _view(found[0])


@routes.put("/{activity_id}")
async def correct_activity(
    caller: Reporter, session: Session, activity_id: ActivityId, body: ActivityBody
) -> ActivityView:
    """Correct an activity of your organisation; published bulletins stay as they are."""
    return _view(await service.correct(session, caller, activity_id, body.model_dump()))


@routes.delete("/{activity_id}", status_code=204)
async def withdraw_activity(caller: Reporter, session: Session, activity_id: ActivityId) -> None:
    """Withdraw an activity of your organisation, so that it no longer counts."""
    await service.withdraw(session, caller, activity_id)


async def _content(file: UploadFile) -> bytes:
    content = await file.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise UNREADABLE.because("file_has_more_than_bytes", MAX_FILE, pointer="/file")
    return content


def _unreadable(error: UnreadableWorkbookError) -> Problem:
    return UNREADABLE.saying(error.message["en"], pointer="/file", message=error.message)


def _mapping(layout: str, found: Mapping) -> MappingView:
    return MappingView(
        layout=layout,
        columns=[ColumnBody(name=name, field=field) for name, field in found.columns],
        words={field: dict(words) for field, words in found.words.items()},
        fixed=dict(found.fixed),
    )


def _download(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _view(activity: Activity) -> ActivityView:
    values: dict[str, Any] = {field: getattr(activity, field) for field in FIELDS}
    return ActivityView.model_construct(
        **values,
        id=activity.id,
        organisation_id=activity.organisation_id,
        version=activity.version,
        changed_at=activity.changed_at,
        masked=activity.masked,
    )


def _target(target: Target) -> TargetView:
    return TargetView.model_validate(target, from_attributes=True)


def _known_area(area: str | None) -> str | None:
    if area is not None and not Places.load().is_known(area):
        raise INVALID.because("this_p_code_is_not_known", pointer="/area")
    return area
