"""HTTP for gaps: needs in places without a service that accepts referrals."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Any, Literal

import orjson
from common.auth import Principal, Role
from common.http import Session, open_to_all, requires, router
from common.words.languages import PageLanguage
from common.words.places import Places
from fastapi import Query, Response

from directory.pathways.definition.profile import PLACE, NeedCode
from directory.pathways.gaps import heat_map, service, tables_out
from directory.pathways.gaps.matrix import GapQuery, Picture, Row
from directory.pathways.gaps.schemas import Gaps, Group, Population, PopulationImported
from directory.pathways.planning.answers import need_label

routes = router("/directory/v1/gaps", ["gaps"])
Reader = Annotated[Principal, open_to_all()]
Importer = Annotated[Principal, requires(scope="directory:curate", roles={Role.IM})]
Format = Literal["json", "xlsx", "hxl", "svg", "png"]

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BINARY: dict[str, Any] = {
    _XLSX: {"schema": {"type": "string", "format": "binary"}},
    "text/csv": {"schema": {"type": "string"}},
    "image/svg+xml": {"schema": {"type": "string"}},
    "image/png": {"schema": {"type": "string", "format": "binary"}},
}


@routes.get("", response_model=Gaps, responses={200: {"content": _BINARY}})
async def gaps(
    *,
    caller: Reader,
    session: Session,
    area: Annotated[str, Query(pattern=PLACE, description="A P-code; the areas inside it.")],
    level: Annotated[int, Query(ge=0, le=2, description="0 country, 1 state, 2 municipality")] = 1,
    need: Annotated[list[NeedCode] | None, Query(max_length=60)] = None,
    group: Annotated[list[Group] | None, Query(max_length=4)] = None,
    only_gaps: bool = False,
    format: Format = "json",  # noqa: A002 - the parameter's public name, as in HSDS
    language: PageLanguage = "es",
) -> Response:
    """Coverage per area, need and group: referable, full, stale, suspended, lost or none. Services that you may not see
    do not count. For confidential needs, only those who coordinate them learn that there is none."""
    question = GapQuery(area, level, need or (), group or (), only_gaps)
    found = await service.picture(session, caller, question)
    if format == "xlsx":
        return _file(tables_out.workbook(found), _XLSX, f"gaps-{area}.xlsx")
    if format == "hxl":
        return _file(tables_out.hxl(found), "text/csv; charset=utf-8", f"gaps-{area}.hxl.csv")
    if format in ("svg", "png"):
        draw = heat_map.svg if format == "svg" else heat_map.png
        kind = "image/svg+xml" if format == "svg" else "image/png"
        return _file(await asyncio.to_thread(draw, found, language), kind, f"gaps-{area}.{format}")
    return Response(orjson.dumps(_answer(found)), media_type="application/json")


@routes.put("/population", response_model=PopulationImported)
async def import_population(caller: Importer, session: Session, body: Population) -> dict[str, int]:
    """Imports the number of people by area and group, which weights the gaps."""
    rows = [(row.area, row.group, row.people) for row in body.rows]
    return {"rows": await service.import_population(session, rows, body.source)}


def _file(content: bytes, kind: str, name: str) -> Response:
    return Response(
        content, media_type=kind, headers={"Content-Disposition": f'inline; filename="{name}"'}
    )


def _answer(found: Picture) -> dict[str, Any]:
    places = Places.load()
    return {
        "as_of": found.as_of,
        "area": found.question.area,
        "level": found.question.level,
        "areas": {area: places.require(area).name for area in found.areas},
        "needs": {need: need_label(need) for need in found.needs},
        "items": [_row(row) for row in found.rows],
        "open_steps": [asdict(step) for step in found.open_steps],
        "weighted": [{"need": need, **counts} for need, counts in sorted(found.weighted.items())],
    }


def _row(row: Row) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "area": row.area,
        "need": row.need,
        "group": row.group,
        "coverage": row.coverage,
        "gap": row.is_gap,
        "services": row.counts,
    }
    if row.people is not None:
        answer["people"] = row.people
    return answer
