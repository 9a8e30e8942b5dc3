"""Routes for exports: protected counts, activities in three layouts, the context pack."""

from collections.abc import Mapping
from typing import Annotated, Literal

from common.auth import Principal
from common.errors import INVALID, NOT_FOUND, PROBLEMS
from common.http import OwnQuery, Session, answered_as, context_of, open_to_all, requires, router
from common.words.languages import PageLanguage
from common.words.places import Places
from fastapi import Depends, Query, Response
from pydantic import BaseModel
from starlette.requests import Request

from reporting.count.activities import queries as activity_queries
from reporting.count.activities.activity import published
from reporting.count.activities.fivews import hxl_table, r4v_table, venezuelan_table
from reporting.count.activities.schemas import Day
from reporting.errors import OutsideProgrammeError
from reporting.ground.asked_periods import asked_period
from reporting.ground.programmes.catalogue import Catalogue
from reporting.ground.programmes.definition import Programme
from reporting.ground.protection.protected import ProtectedCube
from reporting.ground.rights import PREPARING
from reporting.ground.tabular.files import MEDIA_TYPES, File, Format, as_file
from reporting.ground.tabular.spreadsheet import as_xlsx
from reporting.protect.releases.answers import question
from reporting.protect.releases.api import Tier, is_internal
from reporting.protect.releases.errors import outside
from reporting.publish.exports.dhis2 import (
    NoDhis2PeriodError,
    NoOrgUnitError,
    UnmappedError,
    as_dhis2,
    country_of,
    identifiers,
)
from reporting.publish.exports.release_table import release_table
from reporting.publish.exports.service import context_pack, counted, refuse_withdrawn_in

UNMAPPED = PROBLEMS["dhis2_unmapped"]


routes = router("/reports/v1/exports", ["exports"])

Anyone = Annotated[Principal, open_to_all()]
Reader = Annotated[Principal, requires(scope="reports:read")]
Planner = Annotated[Principal, requires(*PREPARING)]
Language = Annotated[PageLanguage, Query(description="Language of labels.")]
PeriodText = Annotated[str, Query(max_length=10, examples=["2026-11"])]
_OWN = ("programme", "period", "format", "language", "scheme", "tier")


class Dhis2Identifier(BaseModel):
    """A code, its meaning, and its configured UID, if there is one."""

    kind: Literal["dataSet", "dataElement", "categoryOptionCombo", "orgUnit"]
    code: str
    label: dict[str, str]
    uid: str | None


async def _catalogue(request: Request) -> Catalogue:
    catalogue: Catalogue = context_of(request).parts["catalogue"]
    return catalogue


Programmes = Annotated[Catalogue, Depends(_catalogue)]


@routes.get(
    "/counts", **answered_as(*MEDIA_TYPES.values(), "application/json"), dependencies=[OwnQuery]
)
async def export_counts(
    *,
    request: Request,
    caller: Anyone,
    session: Session,
    programmes: Programmes,
    programme: Annotated[str, Query(max_length=80, examples=["referrals"])],
    period: PeriodText,
    form: Annotated[
        Literal["csv", "xlsx", "parquet", "hxl", "dhis2"], Query(alias="format")
    ] = "csv",
    scheme: Annotated[
        Literal["code", "uid"],
        Query(description="Of DHIS2 identifiers: Ruta's codes, or the UIDs that are configured."),
    ] = "code",
    language: Language = "es",
    by: Annotated[list[str] | None, Query(description="Dimensions; all if absent.")] = None,
    tier: Tier = "public",
) -> Response:
    """Return published counts of a period; a month consists of its two releases.

    Further parameters filter by dimension: `?programme=referrals&period=2026-11&area=VE23`.
    DHIS2 takes months and quarters and all dimensions; the country is the unit of unknown areas. Where few people
    are counted, everybody gets the first dimension alone; all of them need `tier=internal`.
    """
    wanted, whole = _programme(programmes, programme), asked_period(period)
    found = await counted(session, wanted, whole, internal=is_internal(caller, tier))
    names = found.cube.names if found is not None else wanted.names
    try:
        asked = question(request.query_params.multi_items(), names, _OWN)
        if found is None:
            await refuse_withdrawn_in(session, wanted, whole)
            raise NOT_FOUND.because(
                "not_every_release_of_is_published", wanted.period_kind.value, whole.id
            )
        if form == "dhis2":
            mapping = _mapping(request) if scheme == "uid" else None
            return _dhis2(found.cube, asked.by or asked.filters, mapping)
        trace = " ".join(found.releases)
        table = release_table(found.programme, found.cube, trace, asked.by, asked.filters)
    except OutsideProgrammeError as error:
        raise outside(error, f"/{error.field}") from None
    return _answer(as_file(table, form, language))


