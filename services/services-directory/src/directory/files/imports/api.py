"""`/directory/v1/imports`: import services from files and read each row's result."""

import asyncio
from operator import attrgetter
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from common.auth import Principal
from common.errors import INVALID, Problem
from common.events.codes import Visibility
from common.http import Session, answered_as, context_of, router
from common.http.problems import problem_response
from common.paging import (
    CursorText,
    Limit,
    Page,
    id_cursor,
    keys_in,
    number_in,
    page_of,
)
from common.words.languages import LANGUAGES, PageLanguage
from common.words.places import Places, folded
from fastapi import Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from directory.files.crosswalks.api import WriteOrCurate
from directory.files.imports import queries
from directory.files.imports.errors import IMPORT_REFUSED
from directory.files.imports.outcomes.notes import Verdict
from directory.files.imports.publishers.vanished import Choice
from directory.files.imports.schemas import (
    FormatName,
    ImportOut,
    ImportRowOut,
    ImportState,
    Mode,
    NoteOut,
    Vanishing,
    import_out,
)
from directory.files.imports.service import Order, take_in
from directory.files.imports.uploads import MAX_BYTES, upload_of
from directory.files.imports.workbook.report import CONTENT_TYPES, lines, report_in, summary
from directory.files.imports.workbook.template import template_csv, template_xlsx
from directory.settings import Settings

routes = router("/directory/v1/imports", ["imports"])
_PATH = "/directory/v1/imports"
_SHOWN_REFUSALS = 20
_REPORTED_AT_ONCE = 2_000
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


Importer = Annotated[Principal, Depends(WriteOrCurate("directory:write", None))]


def body_limit_of(path: str) -> int | None:
    """Return the upload route's larger limit, which `service_app` uses."""
    return MAX_BYTES + 64 * 1024 if path.rstrip("/") == _PATH else None


@routes.post(
    "",
    status_code=201,
    response_model=ImportOut,
    responses={
        202: {"model": ImportOut, "description": "A large file: the worker goes through it."},
        415: {
            "description": "Neither a form with the part `file` nor the bytes of a file.",
            "content": {"application/problem+json": {}},
        },
        422: {"description": "The file cannot be read, or a row was refused in mode `all`."},
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {"file": {"type": "string", "format": "binary"}},
                    }
                },
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            },
        }
    },
)
async def import_file(
    *,
    request: Request,
    session: Session,
    caller: Importer,
    format: Annotated[  # noqa: A002 - the parameter's name in the API
        FormatName | None, Query(description="Recognised by its content if absent.")
    ] = None,
    mode: Annotated[
        Mode, Query(description="`all`: everything or nothing. `skip-bad`: without rejected rows.")
    ] = Mode.ALL,
    dry_run: Annotated[bool, Query(description="Report only; nothing is written.")] = False,
    visibility: Annotated[
        Visibility | None, Query(description="For rows that name none (default: by format).")
    ] = None,
    country: Annotated[
        str, Query(pattern="^([A-Z]{3})?$", description="ISO 3166-1 alpha-3, for place names.")
    ] = "",
    source: Annotated[
        str | None,
        Query(max_length=100, description="Where the ids come from; ids count inside it."),
    ] = None,
    vanished: Annotated[
        Vanishing,
        Query(
            description="Of packages: for entries that an earlier edition held and this one not."
        ),
    ] = Vanishing.KEEP,
    shrunk: Annotated[
        bool, Query(description="The package is whole, though much of an earlier one is missing.")
    ] = False,
    place: Annotated[
        list[str] | None,
        Query(
            max_length=500,
            description="Accepted places, each as `name=P-code`: all rows with this name get the place.",
        ),
    ] = None,
    file_name: Annotated[str | None, Query(max_length=300)] = None,
) -> Response:
    """Imports services from a workbook (XLSX, CSV), an HXL list, GeoJSON of the Services Advisor or of this directory,
    or HSDS: a data package (zip of CSV tables), or JSON as its API gives it (a service, a list, pages, one a line, or a
    zip of such files). The report lists every row as accepted, changed or refused, with the
    reason. The same file again changes nothing, because rows are recognised by their external ids. Entries of an
    earlier package of the same publisher that this one lacks are reported as `vanished`; they end only if you ask for
    it."""
    settings = cast("Settings", context_of(request).settings)
    upload = await upload_of(request, file_name)
    order = Order(
        file_name=upload.name,
        content=upload.content,
        named_format=format,
        mode=mode,
        dry_run=dry_run,
        visibility=visibility,
        country=country,
        source=source,
        choice=Choice(vanished, shrunk, settings.import_shrunk_share),
        most_lines=settings.import_most_lines,
        places=dict(map(_accepted, place or ())),
    )
    import_id = await take_in(session, caller, order)
    found = import_out(await queries.import_of(session, caller, import_id))
    headers = {"Location": f"{_PATH}/{import_id}"}
    if found.state is ImportState.REFUSED and not dry_run:
        # Return the error instead of raising it, because an exception would roll back the report.
        return problem_response(await _refusal(session, found))
    status = 202 if found.state is ImportState.QUEUED else 201
    return JSONResponse(found.model_dump(mode="json", exclude_none=True), status, headers)


