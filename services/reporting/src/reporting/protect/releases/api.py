"""Routes for programmes and releases."""

import asyncio
from operator import attrgetter
from typing import Annotated, Literal, cast
from uuid import UUID

from common.auth import Principal, Role
from common.errors import FORBIDDEN, NOT_FOUND
from common.http import OwnQuery, Session, StepUp, context_of, open_to_all, requires, router
from common.paging import CursorText, Limit, Page, day_in, id_in, keys_in, page_of
from fastapi import Depends, Path, Query
from starlette.requests import Request

from reporting.errors import OutsideProgrammeError
from reporting.ground.asked_periods import asked_period
from reporting.ground.periods import Period, periods_between
from reporting.ground.programmes.catalogue import Catalogue
from reporting.ground.programmes.definition import Programme
from reporting.ground.protection.protected import ProtectedCube
from reporting.ground.rights import CONTRIBUTING, PREPARING, PUBLISHING
from reporting.protect.releases import queries, service
from reporting.protect.releases.answers import ReleaseQuery, answer, question
from reporting.protect.releases.errors import outside
from reporting.protect.releases.queries import Release
from reporting.protect.releases.schemas import (
    CloseRelease,
    Contributor,
    Count,
    Expected,
    ProgrammeView,
    ReleaseCounts,
    ReleaseDetail,
    ReleaseView,
    Waiver,
)
from reporting.protect.releases.views import combined
from reporting.protect.withdrawals import service as withdrawals
from reporting.protect.withdrawals.queries import withdrawal_view
from reporting.protect.withdrawals.schemas import AskWithdrawal
from reporting.protect.withdrawals.service import refuse_withdrawn
from reporting.settings import Settings

routes = router("/reports/v1", ["releases"])
READ_SCOPE = "reports:read"
MOST_NAMED = 24
"""The most missing periods in a sentence; `missing` lists all."""

Reader = Annotated[Principal, open_to_all()]
Publisher = Annotated[Principal, requires(*PUBLISHING)]
Preparing = Annotated[Principal, requires(*PREPARING)]
Contributing = Annotated[Principal, requires(*CONTRIBUTING)]
ReleaseId = Annotated[UUID, Path(description="The id of a release.")]
Tier = Annotated[
    Literal["public", "internal"],
    Query(
        description="`public` pools small figures in the row `rest`; `internal` needs reports:read."
    ),
]
Asked = Annotated[
    list[str] | None,
    Query(description="Dimensions to split by; further parameters filter by dimension."),
]


async def _catalogue(request: Request) -> Catalogue:
    catalogue: Catalogue = context_of(request).parts["catalogue"]
    return catalogue


Programmes = Annotated[Catalogue, Depends(_catalogue)]


@routes.get("/programmes")
async def list_programmes(_caller: Reader, programmes: Programmes) -> list[ProgrammeView]:
    """List the programmes: the reviewed definitions of everything that may be released."""
    return [_programme_view(each) for each in programmes]


@routes.get("/programmes/{programme_id}/query", dependencies=[OwnQuery])
async def query_programme(
    *,
    request: Request,
    caller: Reader,
    session: Session,
    programmes: Programmes,
    programme_id: str,
    first: Annotated[str, Query(alias="from", max_length=10, examples=["2026-10a"])],
    last: Annotated[str, Query(alias="to", max_length=10, examples=["2026-11b"])],
    by: Asked = None,
    tier: Tier = "public",
) -> ReleaseCounts:
    """Return counts over several closed periods, never a new rounding.

    Over a whole month, quarter or year each person counts once (`counts` is `persons`); over any other range once in
    each period (`person-periods`). 404 with the `missing` periods unless all of them are published.
    """
    programme = _programme(programmes, programme_id, "/programme_id")
    start, end = asked_period(first, "/from"), asked_period(last, "/to")
    own = ("from", "to", "tier")
    parts = periods_between(start, end, programme.period_kind)
    found = await queries.published(
        session,
        programme.id,
        since=start.start,
        until=end.end,
        internal=is_internal(caller, tier),
    )
    published = [each for each in found if Period.parse(each.period) in parts]
    missing = [p.id for p in parts if p.id not in {each.period for each in published}]
    if missing or not parts:
        _asked(request, programme.names, own)
        raise (
            NOT_FOUND.because(
                "these_periods_are_not_published", ", ".join(missing[:MOST_NAMED]), missing=missing
            )
            if parts
            else NOT_FOUND.because("no_release_of_these_periods_is_published")
        )
    cube = combined(published, f"{first}..{last}")
    asked = _asked(request, cube.names, own)
    return await _counts(cube, asked, [each.id for each in published])