@routes.get("/dhis2/codes")
async def list_dhis2_codes(
    *,
    request: Request,
    _caller: Anyone,
    programmes: Programmes,
    programme: Annotated[str, Query(max_length=80, examples=["referrals"])],
) -> list[Dhis2Identifier]:
    """List the codes that a DHIS2 file of the programme may contain, for your metadata or your mapping."""
    wanted = _programme(programmes, programme)
    try:
        country = country_of(wanted.cube_dimensions, Places.load())
    except NoOrgUnitError as error:
        raise INVALID.saying(str(error), pointer="/programme") from None
    known = _mapping(request)
    return [
        Dhis2Identifier(kind=each.kind, code=each.code, label=each.label, uid=known.get(each.code))
        for each in identifiers(wanted, country, Places.load())
    ]


def _programme(programmes: Catalogue, programme_id: str) -> Programme:
    try:
        return programmes.get(programme_id)
    except OutsideProgrammeError as error:
        raise outside(error, "/programme") from None


def _mapping(request: Request) -> Mapping[str, str]:
    mapping: Mapping[str, str] = context_of(request).parts["dhis2"]
    return mapping


def _dhis2(cube: ProtectedCube, narrowed: object, mapping: Mapping[str, str] | None) -> Response:
    if narrowed:
        raise INVALID.because("dhis2_file_has_all_dimensions_leave_out")
    try:
        content = as_dhis2(cube, country_of(cube.dimensions, Places.load()), mapping)
    except NoDhis2PeriodError as error:
        raise INVALID.saying(str(error), pointer="/period") from None
    except NoOrgUnitError as error:
        raise INVALID.saying(str(error), pointer="/programme") from None
    except UnmappedError as error:
        raise UNMAPPED.saying(f"{error}.", codes=list(error.codes)[:100]) from None
    return Response(content, media_type="application/json")


@routes.get("/activities", **answered_as(*MEDIA_TYPES.values()))
async def export_activities(
    *,
    caller: Reader,
    session: Session,
    layout: Annotated[
        Literal["hxl", "ven5w", "r4v"],
        Query(description="Ruta's own columns, the Venezuelan 5W's, the regional 5W's."),
    ] = "hxl",
    form: Annotated[Format, Query(alias="format")] = "hxl",
    language: Language = "es",
    first: Annotated[Day | None, Query(alias="from")] = None,
    last: Annotated[Day | None, Query(alias="to")] = None,
) -> Response:
    """Return activities as anybody may see them, including your own, because files are passed on. An empty number with
    the flag `yes` was removed to protect people; it is not zero."""
    found = await activity_queries.visible(session, caller, start=first, end=last)
    shown = [published(each) for each in found]
    places = Places.load()
    match layout:
        case "hxl":
            table = hxl_table(shown, language, places)
        case "ven5w":
            table = venezuelan_table(shown, places)
        case "r4v":
            table = r4v_table(shown, language, places)
    return _answer(as_file(table, form, language))


@routes.get("/context-pack", **answered_as(MEDIA_TYPES["xlsx"]))
async def export_context_pack(
    *,
    _caller: Planner,
    session: Session,
    programmes: Programmes,
    period: PeriodText,
    language: Language = "es",
) -> Response:
    """Return a workbook of inputs: stakeholders, people left behind, and risks from other sources."""
    sheets = await context_pack(session, programmes, asked_period(period))
    name = f"context-{period}-{language}.xlsx"
    return _answer(File(as_xlsx(sheets, language), MEDIA_TYPES["xlsx"], name))


def _answer(file: File) -> Response:
    return Response(file.content, media_type=file.media_type, headers=file.headers)
