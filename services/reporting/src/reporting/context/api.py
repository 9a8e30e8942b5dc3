"""Outside series over HTTP: imported by the IM role, read by everyone who reads reports."""

from typing import Annotated

from common.auth import Principal, Role
from common.errors import NOT_FOUND
from common.web import Session, requires, router
from fastapi import Path

from reporting.context import queries, service
from reporting.context.schemas import InLanguages, PointBody, SeriesBody, SeriesView
from reporting.context.series import OutsideSeries

api = router("/reports/v1/context/series", ["context"])

Reader = Annotated[Principal, requires(scope="reports:read")]
Importer = Annotated[Principal, requires(scope="reports:publish", roles={Role.IM})]


@api.post("", status_code=201)
async def import_series(caller: Importer, session: Session, body: SeriesBody) -> SeriesView:
    """Import a series of another source with its provenance, as the next edition of its code."""
    return _view(await service.import_series(session, caller, body))


@api.get("")
async def list_series(_caller: Reader, session: Session) -> list[SeriesView]:
    """The newest edition of each series."""
    return [_view(each) for each in await queries.newest(session)]


@api.get("/{code}")
async def read_editions(
    _caller: Reader, session: Session, code: Annotated[str, Path(max_length=60)]
) -> list[SeriesView]:
    """All editions of a series, the newest first."""
    found = await queries.editions(session, code)
    if not found:
        raise NOT_FOUND.because("There is no such series.")
    return [_view(each) for each in found]


def _view(series: OutsideSeries) -> SeriesView:
    return SeriesView(
        id=series.id,
        edition=series.edition,
        code=series.code,
        title=InLanguages(**series.title),
        unit=InLanguages(**series.unit),
        source=series.source,
        url=series.url,
        licence=series.licence,
        retrieved_on=series.retrieved_on,
        method=series.method,
        points=[PointBody(day=p.day, area=p.area, value=p.value) for p in series.points],
    )
