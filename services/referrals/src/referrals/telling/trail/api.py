"""HTTP routes for the audit: for auditors, and for an organisation's own part."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from io import StringIO
from typing import Annotated, Any, Literal, cast
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal, Role
from common.errors import INVALID, NOT_FOUND
from common.http import Session, requires, router
from common.ids import is_id
from common.paging import CursorText, Limit, Page, id_cursor, page_of
from common.tables_io.cells import GuardedCsv
from fastapi import Depends, Query, Response
from pydantic import BaseModel, Field

from referrals.case.cases.queries import held_by
from referrals.ground.audit import anchors
from referrals.ground.audit import queries as entries
from referrals.ground.audit.anchors import BrokenAnchor, FindingCode, anchored_of
from referrals.ground.audit.models import AuditEntry
from referrals.ground.audit.queries import Wanted
from referrals.ground.audit.service import record
from referrals.ground.dependencies import Reader, ServiceSettingsOf
from referrals.ground.row_security import acting_as_service
from referrals.referral.referrals.schemas import Moment
from referrals.telling.readable_queries import readable
from referrals.telling.trail import queries

audit = router("/referrals/v1/audit", ["audit"])
Auditor = Annotated[Principal, requires("referrals:read", roles={Role.AUDITOR})]
_MOST = 10_000
_CSV: dict[int | str, dict[str, Any]] = {
    200: {"description": "OK", "content": {"text/csv": {"schema": {"type": "string"}}}}
}


class AuditEntryView(BaseModel):
    """An audit entry. `sequence` and `hash` are only for auditors, because a position in a case's chain reveals how
    much happened to the case."""

    id: UUID
    chain: UUID
    sequence: int | None
    at: datetime
    organisation_id: UUID | None
    client: str
    action: str
    target_type: str
    target_id: UUID
    detail: dict[str, Any]
    hash: str | None


class FindingView(BaseModel):
    """An audit entry for auditors. `sequence` is the entry's position in its chain."""

    sequence: int
    code: FindingCode


class Verification(BaseModel):
    """The result of checking a chain. Each entry must follow from the previous one, and every anchored entry must
    exist."""

    chain: UUID
    entries: int
    adds_up: bool
    anchored_until: int | None = Field(
        description="The newest entry that stands in the anchor; null: none does, or none is read here."
    )
    anchor: Literal["read", "absent", "broken"]
    findings: list[FindingView]


async def _wanted(
    *,
    target_id: UUID | None = None,
    action: str | None = None,
    organisation_id: UUID | None = None,
    doer: Annotated[
        str | None,
        Query(
            max_length=100,
            description="Who did it: a person's id or a client. To an auditor, a client that did nothing is refused.",
        ),
    ] = None,
    case_id: Annotated[UUID | None, Query(description="All of one chain.")] = None,
    since: Annotated[Moment | None, Query(alias="from", description="From this moment on.")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="Before this moment.")] = None,
) -> Wanted:
    return Wanted(
        target_id=target_id,
        action=action,
        organisation_id=organisation_id,
        doer=doer,
        case_id=case_id,
        since=since,
        until=until,
    )


async def _meant(session: Session, caller: Principal, wanted: Wanted, case: str | None) -> Wanted:
    """Refuse names and codes that match nothing, because an empty list would suggest that nobody did anything."""
    audits = Role.AUDITOR in caller.roles
    named = wanted.doer is not None and not is_id(wanted.doer)
    if audits and named and not await entries.did_anything(session, str(wanted.doer)):
        raise INVALID.because("nobody_of_this_name_in_the_record", pointer="/doer")
    if case is None:
        return wanted
    if audits:
        async with acting_as_service(session):
            found = await queries.chains_of(session, case)
    else:
        found = await queries.chains_of(session, case)
    if len(found) != 1:
        raise INVALID.because("no_case_has_this_code", pointer="/case")
    return replace(wanted, case_id=found[0])


Narrowed = Annotated[Wanted, Depends(_wanted)]
CaseCode = Annotated[
    str | None,
    Query(
        alias="case",
        max_length=40,
        description="All of one chain, by the code of a case, or by the last eight characters of the id of a case or of "
        "a referral in it. A code that means nothing, or several, is refused.",
    ),
]


