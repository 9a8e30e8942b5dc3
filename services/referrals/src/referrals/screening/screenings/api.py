"""HTTP routes of screening."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from common.auth import Principal, Role
from common.errors import INVALID
from common.http import IdempotencyRequired, Session, StepUp, requires, router
from common.paging import CursorText, Limit, Page, id_cursor, page_of
from fastapi import File, Response, UploadFile

from referrals.ground.dependencies import CaseReader, Keys, Supervisor, Writer
from referrals.ground.vocabulary.case_roles import CASE_ROLES
from referrals.referral.referrals.api import views as referral_views
from referrals.screening.screenings import conclusion, instruments, queries, service
from referrals.screening.screenings.answers import standing
from referrals.screening.screenings.content import Opened
from referrals.screening.screenings.models import Screening
from referrals.screening.screenings.schemas import (
    Attach,
    Conclude,
    ConclusionView,
    Drafts,
    ElementView,
    EraseScreening,
    IndicationView,
    InstrumentDetail,
    InstrumentSummary,
    MoreAnswers,
    NeedView,
    NewDrafts,
    NewScreening,
    Nothing,
    RuleView,
    ScreeningDetail,
    ScreeningState,
    ScreeningStatus,
    ScreeningSummary,
    StandingView,
    Stop,
    SummaryView,
    Upload,
)
from referrals.screening.screenings.suggestions import profile
from referrals.screening.screenings.summary import Indication, Summary
from referrals.screening.screenings.workbook_guard import MAX_BYTES

instruments_of = router("/referrals/v1/instruments", ["screening"])
screenings = router("/referrals/v1/screenings", ["screening"])

# Coordinators cannot write cases, but instruments are reference data, so read rights are enough.
InstrumentReader = Annotated[
    Principal, requires("referrals:read", roles=CASE_ROLES | {Role.COORDINATOR})
]
InstrumentKeeper = Annotated[
    Principal, requires("referrals:read", roles={Role.SUPERVISOR, Role.COORDINATOR})
]


@instruments_of.get("")
async def list_instruments(session: Session, caller: InstrumentReader) -> list[InstrumentSummary]:
    """List the shipped instrument, the shared ones and your own, each version separately."""
    return await instruments.listed(session, caller)


@instruments_of.get("/{instrument_id}")
async def read_instrument(
    instrument_id: UUID, session: Session, caller: InstrumentReader
) -> InstrumentDetail:
    """Return all questions in both languages, with their conditions and with what each answer indicates."""
    return await instruments.detail(session, caller, instrument_id)


@instruments_of.post("", status_code=201)
async def upload_instrument(
    session: Session,
    caller: InstrumentKeeper,
    file: Annotated[UploadFile, File(description="An XLSForm workbook (XLSX, at most 1 MiB).")],
    dry_run: bool = False,
) -> Upload:
    """Upload an XLSForm as a new version of an instrument. A refusal names the sheet, question or cell."""
    content = await file.read(MAX_BYTES + 1)
    if not content:
        raise INVALID.because("file_is_empty", pointer="/file")
    return await instruments.upload(session, caller, content, dry_run=dry_run)


@instruments_of.post("/{instrument_id}/retire")
async def retire_instrument(
    instrument_id: UUID, _body: Nothing, session: Session, caller: InstrumentKeeper
) -> InstrumentDetail:
    """Retire this version: no new screening may use it. Earlier screenings stay readable."""
    return await instruments.retire(session, caller, instrument_id)


@screenings.post("", status_code=201, dependencies=[IdempotencyRequired])
async def begin_screening(
    body: NewScreening, session: Session, caller: Writer, keys: Keys, response: Response
) -> ScreeningState:
    """Begin a screening with at least the answers on safety and consent. Answers are encrypted."""
    opened = await service.begin(session, caller, keys, body)
    response.headers["Location"] = f"/referrals/v1/screenings/{opened.screening.id}"
    return _state(opened)


@screenings.get("")
async def list_screenings(
    session: Session,
    caller: CaseReader,
    status: ScreeningStatus | None = None,
    case_id: UUID | None = None,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[ScreeningSummary]:
    """List your organisation's screenings in codes, newest first."""
    rows = await queries.own_screenings(
        session, caller, status=status, case_id=case_id, before=id_cursor(cursor), limit=limit
    )
    return page_of(rows, limit, _summary)


@screenings.get("/{screening_id}")
async def read_screening(
    screening_id: UUID, session: Session, caller: CaseReader, keys: Keys
) -> ScreeningDetail:
    """Return the decrypted answers to the organisation that held the screening. The reading is audited."""
    return _detail(await service.read(session, caller, keys, screening_id))


