"""`/directory/v1/crosswalks`: which of our categories the terms of an imported taxonomy mean."""

from typing import Annotated, Any, cast
from uuid import UUID

from common.auth import Principal
from common.errors import INVALID
from common.http import Session, answered_as, router
from common.http.access import AccessRule
from common.paging import CursorText, Limit, Page, id_cursor, page_of
from common.words.codelists import categories
from fastapi import Depends, Query, Request, Response

from directory.files.crosswalks import queries, service, tables_out
from directory.files.crosswalks.schemas import (
    CrosswalkSourceOut,
    DecisionsIn,
    FollowedOut,
    SourcesOut,
    SuggestionOut,
    TermOut,
    TermState,
)
from directory.files.crosswalks.suggestions import suggested

routes = router("/directory/v1/crosswalks", ["crosswalks"])


class WriteOrCurate(AccessRule):
    """The write scope for partners, who write their own services, or the curation scope for curators, who may lack the
    write scope."""

    def _check_grants(self, caller: Principal) -> None:
        if "directory:curate" not in caller.scopes or caller.organisation_id is None:
            super()._check_grants(caller)

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "or_scopes": ["directory:curate"]}


Decider = Annotated[Principal, Depends(WriteOrCurate("directory:write", None))]
SourceName = Annotated[
    str,
    Query(
        min_length=1, max_length=120, description="The publisher's name, as `source` of an import."
    ),
]


@routes.get("")
async def list_crosswalks(session: Session, caller: Decider) -> SourcesOut:
    """Publishers whose files your organisation imported, with the number of undecided terms."""
    rows = await queries.sources_of(session, caller)
    return SourcesOut(
        items=[
            CrosswalkSourceOut(source=_label(row.source), terms=row.terms, undecided=row.undecided)
            for row in rows
        ]
    )


@routes.get("/terms", response_model_exclude_none=True)
async def list_terms(
    *,
    session: Session,
    caller: Decider,
    source: SourceName,
    state: TermState | None = None,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[TermOut]:
    """The terms of a publisher, with decisions and suggestions. A suggestion compares words and does not know the
    service: check it before you decide."""
    rows = await queries.terms_of(
        session,
        caller,
        _space(caller, source),
        decided=None if state is None else state is TermState.DECIDED,
        after=id_cursor(cursor),
        limit=limit + 1,
    )
    return page_of(rows, limit, _term)


@routes.post("/decisions")
async def decide_terms(session: Session, caller: Decider, body: DecisionsIn) -> FollowedOut:
    """Decides the meaning of terms, or withdraws decisions. Services with these terms get the categories, or lose those
    that came only from a decision. Later imports follow too. All decisions are saved or none. A service whose level was
    raised keeps it."""
    decisions = [service.Decision(each.term_id, each.categories) for each in body.decisions]
    if len({each.term_id for each in decisions}) < len(decisions):
        raise INVALID.because("decide_each_term_once", pointer="/decisions")
    return _followed(await service.decide(session, caller, decisions))


@routes.get("/file", **answered_as("text/csv"))
async def crosswalk_file(session: Session, caller: Decider, source: SourceName) -> Response:
    """All terms of a publisher as a table to fill in, or to import into another directory."""
    rows = await queries.terms_of(session, caller, _space(caller, source))
    return Response(
        tables_out.written(rows),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="crosswalk.csv"'},
    )


@routes.post(
    "/file",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    },
)
async def take_crosswalk_file(
    request: Request, session: Session, caller: Decider, source: SourceName
) -> FollowedOut:
    """Imports a table in the format of the export. A line with empty `categories` decides nothing; `-` means none of
    ours. Decisions on terms that no service has yet apply to the next import."""
    given = tables_out.read(await request.body())
    space = _space(caller, source)
    return _followed(await service.take_in(session, caller, space, given))


def _space(caller: Principal, source: str) -> str:
    return f"{caller.organisation}:{source}"


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
    category = categories()[given.category]
    return SuggestionOut(
        category=given.category,
        **category.labels,
        score=given.score,
        because=given.because,
        minimum_visibility=category.minimum_visibility,
    )