@audit.get("")
async def list_entries(
    session: Session,
    caller: Reader,
    wanted: Narrowed,
    case: CaseCode = None,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[AuditEntryView]:
    """List who did and read what, newest first. Auditors see everything; others see their own clients' acts on
    subjects that they may read. The record also contains auditors' own readings, with the names of their filters."""
    audits, wanted = Role.AUDITOR in caller.roles, await _meant(session, caller, wanted, case)
    rows = await entries.page(
        session,
        only=None if audits else _own(caller, wanted),
        wanted=wanted,
        before=id_cursor(cursor),
        limit=limit,
    )
    if audits:
        await _own_look(session, caller, "audit.read", {"filters": list(wanted.names())})
    return page_of(rows, limit, lambda row: _view(row, audits=audits))


@audit.get("/export", response_class=Response, responses=_CSV)
async def export_entries(
    session: Session, caller: Reader, wanted: Narrowed, case: CaseCode = None
) -> Response:
    """Return the same as a table of codes, at most the newest 10,000 entries: filter it to get others. The record
    also contains auditors' exports."""
    audits, wanted = Role.AUDITOR in caller.roles, await _meant(session, caller, wanted, case)
    rows = await entries.page(
        session,
        only=None if audits else _own(caller, wanted),
        wanted=wanted,
        before=None,
        limit=_MOST,
    )
    out = StringIO()
    table = GuardedCsv(out)
    columns = list(AuditEntryView.model_fields)
    table.row(columns)
    for row in rows[:_MOST]:
        view = _view(row, audits=audits).model_dump(mode="json")
        view["detail"] = json.dumps(view["detail"], ensure_ascii=False, sort_keys=True)
        table.row([view[name] for name in columns])
    if audits:
        await _own_look(session, caller, "audit.exported", {"entries": len(rows[:_MOST])})
    return Response(
        out.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="audit.csv"'},
    )


@audit.get("/chains/{chain}")
async def verify_chain(
    chain: UUID, session: Session, caller: Auditor, settings: ServiceSettingsOf
) -> Verification:
    """Recompute the chain of a case or an organisation, and compare it with the anchor."""
    path, anchor = settings.audit_anchor_file, "read"
    anchored: Mapping[int, str] = {}
    if path is None or not await asyncio.to_thread(path.exists):
        anchor = "absent"
    else:
        try:
            anchored = await asyncio.to_thread(anchored_of, path, chain)
        except BrokenAnchor:
            anchor = "broken"
    async with acting_as_service(session):
        count, findings = await anchors.verify_chain(session, chain, anchored)
    if not count and not findings:
        raise NOT_FOUND.because("no_such_chain")
    await _own_look(session, caller, "audit.verified", {"of": str(chain)})
    return Verification(
        chain=chain,
        entries=count,
        adds_up=not findings and anchor != "broken",
        anchored_until=max(anchored, default=None),
        anchor=cast("Literal['read', 'absent', 'broken']", anchor),
        findings=[FindingView(sequence=each.sequence, code=each.code) for each in findings],
    )


async def _own_look(
    session: Session, caller: Principal, action: str, detail: dict[str, Any]
) -> None:
    await record(
        session,
        caller,
        action,
        chain=caller.organisation,
        target_type="organisation",
        detail=detail,
    )


def _own(caller: Principal, wanted: Wanted) -> entries.Only:
    """Filter to actions of the caller's organisation on findable subjects. Only the case's holder may filter by case
    id."""
    which = readable(caller, entries.TARGET_TYPE, entries.TARGET_ID, record=entries.CHAIN)
    if wanted.case_id is not None:
        which = sa.and_(which, held_by(caller, entries.CHAIN))
    return entries.Only(caller.organisation, which)


def _view(entry: AuditEntry, *, audits: bool) -> AuditEntryView:
    chained = ("sequence", "hash")
    values = {n: getattr(entry, n) for n in AuditEntryView.model_fields if n not in chained}
    return AuditEntryView(
        **values,
        sequence=entry.sequence if audits else None,
        hash=entry.hash.hex() if audits else None,
    )
