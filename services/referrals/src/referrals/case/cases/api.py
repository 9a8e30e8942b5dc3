"""HTTP routes of cases."""

from datetime import timedelta
from uuid import UUID

from common import clock
from common.errors import INVALID
from common.http import IdempotencyRequired, Reading, Session, StepUp, router
from common.paging import CursorText, Limit, Page, day_in, id_cursor, id_in, keys_in, page_of
from fastapi import Query, Response

from referrals.case.cases import ending_service, person, queries, service
from referrals.case.cases.models import Case
from referrals.case.cases.schemas import (
    Assignment,
    CaseChange,
    CaseDetail,
    CaseSearch,
    CaseSummary,
    Closure,
    Erasure,
    ImplicatedOrganisations,
    NewCase,
    OpenCases,
    Reopening,
    RetentionRow,
)
from referrals.ground.dependencies import (
    Blind,
    CaseReader,
    Keys,
    ServiceSettingsOf,
    Supervisor,
    Writer,
)

cases = router("/referrals/v1/cases", ["cases"])


@cases.post("", status_code=201, dependencies=[IdempotencyRequired])
async def register_case(
    body: NewCase, session: Session, caller: Writer, keys: Keys, blind: Blind, response: Response
) -> CaseSummary:
    """Register a person as a case. The identity is encrypted with the case's own key."""
    case = await service.register(session, caller, keys, blind, body)
    response.headers["Location"] = f"/referrals/v1/cases/{case.id}"
    return _summary(case)


@cases.post("/search", dependencies=[Reading])
async def search_cases(
    *,
    body: CaseSearch,
    session: Session,
    caller: CaseReader,
    blind: Blind,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[CaseSummary]:
    """Find your organisation's cases by name, document or own reference, with a blind index; newest first."""
    found = await service.search(
        session, caller, blind, body, before=id_cursor(cursor), limit=limit
    )
    return page_of(found, limit, _summary)


@cases.get("/retention")
async def retention_report(
    session: Session,
    caller: CaseReader,
    within_days: int = Query(0, ge=0, le=3660),
    cursor: CursorText = None,
    limit: Limit = 100,
) -> Page[RetentionRow]:
    """List closed cases that will be erased by that day, the next one first."""
    day, after = clock.today() + timedelta(days=within_days), keys_in(cursor, day_in, id_in)
    rows = await queries.due_for_erasure(session, caller, day, after, limit)
    return page_of(rows, limit, _ending, lambda case: (case.retain_until, case.id))


@cases.get("/load")
async def count_open_cases(session: Session, caller: CaseReader) -> list[OpenCases]:
    """Count your organisation's open cases by the person responsible for them."""
    found = await queries.open_by_person(session, caller)
    return [OpenCases(person=person, open=count) for person, count in found.items()]


@cases.get("/{case_id}")
async def read_case(case_id: UUID, session: Session, caller: CaseReader, keys: Keys) -> CaseDetail:
    """Return the decrypted case to the organisation that holds it. The reading is audited."""
    case, identity, attributes = await service.read(session, caller, keys, case_id)
    return CaseDetail(
        **_summary(case).model_dump(),
        identity=service.shown_identity(identity),
        attributes=service.shown_attributes(attributes),
        age=person.age_of(identity, clock.today()),
        implicated_organisations=sorted(await queries.implicated(session, case.id)),
    )


@cases.patch("/{case_id}")
async def change_case(
    case_id: UUID, body: CaseChange, session: Session, caller: Writer, keys: Keys, blind: Blind
) -> CaseSummary:
    """Change only the members that you send."""
    return _summary(await service.change(session, caller, keys, blind, case_id, body))


@cases.post("/{case_id}/assign")
async def assign_case(
    case_id: UUID, body: Assignment, session: Session, caller: Writer
) -> CaseSummary:
    """Assign the case to somebody of your organisation, who finds it under `mine`. A supervisor may assign any case;
    others take free cases, and pass on their own."""
    return _summary(await service.assign(session, caller, case_id, body.assigned_to))


@cases.put("/{case_id}/implicated-organisations")
async def set_implicated_organisations(
    case_id: UUID, body: ImplicatedOrganisations, session: Session, caller: Writer, keys: Keys
) -> CaseSummary:
    """Set the organisations that must not learn of this case. Open referrals to them are recalled."""
    organisations = set(body.organisation_ids)
    if caller.organisation in organisations:
        raise INVALID.because(
            "your_own_organisation_holds_this_case_transfer", pointer="/organisation_ids"
        )
    return _summary(await service.set_implicated(session, caller, keys, case_id, organisations))


@cases.post("/{case_id}/close")
async def close_case(
    case_id: UUID,
    body: Closure,
    session: Session,
    caller: Writer,
    keys: Keys,
    settings: ServiceSettingsOf,
) -> CaseSummary:
    """Close the case; its retention period begins."""
    years = settings.retention_years
    return _summary(await ending_service.close(session, caller, keys, case_id, body.reason, years))


@cases.post("/{case_id}/reopen")
async def reopen_case(
    case_id: UUID, body: Reopening, session: Session, caller: Writer
) -> CaseSummary:
    """Open a closed case again. Consents that ended with it stay ended: ask for them again."""
    return _summary(await ending_service.reopen(session, caller, case_id, body.reason))


@cases.post("/{case_id}/erase", dependencies=[StepUp])
async def erase_case(
    case_id: UUID, body: Erasure, session: Session, caller: Supervisor, keys: Keys
) -> CaseSummary:
    """Destroy the person's key. Codes and history remain; sealed content can never be read again."""
    case = await queries.own_case(session, caller, case_id, lock=True)
    if body.confirm != case.reference:
        raise INVALID.because("repeat_case_reference_to_confirm", pointer="/confirm")
    await ending_service.erase(session, caller, keys, case, body.basis)
    return _summary(case)


def _ending(case: Case) -> RetentionRow:
    return RetentionRow.model_validate({**case.model_dump(), "case_id": case.id})


def _summary(case: Case) -> CaseSummary:
    return CaseSummary.model_validate(case, from_attributes=True)
