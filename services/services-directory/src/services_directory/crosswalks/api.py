"""`/directory/v1/crosswalks`: what the terms of an imported taxonomy stand for among our categories."""

from typing import Annotated, Any, cast
from uuid import UUID

from common.auth import Principal
from common.errors import INVALID
from common.paging import CursorText, Limit, Page, id_cursor, page_of
from common.web import Session, answered_as
from common.web import router as unit_of_work_router
from common.web.access import AccessRule
from fastapi import Depends, Query, Request, Response

from services_directory.crosswalks import queries, service, tables_out
from services_directory.crosswalks.schemas import (
    DecisionsIn,
    FollowedOut,
    SourceOut,
    SourcesOut,
    SuggestionOut,
    TermOut,
    TermState,
)
from services_directory.crosswalks.suggesting import suggested

router = unit_of_work_router("/directory/v1/crosswalks", ["crosswalks"])


class WriteOrCurate(AccessRule):
    """Partners write their own services; curators of the directory may hold no write scope."""

    def _check_grants(self, principal: Principal) -> None:
        if "directory:curate" not in principal.scopes or principal.organisation_id is None:
            super()._check_grants(principal)

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "or_scopes": ["directory:curate"]}


Decider = Annotated[Principal, Depends(WriteOrCurate("directory:write", None))]
SourceName = Annotated[
    str,
    Query(
        min_length=1, max_length=120, description="The publisher's name, as `source` of an import."
    ),
]


@router.get("")
async def list_crosswalks(session: Session, principal: Decider) -> SourcesOut:
    """Publishers whose files your organisation imported, with how many of their terms are undecided."""
    rows = await queries.sources_of(session, principal)
    return SourcesOut(
        items=[
            SourceOut(source=_label(row.source), terms=row.terms, undecided=row.undecided)
            for row in rows
        ]
    )


@router.get("/terms", response_model_exclude_none=True)
async def list_terms(
    *,
    session: Session,
    principal: Decider,
    source: SourceName,
    state: TermState | None = None,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[TermOut]:
    """The terms of a publisher, with what was decided and what they may stand for. A suggestion says
    what its words look like, never what the service does: look before you decide."""
    rows = await queries.terms_of(
        session,
        principal,
        _space(principal, source),
        decided=None if state is None else state is TermState.DECIDED,
        after=id_cursor(cursor),
        limit=limit + 1,
    )
    return page_of(rows, limit, _term)


@router.post("/decisions")
async def decide_terms(session: Session, principal: Decider, body: DecisionsIn) -> FollowedOut:
    """Decide what terms stand for, or take decisions back. The services that carry them get the
    categories, or lose those that only a decision gave them; later imports follow it, too. All or
    nothing. A service whose level was raised keeps it."""
    decisions = [service.Decision(each.term_id, each.categories) for each in body.decisions]
    if len({each.term_id for each in decisions}) < len(decisions):
        raise INVALID.because("Decide each term once.", pointer="/decisions")
    return _followed(await service.decide(session, principal, decisions))


@router.get("/file", **answered_as("text/csv"))
async def crosswalk_file(session: Session, principal: Decider, source: SourceName) -> Response:
    """All terms of a publisher as a table to fill in, or to take to another directory."""
    rows = await queries.terms_of(session, principal, _space(principal, source))
    return Response(
        tables_out.written(rows),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="crosswalk.csv"'},
    )


@router.post(
    "/file",
    openapi_extra={
        "requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}
    },
)
async def take_crosswalk_file(
    request: Request, session: Session, principal: Decider, source: SourceName
) -> FollowedOut:
    """Take in a table as the export gives it. Lines with an empty `categories` decide nothing; `-` is
    none of ours; terms that no service carries yet are decided for the next import."""
    given = tables_out.read(await request.body())
    space = _space(principal, source)
    return _followed(await service.take_in(session, principal, space, given))


def _space(principal: Principal, source: str) -> str:
    return f"{principal.organisation}:{source}"


def _label(source: str) -> str:
    return source.partition(":")[2]


def _followed(found: service.Followed) -> FollowedOut:
    return FollowedOut(changed=found.changed, waiting=found.waiting, refused=found.refused)


def _term(row: Any) -> TermOut:
    decided = row.categories is not None
    return TermOut(
        id=cast("UUID", row.id),
        source=_label(row.source),
        taxonomy=row.taxonomy,
        term=row.term,
        name=row.name,
        services=row.services,
        categories=row.categories,
        decided_by=row.decided_by,
        decided_at=row.decided_at if decided else None,
        suggestions=[] if decided else [_suggestion(each) for each in suggested(row.name)],
    )


def _suggestion(given: Any) -> SuggestionOut:
    spanish, english, level = tables_out.labels(given.category)
    return SuggestionOut(
        category=given.category,
        es=spanish,
        en=english,
        score=given.score,
        because=given.because,
        minimum_visibility=cast("Any", level),
    )