def _accepted(pair: str) -> tuple[str, str]:
    """Return an accepted place's folded name and P-code."""
    name, _, pcode = (part.strip() for part in pair.rpartition("="))
    if not name or not Places.load().is_known(pcode.upper()):
        raise INVALID.because("accepted_place_is_no_name_and_pcode", repr(pair), pointer="/place")
    return folded(name), pcode.upper()


async def _refusal(session: Session, found: ImportOut) -> Problem:
    refused = await queries.rows_of(
        session, found.id, verdict=Verdict.REFUSED.value, after=0, limit=_SHOWN_REFUSALS
    )
    return IMPORT_REFUSED.because(
        "of_rows_were_refused_nothing_was_written",
        found.rows.refused,
        found.rows.read,
        headers={"Location": f"{_PATH}/{found.id}"},
        import_id=str(found.id),
        rows=found.rows.model_dump(),
        refused=[_row(each).model_dump(mode="json", exclude_none=True) for each in refused],
        rows_url=f"{found.rows_url}?verdict=refused",
    )


@routes.get("", response_model_exclude_none=True)
async def list_imports(
    session: Session, caller: Importer, limit: Limit = 50, cursor: CursorText = None
) -> Page[ImportOut]:
    """The imports of your organisation, newest first."""
    before = id_cursor(cursor)
    rows = await queries.imports_of(session, caller, before=before, limit=limit + 1)
    return page_of(rows, limit, import_out)


@routes.get("/template", **answered_as("text/csv", _XLSX))
async def template(
    caller: Importer,
    language: Annotated[str, Query(pattern=f"^({'|'.join(LANGUAGES)})$")] = "es",
    format: Annotated[str, Query(pattern="^(xlsx|csv)$")] = "xlsx",  # noqa: A002 - the parameter's name in the API
) -> Response:
    """The service-mapping workbook to fill in: one row per service."""
    if format == "csv":
        content, kind = template_csv(language), "text/csv; charset=utf-8"
    else:
        content = template_xlsx(language)
        kind = _XLSX
    name = f"ruta-servicios.{format}" if language == "es" else f"ruta-services.{format}"
    return Response(
        content,
        media_type=kind,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@routes.get("/{import_id}", response_model_exclude_none=True)
async def read_import(session: Session, caller: Importer, import_id: UUID) -> ImportOut:
    """State and counts; while the import runs, its progress."""
    return import_out(await queries.import_of(session, caller, import_id))


@routes.get("/{import_id}/rows", response_model_exclude_none=True)
async def read_rows(
    *,
    session: Session,
    caller: Importer,
    import_id: UUID,
    verdict: Verdict | None = None,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[ImportRowOut]:
    """The report row by row, in the order of the file."""
    await queries.import_of(session, caller, import_id)
    (after,) = keys_in(cursor, number_in) or (0,)
    chosen = verdict.value if verdict else None
    rows = await queries.rows_of(session, import_id, verdict=chosen, after=after, limit=limit + 1)
    return page_of(rows, limit, _row, attrgetter("number"))


@routes.get("/{import_id}/report", **answered_as("text/csv", _XLSX))
async def read_report(
    *,
    session: Session,
    caller: Importer,
    import_id: UUID,
    language: Annotated[PageLanguage, Query(description="Of heads, verdicts and remarks.")] = "es",
    format: Annotated[Literal["xlsx", "csv"], Query(description="A workbook, or CSV.")] = "xlsx",  # noqa: A002 - the parameter's name in the API
    verdict: Annotated[Verdict | None, Query(description="Only rows of which this became.")] = None,
) -> Response:
    """The whole report as a table, with the row numbers of your own file."""
    found = import_out(await queries.import_of(session, caller, import_id))
    chosen = verdict.value if verdict else None
    report, after = report_in(format, language, summary(found, language)), 0
    while True:
        rows = await queries.rows_of(
            session, import_id, verdict=chosen, after=after, limit=_REPORTED_AT_ONCE
        )
        told = (line for row in rows for line in lines(row, language))
        await asyncio.to_thread(report.add, told)
        if len(rows) < _REPORTED_AT_ONCE:
            break
        after = rows[-1].number
    return Response(
        await asyncio.to_thread(report.content),
        media_type=CONTENT_TYPES[format],
        headers={"Content-Disposition": f'attachment; filename="report.{format}"'},
    )


def _row(row: Any) -> ImportRowOut:
    return ImportRowOut(
        number=row.number,
        verdict=Verdict(row.verdict),
        external_id=row.external_id,
        name=row.name,
        service_id=row.service_id,
        outcome=row.outcome,
        notes=[NoteOut.model_validate(each) for each in row.notes],
    )
