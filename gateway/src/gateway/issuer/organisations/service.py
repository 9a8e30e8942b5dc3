"""Use cases for organisations, including restoring their rights from the external list."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.errors import CONFLICT, NOT_FOUND
from common.ids import new_id
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.changes.service import record
from gateway.issuer.organisations import queries
from gateway.issuer.organisations.models import memberships, organisations
from gateway.issuer.organisations.schemas import NewOrganisation, Organisation, OrganisationChange
from gateway.issuer.revocations.service import revoke
from gateway.issuer.rights import Word
from gateway.issuer.sign_ins.service import end_all_through
from gateway.issuer.tables import change_version


async def shown(session: AsyncSession, row: Any) -> Organisation:
    aors = await queries.membership_aors(session, row["id"])
    return Organisation(**{**row, "aors": list(aors)})


async def found(session: AsyncSession, organisation_id: UUID) -> Any:
    """Return the row, or raise 404."""
    row = await queries.organisation(session, organisation_id)
    if row is None:
        raise NOT_FOUND.because("no_such_organisation")
    return row


async def create(session: AsyncSession, by: Principal, new: NewOrganisation) -> Any:
    identifier = new.id or new_id()
    if await queries.organisation(session, identifier) is not None:
        raise CONFLICT.because("organisation_with_this_id_exists_already", pointer="/id")
    await session.execute(
        sa.insert(organisations).values(
            id=identifier, name=new.name, active=True, version=1, created_at=clock.now()
        )
    )
    await replace_aors(session, identifier, new.aors)
    await record(session, by, "created", "organisation", identifier)
    return await found(session, identifier)


async def ensure(session: AsyncSession, organisation_id: UUID, name: str, aors: list[str]) -> None:
    """Create the organisation and its memberships if they are missing."""
    await session.execute(
        insert(organisations)
        .values(id=organisation_id, name=name, active=True, version=1, created_at=clock.now())
        .on_conflict_do_nothing()
    )
    for aor in aors:
        await session.execute(
            insert(memberships)
            .values(organisation_id=organisation_id, aor=aor)
            .on_conflict_do_nothing()
        )


async def change(session: AsyncSession, by: Principal, row: Any, wanted: OrganisationChange) -> Any:
    """Apply the change and revoke tokens with outdated content."""
    values = wanted.model_dump(exclude_unset=True, exclude={"aors"})
    values = {name: value for name, value in values.items() if value is not None}
    if wanted.active is False:
        await end_what_goes_through(session, row["id"])
    await change_version(session, organisations, row, **values)
    # A form sends all fields, and a change of the name alone must not void tokens.
    before = await queries.membership_aors(session, row["id"])
    aors = before if wanted.aors is None else wanted.aors
    if set(aors) != set(before):
        await replace_aors(session, row["id"], aors)
    if set(aors) != set(before) or wanted.active is False:
        await revoke(session, "organisation", str(row["id"]))
    await record(session, by, "changed", "organisation", row["id"])
    return await found(session, row["id"])


async def end_what_goes_through(session: AsyncSession, organisation_id: UUID) -> None:
    """End the sign-ins of people of any organisation through this organisation's clients. Call this before changing the
    organisation's row, because the issue of a token locks clients first."""
    for client_id in await queries.hold_clients(session, organisation_id):
        await end_all_through(session, client_id)


async def replace_aors(session: AsyncSession, organisation_id: UUID, aors: Iterable[str]) -> None:
    await session.execute(
        sa.delete(memberships).where(memberships.c.organisation_id == organisation_id)
    )
    for aor in aors:
        await session.execute(
            sa.insert(memberships).values(organisation_id=organisation_id, aor=aor)
        )


async def standing(session: AsyncSession, organisation_id: UUID) -> Word | None:
    """Return the organisation's current state for the list, or None if it does not exist."""
    row = await queries.organisation(session, organisation_id)
    if row is None:
        return None
    aors = await queries.membership_aors(session, organisation_id)
    return {"active": row["active"], "aors": list(aors)}


async def hold_to(session: AsyncSession, organisation_id: UUID, word: Word) -> bool:
    """Apply the memberships from the list. Suspend the organisation if either the list or the row says so. Return
    whether anything differed."""
    now = await standing(session, organisation_id)
    if now is None:
        return False
    await end_what_goes_through(session, organisation_id)
    await session.execute(
        sa.update(organisations)
        .where(organisations.c.id == organisation_id)
        .values(
            active=sa.and_(organisations.c.active, sa.literal(word["active"])),
            version=organisations.c.version + 1,
        )
    )
    await replace_aors(session, organisation_id, word["aors"])
    await revoke(session, "organisation", str(organisation_id))
    return now != word
