"""HTTP routes for duplicates: the person's consent to the comparison, and the facts that the two organisations may then
learn."""

from typing import Annotated
from uuid import UUID

from common.http import Session, context_of, router
from common.paging import CursorText, Limit, Page, id_cursor
from fastapi import Depends, Response
from starlette.requests import Request

from referrals.ground.dependencies import CaseReader, Keys, Writer
from referrals.screening.assistance import matching_service
from referrals.screening.assistance.matching import Matching
from referrals.screening.assistance.schemas import MatchConsentBody, MatchConsentView, MatchView

matching_of_case = router("/referrals/v1/cases/{case_id}/matching", ["doubles"])
matches = router("/referrals/v1/matches", ["doubles"])


async def _matching(request: Request) -> Matching:
    found: Matching = context_of(request).parts["matching"]
    return found


MatchingOf = Annotated[Matching, Depends(_matching)]


@matching_of_case.put("")
async def consent_to_matching(
    *,
    case_id: UUID,
    body: MatchConsentBody,
    session: Session,
    caller: Writer,
    keys: Keys,
    matching: MatchingOf,
) -> MatchConsentView:
    """Record that the person agrees to have the case compared. The answer reveals nothing about others."""
    return await matching_service.consent(session, caller, keys, matching, case_id, body)


@matching_of_case.delete("", status_code=204)
async def withdraw_from_matching(case_id: UUID, session: Session, caller: Writer) -> Response:
    """Stop comparing the case with cases of other organisations."""
    await matching_service.withdraw(session, caller, case_id)
    return Response(status_code=204)


@matches.get("")
async def list_matches(
    session: Session, caller: CaseReader, cursor: CursorText = None, limit: Limit = 100
) -> Page[MatchView]:
    """List possible matches, newest first: another organisation may know the same person. Its name appears once both
    persons agree."""
    return await matching_service.listed(session, caller, id_cursor(cursor), limit)


@matches.post("/{match_id}/agree")
async def agree_to_match(match_id: UUID, session: Session, caller: Writer, keys: Keys) -> MatchView:
    """Record that the person was asked and agrees that the other organisation learns of yours."""
    return await matching_service.agree(session, caller, keys, match_id)


@matches.post("/{match_id}/refuse")
async def refuse_match(match_id: UUID, session: Session, caller: Writer) -> MatchView:
    """Refuse the match. The other organisation learns nothing about your case."""
    return await matching_service.refuse(session, caller, match_id)
