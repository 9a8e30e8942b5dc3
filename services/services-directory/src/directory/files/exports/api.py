"""`/directory/v1/exports`: the directory as a file, limited to what the caller may see."""

import asyncio
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO, Literal
from uuid import UUID

from common import clock
from common.auth import Principal
from common.errors import INVALID
from common.http import Session, open_to_all, router
from common.words import codelists
from common.words.languages import PageLanguage
from common.words.places import Places
from fastapi import Query, Request
from fastapi.responses import StreamingResponse

from directory.files.exports.abridged import Exported
from directory.files.exports.queries import Chosen, exported
from directory.files.exports.writers import WRITERS, ExportWriter
from directory.ground.reading.restricted_service import log_restricted

routes = router("/directory/v1/exports", ["exports"])
Anyone = Annotated[Principal, open_to_all()]
FormatName = Literal["hsds", "xlsx", "csv", "hxl", "geojson"]
_LIST = 100
_BATCH = 500
_CHUNK_BYTES = 256 * 1024


@routes.get(
    "",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The file.",
            "content": {writer.media_type: {} for writer in WRITERS.values()},
        }
    },
)
async def export(
    *,
    request: Request,
    session: Session,
    caller: Anyone,
    format: Annotated[FormatName, Query()] = "hsds",  # noqa: A002 - the parameter's name in the API
    language: Annotated[PageLanguage, Query(description="Of headers and labels.")] = "es",
    labels: Annotated[
        bool, Query(description="Labels in place of codes (workbook, CSV, HXL).")
    ] = False,
    category: Annotated[list[str], Query(max_length=_LIST)] = [],  # noqa: B006 - FastAPI copies it
    area: Annotated[
        list[str], Query(max_length=_LIST, description="P-codes; what lies inside counts too.")
    ] = [],  # noqa: B006 - as above
    organization_id: UUID | None = None,
    modified_after: datetime | None = None,
) -> StreamingResponse:
    """The services that you may see, with the details that you may see. Restricted entries are logged as read. A row
    marked `abridged` is a partial copy: another directory may import it, but it never replaces the full record here."""
    chosen = Chosen(
        _known(category, codelists.categories(), "category"),
        _places(area),
        organization_id,
        modified_after,
    )
    kind = WRITERS[format]
    with tempfile.TemporaryDirectory(prefix="ruta-export-") as folder:
        path = Path(folder) / "export"
        writer = kind(path, language, labels=labels)
        written = await _write(session, caller, chosen, writer, request.url.path)
        size = path.stat().st_size
        # The temporary file is deleted while open, so nothing remains if the client disconnects.
        content = path.open("rb")
    name = f"ruta-{clock.now():%Y%m%d}.{kind.extension}"
    return StreamingResponse(
        _chunks(content),
        media_type=kind.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Length": str(size),
            "X-Total-Items": str(written),
            "Cache-Control": "private, no-store",
        },
    )


async def _write(
    session: Session, caller: Principal, chosen: Chosen, writer: ExportWriter, route: str
) -> int:
    """Write the services; return their number. Restricted reads are logged in the same transaction, so that no file
    lacks its log entries."""
    written = 0
    batch: list[Exported] = []

    async def take() -> None:
        await asyncio.to_thread(writer.add, batch)
        await log_restricted(session, caller, route, [e.service_id for e in batch if e.sensitive])
        batch.clear()

    async for each in exported(session, caller, chosen):
        batch.append(each)
        written += 1
        if len(batch) >= _BATCH:
            await take()
    await take()
    await asyncio.to_thread(writer.finish)
    return written


def _chunks(content: BinaryIO) -> Iterator[bytes]:
    with content:
        while chunk := content.read(_CHUNK_BYTES):
            yield chunk


def _known(
    values: list[str], allowed: codelists.CodeList[codelists.ServiceCategory], name: str
) -> tuple[str, ...]:
    for value in values:
        if value not in allowed:
            raise INVALID.because(
                "is_not_one_of", repr(value), ", ".join(allowed.codes), pointer=f"/{name}"
            )
    return tuple(values)


def _places(values: list[str]) -> tuple[str, ...]:
    for value in values:
        if not Places.load().is_known(value):
            raise INVALID.because("is_not_known_p_code", repr(value), pointer="/area")
    return tuple(values)
