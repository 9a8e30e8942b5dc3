"""HTTP routes for information-sharing protocols, which the information-management team maintains."""

from datetime import date
from typing import Annotated
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal, Role
from common.http import IdempotencyRequired, Session, Strict, requires, router
from common.ids import new_id
from pydantic import BaseModel, Field
from sqlmodel import col

from referrals.ground.audit.service import record
from referrals.ground.dependencies import Reader
from referrals.ground.protocols import service
from referrals.ground.protocols.models import Protocol
from referrals.ground.vocabulary.fields import Category, Country

protocols = router("/referrals/v1/protocols", ["protocols"])
Keeper = Annotated[Principal, requires("admin", roles={Role.IM, Role.ADMIN})]


class NewProtocol(Strict):
    """Organisations that may refer from one country to another; if absent, all organisations may."""

    from_country: Country
    to_country: Country
    from_organisation: UUID | None = None
    to_organisation: UUID | None = None
    categories: list[Category] | None = Field(None, min_length=1, max_length=60)
    valid_from: date
    valid_until: date | None = None


class ProtocolView(BaseModel):
    id: UUID
    from_country: str
    to_country: str
    from_organisation: UUID | None
    to_organisation: UUID | None
    categories: list[str] | None
    valid_from: date
    valid_until: date | None


class End(Strict):
    pass


@protocols.post("", status_code=201, dependencies=[IdempotencyRequired])
async def agree_protocol(body: NewProtocol, session: Session, caller: Keeper) -> ProtocolView:
    """Enter an agreed protocol. From now on it covers referrals of its pair."""
    protocol = Protocol(
        id=new_id(), **body.model_dump(), created_at=clock.now(), created_by=caller.subject
    )
    session.add(protocol)
    await session.flush()
    await record(
        session, caller, "protocol.agreed", chain=caller.organisation, target_id=protocol.id
    )
    return ProtocolView.model_validate(protocol, from_attributes=True)


@protocols.get("")
async def list_protocols(session: Session, _caller: Reader) -> list[ProtocolView]:
    """The information-sharing protocols that allow referrals across a border."""
    rows = await session.scalars(
        sa.select(Protocol).where(col(Protocol.ended_at).is_(None)).order_by(col(Protocol.id))
    )
    return [ProtocolView.model_validate(row, from_attributes=True) for row in rows]


@protocols.post("/{protocol_id}/end")
async def end_protocol(
    protocol_id: UUID, _body: End, session: Session, caller: Keeper
) -> ProtocolView:
    """End the protocol. From now on nothing crosses the border under it."""
    protocol = await service.end(session, caller, protocol_id)
    return ProtocolView.model_validate(protocol, from_attributes=True)
