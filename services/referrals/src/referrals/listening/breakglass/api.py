"""HTTP routes for break-glass access."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from common.auth import Principal, Role
from common.http import IdempotencyRequired, Session, StepUp, Strict, requires, router
from common.paging import CursorText, Limit, Page, encode_cursor, id_cursor
from fastapi import Query
from pydantic import BaseModel, Field

from referrals.case.cases import service as case_service
from referrals.case.cases.schemas import Attributes, Identity
from referrals.ground.dependencies import Keys
from referrals.ground.vocabulary.ages import Caregiver
from referrals.listening.breakglass import service
from referrals.listening.breakglass.queries import View
from referrals.listening.breakglass.service import Shown

break_glass = router("/referrals/v1/break-glass", ["break-glass"])
Responsible = Annotated[
    Principal, requires("referrals:read", roles={Role.SUPERVISOR, Role.COORDINATOR})
]


class Ask(Strict):
    case_reference: str = Field(min_length=11, max_length=11)
    reason: str = Field(min_length=20, max_length=4000)


class Decide(Strict):
    approve: bool


class AccessView(BaseModel):
    """A break-glass access. `reason` is visible to people who decide or whose organisation holds the case. The
    requester sees the holder only while the access is open."""

    id: UUID
    case_id: UUID
    organisation_id: UUID
    holder_organisation_id: UUID | None
    reason: str | None
    status: Literal["asked", "open", "refused", "ended"]
    requested_by: str
    requested_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    expires_at: datetime | None


class OpenedCase(BaseModel):
    case_id: UUID
    reference: str
    identity: Identity
    attributes: Attributes
    caregiver: Caregiver | None = Field(
        None,
        description="What is known of the caregiver. If it is `implicated` or `absent`, their contact is"
        " not shown.",
    )
    implicated_organisations: list[UUID] = Field(
        [], description="Tell these organisations nothing of the case."
    )


@break_glass.post("", status_code=201, dependencies=[IdempotencyRequired])
async def ask_for_access(
    body: Ask, session: Session, caller: Responsible, keys: Keys
) -> AccessView:
    """Ask to read another organisation's case in an emergency. Its holder is told at once."""
    return _view(await service.ask(session, caller, keys, body.case_reference, body.reason))


@break_glass.get("")
async def list_accesses(
    *,
    session: Session,
    caller: Responsible,
    keys: Keys,
    view: Annotated[
        View, Query(description="What you asked for, what is yours to decide, or your cases'.")
    ] = "mine",
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[AccessView]:
    """List emergency accesses, newest first: `mine`, `to-decide`, or `of-my-cases`."""
    page, last = await service.listed(
        session, caller, keys, view, before=id_cursor(cursor), limit=limit
    )
    return Page(
        items=[_view(each) for each in page], next_cursor=encode_cursor(last) if last else None
    )


@break_glass.get("/{access_id}")
async def read_access(
    access_id: UUID, session: Session, caller: Responsible, keys: Keys
) -> AccessView:
    """An emergency access: its reason, its end and its review."""
    return _view(await service.shown(session, caller, keys, access_id))


@break_glass.post("/{access_id}/decision", dependencies=[StepUp])
async def decide_access(
    access_id: UUID, body: Decide, session: Session, caller: Responsible, keys: Keys
) -> AccessView:
    """Open the access for an hour, or refuse it, as a second person: of the organisation that holds the case, or a
    coordinator of its area of responsibility; never of the organisation that asks."""
    return _view(await service.decide(session, caller, keys, access_id, approve=body.approve))


@break_glass.get("/{access_id}/case")
async def read_opened_case(
    access_id: UUID, session: Session, caller: Responsible, keys: Keys
) -> OpenedCase:
    """Return the decrypted case while the access is open. Each reading is audited, and its holder is told."""
    opened = await service.read(session, caller, keys, access_id)
    return OpenedCase(
        case_id=opened.case.id,
        reference=opened.case.reference,
        identity=case_service.shown_identity(opened.identity),
        attributes=case_service.shown_attributes(opened.attributes),
        caregiver=Caregiver(opened.case.caregiver),
        implicated_organisations=sorted(opened.implicated),
    )


def _view(shown: Shown) -> AccessView:
    told = {"reason": shown.reason, "holder_organisation_id": shown.holder}
    return AccessView.model_validate({**shown.access.model_dump(), **told})
