"""Routes for outside series: the IM role imports them, and everyone with access to reports can read them."""

import asyncio
from typing import Annotated

from common.auth import Principal
from common.errors import INVALID, NOT_FOUND, PROBLEMS, FieldError
from common.http import Session, requires, router
from common.words.places import Places
from fastapi import File, Form, Path, UploadFile
from pydantic import ValidationError

from reporting.count.context import queries, series_file, service
from reporting.count.context.schemas import (
    PointBody,
    Provenance,
    SeriesBody,
    SeriesView,
)
from reporting.count.context.series import OutsideSeries
from reporting.ground.rights import PUBLISHING
from reporting.ground.tabular.csv_reader import UnreadableTableError

UNREADABLE_SERIES = PROBLEMS["unreadable_series"]


routes = router("/reports/v1/context/series", ["context"])
MOST_BYTES = 1_000_000

Reader = Annotated[Principal, requires(scope="reports:read")]
Importer = Annotated[Principal, requires(*PUBLISHING)]


@routes.post("", status_code=201)
async def import_series(caller: Importer, session: Session, body: SeriesBody) -> SeriesView:
    """Import a series of another source with its provenance, as the next edition of its code."""
    return _view(await service.import_series(session, caller, body))


@routes.post("/imports", status_code=201)
async def import_series_file(
    *,
    caller: Importer,
    session: Session,
    file: Annotated[
        UploadFile,
        File(
            description="CSV in UTF-8, plain (`day`, `area`, `value`) or with an HXL tag row (`#date`,"
            " `#adm1+code`, `#indicator+num`); no area means the whole country."
        ),
    ],
    provenance: Annotated[
        str,
        Form(
            max_length=8000,
            description="JSON: what `POST /reports/v1/context/series` takes, without `points`.",
        ),
    ],
) -> SeriesView:
    """Import a series from a file, as the next edition of its code: all of its rows, or none.

    422 `unreadable_series` names each flaw by row and column, in Spanish and English.
    """
    said = _provenance(provenance)
    content = await file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise UNREADABLE_SERIES.because("it_has_more_than_bytes", MOST_BYTES, pointer="/file")
    try:
        read = await asyncio.to_thread(series_file.points, content, Places.load())
    except UnreadableTableError as error:
        raise UNREADABLE_SERIES.saying(
            str(error),
            pointer="/file",
            problems=error.problems,
        ) from None
    points = [PointBody.model_validate(each, from_attributes=True) for each in read]
    body = SeriesBody.model_construct(**dict(said), points=points)
    return _view(await service.import_series(session, caller, body))


@routes.get("")
async def list_series(_caller: Reader, session: Session) -> list[SeriesView]:
    """List the newest edition of each series."""
    return [_view(each) for each in await queries.newest(session)]


@routes.get("/{code}")
async def read_editions(
    _caller: Reader, session: Session, code: Annotated[str, Path(max_length=60)]
) -> list[SeriesView]:
    """List all editions of a series, newest first."""
    found = await queries.editions(session, code)
    if not found:
        raise NOT_FOUND.because("no_such_series")
    return [_view(each) for each in found]


def _provenance(given: str) -> Provenance:
    try:
        return Provenance.model_validate_json(given)
    except ValidationError as error:
        flaws = [
            FieldError("/" + "/".join(["provenance", *map(str, each["loc"])]), each["msg"])
            for each in error.errors(include_input=False, include_url=False)
        ]
        raise INVALID.because("provenance_is_not_whole", errors=flaws) from None


def _view(series: OutsideSeries) -> SeriesView:
    return SeriesView.model_validate(series, from_attributes=True)