@screenings.post("/{screening_id}/answers")
async def answer_questions(
    screening_id: UUID, body: MoreAnswers, session: Session, caller: Writer, keys: Keys
) -> ScreeningState:
    """Add, change or remove answers; the response names the next question."""
    return _state(await service.answer(session, caller, keys, screening_id, body))


@screenings.post("/{screening_id}/stop")
async def stop_screening(
    screening_id: UUID, body: Stop, session: Session, caller: Writer, keys: Keys
) -> ScreeningSummary:
    """Stop the screening at any moment, without a reason. By default its answers are deleted."""
    return _summary(await service.stop(session, caller, keys, screening_id, body))


@screenings.post("/{screening_id}/conclude")
async def conclude_screening(
    screening_id: UUID, body: Conclude, session: Session, caller: Writer, keys: Keys
) -> ScreeningDetail:
    """Record the judgement of a certified screener, with its reasons."""
    return _detail(await conclusion.conclude(session, caller, keys, screening_id, body))


@screenings.post("/{screening_id}/case")
async def attach_to_case(
    screening_id: UUID, body: Attach, session: Session, caller: Writer, keys: Keys
) -> ScreeningSummary:
    """Attach the screening to a case. From then on it is sealed with the case's key and erased with it."""
    return _summary(await service.attach(session, caller, keys, screening_id, body.case_id))


@screenings.post("/{screening_id}/drafts", status_code=201, dependencies=[IdempotencyRequired])
async def draft_referrals(
    screening_id: UUID, body: NewDrafts, session: Session, caller: Writer, keys: Keys
) -> Drafts:
    """Make a plan by the pathway, and drafts of referrals, from a concluded screening."""
    plan, drafts = await conclusion.make_drafts(session, caller, keys, screening_id, body.choices)
    return Drafts(
        screening_id=screening_id,
        plan=plan,
        gaps=[need.need for need in plan if need.coverage == "gap"],
        drafts=await referral_views(session, drafts, caller),
    )


@screenings.post("/{screening_id}/erase", dependencies=[StepUp])
async def erase_screening(
    screening_id: UUID, body: EraseScreening, session: Session, caller: Supervisor, keys: Keys
) -> ScreeningSummary:
    """Destroy the key of a screening that belongs to no case."""
    screening = await queries.own_screening(session, caller, screening_id, lock=True)
    if body.confirm != str(screening.id):
        raise INVALID.because("repeat_id_to_confirm", pointer="/confirm")
    await service.erase(session, caller, keys, screening)
    return _summary(screening)


def _summary(screening: Screening) -> ScreeningSummary:
    return ScreeningSummary.model_validate(screening, from_attributes=True)


def _state(opened: Opened) -> ScreeningState:
    return ScreeningState(
        **_summary(opened.screening).model_dump(),
        standing=_standing(opened),
        summary=_shown(opened.summary),
        suggested_needs=[
            NeedView.model_validate(each, from_attributes=True)
            for each in conclusion.needs_of(opened)
        ],
    )


def _standing(opened: Opened) -> StandingView:
    found = standing(opened.instrument, opened.answers, opened.day)
    over = opened.screening.status != "open"
    return StandingView(
        next=None if over else found.next, open=list(found.open), required=list(found.required)
    )


def _detail(opened: Opened) -> ScreeningDetail:
    conclusion = opened.conclusion
    return ScreeningDetail(
        **_state(opened).model_dump(),
        answers=opened.answers,
        conclusion=ConclusionView(
            **{**conclusion, "concluded_at": datetime.fromisoformat(conclusion["concluded_at"])}
        )
        if conclusion
        else None,
        profile=profile(opened.instrument, opened.answers, opened.summary, opened.screening.area),
    )


def _shown(summary: Summary) -> SummaryView:
    return SummaryView(
        age_group=summary.age_group,
        elements=[
            ElementView(
                element=each.element,
                strength=each.strength,
                needed=each.needed,
                indications=_indications(each.indications),
                unanswered=list(each.unanswered),
            )
            for each in summary.elements
        ],
        context=_indications(summary.context),
        missing=list(summary.missing),
        rules=[RuleView.model_validate(each, from_attributes=True) for each in summary.rules],
        needs_review=summary.needs_review,
    )


def _indications(found: tuple[Indication, ...]) -> list[IndicationView]:
    return [IndicationView.model_validate(each, from_attributes=True) for each in found]
