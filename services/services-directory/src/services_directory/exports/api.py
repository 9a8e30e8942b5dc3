"""`/directory/v1/exports`: the directory as a file, as much of it as the caller may see."""

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

from common import clock, codelists
from common.auth import Principal
from common.errors import INVALID
from common.places import Places
from common.web import Session, open_to_all
from common.web import router as unit_of_work_router
from fastapi import Query, Request
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from services_directory.exports.queries import Chosen
from services_directory.exports.service import remove, write_export
from services_directory.exports.writing import WRITERS

router = unit_of_work_router("/directory/v1/exports", ["exports"])
Anyone = Annotated[Principal, open_to_all()]
FormatName = Literal["hsds", "xlsx", "csv", "hxl", "geojson"]
_LIST = 100


@router.get(
    "",
    response_class=FileResponse,
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
    principal: Anyone,
    format: Annotated[FormatName, Query()] = "hsds",  # noqa: A002 - the parameter's name in the API
    language: Annotated[Literal["es", "en"], Query(description="Of headers and labels.")] = "es",
    labels: Annotated[
        bool, Query(description="Labels in place of codes (workbook, CSV, HXL).")
    ] = False,
    category: Annotated[list[str], Query(max_length=_LIST)] = [],  # noqa: B006 - FastAPI copies it
    area: Annotated[
        list[str], Query(max_length=_LIST, description="P-codes; what lies inside counts too.")
    ] = [],  # noqa: B006 - as above
    organization_id: UUID | None = None,
    modified_after: datetime | None = None,
) -> FileResponse:
    """The services that you may see, as detailed as you may see them.

    Restricted entries in it are logged as read. A row marked `abridged` is a partial copy: it may
    be imported elsewhere, and never replaces the full record here.
    """
    chosen = Chosen(
        _known(category, codelists.categories(), "category"),
        _places(area),
        organization_id,
        modified_after,
    )
    folder = tempfile.mkdtemp(prefix="ruta-export-")
    kind = WRITERS[format]
    path = Path(folder) / f"ruta-{clock.now():%Y%m%d}.{kind.extension}"
    try:
        writer = kind(path, language, labels=labels)
        written = await write_export(session, principal, chosen, writer, request.url.path)
    except BaseException:
        remove(path)
        raise
    return FileResponse(
        path,
        media_type=kind.media_type,
        filename=path.name,
        headers={"X-Total-Items": str(written), "Cache-Control": "private, no-store"},
        background=BackgroundTask(remove, path),
    )


def _known(
    values: list[str], allowed: codelists.CodeList[codelists.ServiceCategory], name: str
) -> tuple[str, ...]:
    for value in values:
        if value not in allowed:
            raise INVALID.because(
                f"{value!r} is not one of: {', '.join(allowed.codes)}.", pointer=f"/{name}"
            )
    return tuple(values)


def _places(values: list[str]) -> tuple[str, ...]:
    for value in values:
        if not Places.load().is_known(value):
            raise INVALID.because(f"{value!r} is not a known P-code.", pointer="/area")
    return tuple(values)
