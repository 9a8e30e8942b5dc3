"""HTTP routes for the case record."""

import re
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from common.auth import Principal
from common.http import IdempotencyRequired, Session, router
from common.paging import CursorText, Limit, Page, id_cursor, next_cursor
from common.words.choices import OneOf
from fastapi import File, Form, Query, Response, UploadFile
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases import queries as cases
from referrals.case.cases.models import Case
from referrals.case.entries import pictures, queries, scanner, service
from referrals.case.entries.models import CaseEntry
from referrals.case.entries.schemas import (
    ChangedEntry,
    Document,
    EntryContent,
    EntryView,
    NewEntry,
    Text,
)
from referrals.ground.dependencies import CaseReader, Keys, ServiceSettingsOf, Writer
from referrals.ground.keys.store import CaseKeys

entries = router("/referrals/v1/cases/{case_id}", ["entries"])
_ATTACHMENTS = re.compile(r"/referrals/v1/cases/[^/]+/attachments/?")


def body_limit_of(path: str) -> int | None:
    """Return the larger body limit for uploads, which `service_app` uses."""
    return pictures.MAX_BYTES + 64 * 1024 if _ATTACHMENTS.fullmatch(path) else None


@entries.get("/entries")
async def list_entries(
    *,
    case_id: UUID,
    session: Session,
    caller: CaseReader,
    keys: Keys,
    kind: Annotated[Annotated[str, OneOf("entry_kinds")] | None, Query()] = None,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[EntryView]:
    """List the entries of the case record, newest first. The reading is audited."""
    case = await cases.own_case(session, caller, case_id)
    rows = await queries.of_case(
        session, caller, case.id, kind=kind, before=id_cursor(cursor), limit=limit
    )
    items = await views(session, caller, keys, case, rows[:limit])
    return Page(items=items, next_cursor=next_cursor([entry for entry, _ in rows], limit))


async def views(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    case: Case,
    rows: Sequence[tuple[CaseEntry, bool]],
) -> list[EntryView]:
    """Return a case's decrypted entries, and whether each has a picture."""
    contents = await service.opened(session, caller, keys, case, [entry for entry, _ in rows])
    linked = {entry.linked_case_id for entry, _ in rows if entry.linked_case_id}
    references = await cases.references_of(session, caller, linked)
    return [
        _view(
            entry,
            content,
            has_file=has_file,
            reference=references.get(entry.linked_case_id) if entry.linked_case_id else None,
        )
        for (entry, has_file), content in zip(rows, contents, strict=True)
    ]


@entries.get("/entries/{entry_id}")
async def read_entry(
    case_id: UUID, entry_id: UUID, session: Session, caller: CaseReader, keys: Keys
) -> EntryView:
    """Return one entry. The reading is audited."""
    case = await cases.own_case(session, caller, case_id)
    (shown,) = await views(
        session, caller, keys, case, [await queries.one_listed(session, caller, case.id, entry_id)]
    )
    return shown


@entries.post("/entries", status_code=201, dependencies=[IdempotencyRequired])
async def write_entry(
    case_id: UUID, body: NewEntry, session: Session, caller: Writer, keys: Keys
) -> EntryView:
    """Add a note, a comment, a risk level, an incident, a family member, a follow-up or an appointment."""
    entry = await service.write(session, caller, keys, case_id, body)
    return _view(entry, _said(body))


@entries.put("/entries/{entry_id}")
async def change_entry(
    *,
    case_id: UUID,
    entry_id: UUID,
    body: ChangedEntry,
    session: Session,
    caller: Writer,
    keys: Keys,
) -> EntryView:
    """Replace the content of a follow-up, an appointment or a family member, for example to move an appointment."""
    entry = await service.change(session, caller, keys, case_id, entry_id, body)
    return _view(entry, _said(body))


@entries.post("/entries/{entry_id}/done")
async def finish_entry(
    case_id: UUID, entry_id: UUID, session: Session, caller: Writer
) -> EntryView:
    """Mark a planned entry of the case as done. It leaves the list of work."""
    return _view(await service.finish(session, caller, case_id, entry_id), None)


@entries.post("/entries/{entry_id}/take-back")
async def take_entry_back(
    case_id: UUID, entry_id: UUID, session: Session, caller: Writer
) -> EntryView:
    """Destroy an entry that was written by mistake. The record keeps that it existed and who took it back."""
    return _view(await service.take_back(session, caller, case_id, entry_id), None)


@entries.post("/attachments", status_code=201, dependencies=[IdempotencyRequired])
async def attach_picture(
    *,
    case_id: UUID,
    session: Session,
    caller: Writer,
    keys: Keys,
    settings: ServiceSettingsOf,
    file: Annotated[
        UploadFile,
        File(
            description="A picture (JPEG, PNG, WebP; at most 50 megapixels) or a PDF of at most 10 pages; 8 MB."
        ),
    ],
    document: Annotated[Document, Form()],
    text: Annotated[Text | None, Form()] = None,
) -> EntryView:
    """Attach a picture or PDF of a document. Ruta redraws it as one picture, without hidden content and metadata."""
    await cases.own_case(session, caller, case_id)
    content = await file.read(pictures.MAX_BYTES + 1)
    pictures.refuse_unless_picture(content, file.filename or "")
    await scanner.refuse_infected(settings.virus_scanner, content)
    drawn = await pictures.drawn_again(content)
    body = NewEntry(kind="attachment", document=document, text=text)
    entry = await service.write(session, caller, keys, case_id, body, drawn)
    return _view(entry, _said(body), has_file=True)


@entries.get("/entries/{entry_id}/picture", response_class=Response)
async def read_picture(
    case_id: UUID, entry_id: UUID, session: Session, caller: CaseReader, keys: Keys
) -> Response:
    """Return the picture as JPEG. The reading is audited."""
    content = await service.picture(session, caller, keys, case_id, entry_id)
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type="image/jpeg", headers=headers)


def _said(body: EntryContent) -> EntryContent:
    return EntryContent.model_validate(body.model_dump(include=set(EntryContent.model_fields)))


def _view(
    entry: CaseEntry,
    content: EntryContent | None,
    *,
    has_file: bool = False,
    reference: str | None = None,
) -> EntryView:
    shown = entry.model_dump(exclude={"content", "file"})
    return EntryView(**shown, content=content, has_file=has_file, linked_reference=reference)
