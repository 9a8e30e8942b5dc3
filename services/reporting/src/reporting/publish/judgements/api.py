"""Routes for judgements: coordinators and the IM role write them, and a second person agrees."""

from operator import attrgetter
from typing import Annotated, Literal
from uuid import UUID

from common.auth import Principal
from common.errors import NOT_FOUND
from common.http import IfMatch, Session, context_of, etag_of, requires, router
from common.paging import CursorText, Limit, Page, id_in, keys_in, page_of
from fastapi import Path, Query, Request, Response

from reporting.ground.programmes.catalogue import Catalogue
from reporting.ground.rights import PREPARING
from reporting.publish.judgements import queries, service
from reporting.publish.judgements.citations import Newest, Statement
from reporting.publish.judgements.schemas import CitedView, StatementBody, StatementView

routes = router("/reports/v1/context/statements", ["context"])

Reader = Annotated[Principal, requires(scope="reports:read")]
Writer = Annotated[Principal, requires(*PREPARING)]
StatementId = Annotated[UUID, Path(description="The id of a statement.")]


@routes.get("")
async def list_statements(
    *,
    caller: Reader,
    session: Session,
    analysis: Annotated[str | None, Query(max_length=60, examples=["trata-2027"])] = None,
    part: Annotated[Literal["problem-tree", "swot"] | None, Query()] = None,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[StatementView]:
    """List statements of problem trees and SWOT lists, each with its sources. Drafts are for coordinators and the IM
    role."""
    found = await queries.visible(
        session,
        caller,
        analysis=analysis,
        tree=None if part is None else part == "problem-tree",
        after=keys_in(cursor, str, id_in),
        limit=limit + 1,
    )
    newest = await queries.newest(session)
    return page_of(
        found, limit, lambda each: _view(each, newest, caller), attrgetter("analysis", "id")
    )


@routes.post("", status_code=201)
async def write_statement(
    request: Request, response: Response, caller: Writer, session: Session, body: StatementBody
) -> StatementView:
    """Write a statement as a draft.

    422 if a cited figure is in no published release, or a number in the text is not cited.
    """
    catalogue: Catalogue = context_of(request).parts["catalogue"]
    return await _answered(
        response, session, caller, await service.write(session, caller, body, catalogue)
    )


@routes.get("/{statement_id}")
async def read_statement(
    response: Response, caller: Reader, session: Session, statement_id: StatementId
) -> StatementView:
    """Return one statement, with its ETag."""
    found = await queries.visible(session, caller, statement_id=statement_id)
    if not found:
        raise NOT_FOUND.because("no_such_statement")
    return await _answered(response, session, caller, found[0])


@routes.put("/{statement_id}")
async def change_statement(
    *,
    request: Request,
    response: Response,
    caller: Writer,
    session: Session,
    statement_id: StatementId,
    body: StatementBody,
    if_match: IfMatch = None,
) -> StatementView:
    """Reword a statement. It becomes a draft again, with you as its author. Send its ETag as If-Match."""
    catalogue: Catalogue = context_of(request).parts["catalogue"]
    changed = await service.change(session, caller, statement_id, if_match, body, catalogue)
    return await _answered(response, session, caller, changed)


@routes.post("/{statement_id}/agreement")
async def agree_to_statement(
    *,
    response: Response,
    caller: Writer,
    session: Session,
    statement_id: StatementId,
    if_match: IfMatch = None,
) -> StatementView:
    """Agree to the statement that you read (its ETag as If-Match), as somebody other than its author."""
    agreed = await service.agree(session, caller, statement_id, if_match)
    return await _answered(response, session, caller, agreed)


@routes.delete("/{statement_id}", status_code=204)
async def remove_statement(
    _caller: Writer, session: Session, statement_id: StatementId, if_match: IfMatch = None
) -> None:
    """Remove a statement; published bulletins stay as they are. Send its ETag as If-Match."""
    await service.remove(session, statement_id, if_match)


async def _answered(
    response: Response, session: Session, caller: Principal, found: Statement
) -> StatementView:
    response.headers["ETag"] = etag_of(found.version)
    return _view(found, await queries.newest(session), caller)


def _view(found: Statement, newest: Newest, caller: Principal) -> StatementView:
    preparing = bool(PREPARING.roles & caller.roles)
    cited = [
        CitedView(**vars(each), written=each.written, superseded=newest.supersedes(each))
        for each in found.cited
    ]
    return StatementView.model_validate(
        {
            **vars(found),
            "cited": cited,
            "without_data": all(each.value is None for each in found.cited),
            "state": "draft" if found.agreed_at is None else "agreed",
            "to_be_reviewed": any(each.superseded for each in cited),
            "written_by": found.written_by if preparing else None,
            "agreed_by": found.agreed_by if preparing else None,
        }
    )