@routes.post("/releases", status_code=201)
async def close_release(
    *,
    request: Request,
    caller: Publisher,
    session: Session,
    programmes: Programmes,
    body: CloseRelease,
) -> ReleaseView:
    """Close a period: count it, round it once, and ask the contributors to sign off. Needs the role im."""
    settings = cast("Settings", context_of(request).settings)
    lost = None if body.never_closed else settings.lost_until()
    order = service.Order(
        _programme(programmes, body.programme, "/programme"), asked_period(body.period), lost
    )
    key = settings.rounding_key_bytes
    return _view(await service.close(session, caller, order, key), caller)


@routes.get("/releases")
async def list_releases(
    *,
    caller: Reader,
    session: Session,
    programmes: Programmes,
    programme: Annotated[str | None, Query(max_length=80)] = None,
    period: Annotated[str | None, Query(max_length=10)] = None,
    status: Annotated[
        Literal["draft", "published", "withdrawn"] | None,
        Query(description="Only these: drafts wait for their contributors or for publication."),
    ] = None,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[ReleaseView]:
    """List published releases, newest period first; drafts for the IM role and their contributors."""
    found = await queries.visible(
        session,
        caller,
        programme=programme,
        period=asked_period(period).id if period else None,
        status=status,
        after=keys_in(cursor, day_in, id_in),
        limit=limit + 1,
    )
    if programme is not None and not found:
        _programme(programmes, programme, "/programme")
    return page_of(found, limit, lambda each: _view(each, caller), attrgetter("period_start", "id"))


@routes.get("/releases/{release_id}")
async def read_release(
    *,
    request: Request,
    caller: Reader,
    session: Session,
    release_id: ReleaseId,
    tier: Tier = "public",
) -> ReleaseDetail:
    """Return a release with its dimensions and its expected errors."""
    release = await _visible(session, caller, release_id)
    cube = await queries.cube_of(session, release_id, internal=is_internal(caller, tier))
    alone = cast("Settings", context_of(request).settings).one_person_publishes
    stood = (await queries.who_stood_for(session, [release_id])).get(release_id, ())
    return ReleaseDetail(
        **_view(release, caller).model_dump(),
        possible_steps=service.legal(caller, release, stood, alone=alone),
        dimensions={each.name: list(each.codes) for each in cube.dimensions},
        groups={
            each.name: {code: list(codes) for code, codes in each.groups.items()}
            for each in cube.dimensions
        },
        expected_errors=_expected(cube),
    )


@routes.get("/releases/{release_id}/query", dependencies=[OwnQuery])
async def query_release(
    *,
    request: Request,
    caller: Reader,
    session: Session,
    release_id: ReleaseId,
    by: Asked = None,
    tier: Tier = "public",
) -> ReleaseCounts:
    """Return protected counts by dimensions: `?by=area,sex&area=VE23&age_band=children`.

    A dimension or code outside the programme is 422 with the allowed ones.
    """
    await _visible(session, caller, release_id)
    await refuse_withdrawn(session, release_id)
    cube = await queries.cube_of(session, release_id, internal=is_internal(caller, tier))
    return await _counts(cube, _asked(request, cube.names, ("tier",)), [release_id])


@routes.post("/releases/{release_id}/sign-offs")
async def sign_off(caller: Contributing, session: Session, release_id: ReleaseId) -> ReleaseView:
    """Agree, for your organisation, to the publication of this draft."""
    return _view(await service.sign_off(session, caller, release_id), caller)


@routes.post("/releases/{release_id}/waivers")
async def waive(
    caller: Publisher, session: Session, release_id: ReleaseId, body: Waiver
) -> ReleaseView:
    """Continue without a contributor that does not answer; the reason is recorded."""
    waived = await service.waive(session, caller, release_id, body.organisation_id, body.reason)
    return _view(waived, caller)


@routes.post("/releases/{release_id}/publish", dependencies=[StepUp])
async def publish(
    request: Request, caller: Publisher, session: Session, release_id: ReleaseId
) -> ReleaseView:
    """Publish a release to everyone.

    409 `sign_off_missing` while a contributor has not agreed, 403 `second_person_needed` if you closed it yourself and
    no contributor signed it off.
    """
    alone = cast("Settings", context_of(request).settings).one_person_publishes
    return _view(await service.publish(session, caller, release_id, alone=alone), caller)


@routes.post("/releases/{release_id}/withdrawal", dependencies=[StepUp])
async def ask_withdrawal(
    caller: Preparing, session: Session, release_id: ReleaseId, body: AskWithdrawal
) -> ReleaseView:
    """Request the withdrawal of a mistaken publication, with a reason that everybody will read.

    Nothing changes until a second person agrees. Withdraw the bulletins that quote it, too: `/bulletins?quotes=`.
    """
    release = await _visible(session, caller, release_id)
    await withdrawals.ask(session, caller, release_id, body.reason, published=release.published)
    return _view(await _visible(session, caller, release_id), caller)


@routes.post("/releases/{release_id}/withdrawal/agreement", dependencies=[StepUp])
async def agree_to_withdrawal(
    request: Request, caller: Preparing, session: Session, release_id: ReleaseId
) -> ReleaseView:
    """Withdraw a release permanently: its numbers answer 410 with the reason, and spans that need it lack a period.

    403 `second_person_needed` for the person who requested it.
    """
    alone = cast("Settings", context_of(request).settings).one_person_publishes
    return _view(await service.withdraw(session, caller, release_id, alone=alone), caller)


def is_internal(caller: Principal, tier: str) -> bool:
    if tier == "internal" and READ_SCOPE not in caller.scopes:
        raise FORBIDDEN.because("internal_tier_needs_scope", READ_SCOPE)
    return tier == "internal"


async def _visible(session: Session, caller: Principal, release_id: UUID) -> Release:
    return await service.required(session, caller, release_id)


def _asked(request: Request, names: tuple[str, ...], own: tuple[str, ...]) -> ReleaseQuery:
    try:
        return question(request.query_params.multi_items(), names, own)
    except OutsideProgrammeError as error:
        raise outside(error, f"/{error.field}") from None


async def _counts(
    cube: ProtectedCube, asked: ReleaseQuery, release_ids: list[UUID]
) -> ReleaseCounts:
    try:
        given = await asyncio.to_thread(answer, cube, asked)
    except OutsideProgrammeError as error:
        raise outside(error, f"/{error.field}") from None
    return ReleaseCounts(
        release_ids=release_ids,
        programme=cube.programme,
        period=cube.period,
        k=cube.k,
        by=list(asked.by),
        filters={name: list(codes) for name, codes in asked.filters.items()},
        counts=cube.counts,
        total=given.total.count,
        low=given.total.low,
        high=given.total.high,
        rows=[
            Count(
                at=dict(row.coordinates),
                count=row.count,
                low=row.low,
                high=row.high,
                share=share.value,
                share_low=share.low,
                share_high=share.high,
            )
            for row, share in given.rows
        ],
        share_absent_because=given.share_absent_because,
        expected_errors=_expected(cube),
    )


def contributors_of(release: Release, caller: Principal) -> list[Contributor] | None:
    """Return the contributors who sign off. The IM role sees all contributors; a contributor sees only itself.

    The list reveals which organisations recorded somebody, and where, so nobody else may see it. Once the release is
    published, nobody sees it at all.
    """
    if release.published:
        return None
    return [
        Contributor(
            organisation_id=each.organisation_id,
            signed_off=each.signed_at is not None,
            waived=each.waived_because is not None,
        )
        for each in release.sign_offs
        if Role.IM in caller.roles or each.organisation_id == caller.organisation_id
    ]


def _view(release: Release, caller: Principal) -> ReleaseView:
    status = "published" if release.published else "draft"
    told = {
        "status": "withdrawn" if release.withdrawn else status,
        "public_k": None,
        "contributors": contributors_of(release, caller),
        "withdrawal": withdrawal_view(release.withdrawal, caller),
    }
    return ReleaseView.model_validate({**vars(release), **told})


def _expected(cube: ProtectedCube) -> list[Expected]:
    return [Expected.model_validate(each, from_attributes=True) for each in cube.expected_errors]


def _programme(programmes: Catalogue, programme_id: str, pointer: str) -> Programme:
    try:
        return programmes.get(programme_id)
    except OutsideProgrammeError as error:
        raise outside(error, pointer) from None


def _programme_view(programme: Programme) -> ProgrammeView:
    return ProgrammeView(
        id=programme.id,
        title=dict(programme.title),
        unit=dict(programme.unit),
        note=dict(programme.note),
        period_kind=programme.period_kind.value,
        k=programme.k,
        public_k=None,
        profile=programme.profile,
        dimensions={
            each.name: {code: dict(labels) for code, labels in each.code_labels.items()}
            for each in programme.dimensions
        },
    )
