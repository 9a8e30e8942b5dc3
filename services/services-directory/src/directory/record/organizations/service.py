"""Use cases for organisations: find or create the organisation that a document names, and change it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.events.directory import OrganizationRecorded
from common.happenings import tell
from common.ids import new_id
from common.messaging import append
from common.sight import PARTNERS
from common.words.places import folded
from sqlalchemy.ext.asyncio import AsyncSession

from directory.errors import NOT_YOURS, UNKNOWN_REFERENCE
from directory.ground.entries.history import record_history
from directory.ground.entries.ids import own_id
from directory.ground.entries.restriction_events import tell_restricted
from directory.ground.entries.schemas import Upserted
from directory.ground.entries.states import CURATE, reads_every_record
from directory.ground.happenings import OrganizationChanged
from directory.ground.hsds.identity import with_ids
from directory.ground.hsds.restricted import Word, restricted, word_of
from directory.ground.hsds.schemas import OrganizationDocument
from directory.ground.hsds.visibility import level_of
from directory.ground.identities.queries import by_external_id
from directory.ground.identities.service import ExternalId, remember
from directory.record.organizations.models import organizations
from directory.record.organizations.refresh import store_organization
from directory.record.organizations.rights import owns
from directory.record.records.queries import reads_one_of
from directory.tables import COMMON

KIND = "organization"
KIND_OF_WORD = "organisation"
"""The kind of entry in events about restrictions."""


async def may_change(session: AsyncSession, caller: Principal, row: Any) -> bool:
    """Return whether the caller may change the organisation. Its own people, the person who entered it, and curators
    may. For a confidential organisation, a curator must be able to read the record of one of its services."""
    if owns(caller, row):
        return True
    if CURATE not in caller.scopes:
        return False
    if row.visibility <= PARTNERS:
        return True
    return await reads_one_of(session, caller, row.id)


async def upsert_organization(
    session: AsyncSession,
    caller: Principal,
    document: OrganizationDocument,
    *,
    source: str | None = None,
    external_id: str | None = None,
    organization_id: UUID | None = None,
) -> Upserted:
    """Create or change an organisation. Raise 403 if it belongs to another organisation. Identify it by
    `organization_id`, else by (source, external_id), else by the document's id. As a last resort, use the name
    (ignoring accents and case) among the organisations that the caller's organisation manages."""
    if organization_id:
        row = await _row(session, organization_id)
    else:
        row = await _found(session, caller, document, source, external_id)
    identity = row.id if row is not None else organization_id or document.id or new_id()
    plain = with_ids(document.plain(), identity)
    if row is None:
        _check_may_create(caller, identity)
        return await _created(
            session, caller, identity, plain, source=source, external_id=external_id
        )
    if not await may_change(session, caller, row):
        raise NOT_YOURS.because("only_organisation_itself_or_curator_changes_this")
    if row.document == plain:
        return Upserted(identity, "unchanged", row.version, "approved")
    return await _changed(session, caller, row, plain)


async def ensure_organization(
    session: AsyncSession,
    caller: Principal,
    document: OrganizationDocument,
    *,
    source: str | None = None,
) -> Any:
    """Return the organisation that a service names. Create it if it is unknown; never change it."""
    row = await _found(session, caller, document, source, None)
    if row is not None:
        if not owns(caller, row):
            # A caller who may not create the organisation must not learn whether it exists.
            _check_may_create(caller, row.id)
        if await _may_name(session, caller, row):
            return row
        # Create a copy under an id of the caller's own organisation, as for services (0037).
        apart = document.model_copy(update={"id": own_id(caller, row.id)})
        return await ensure_organization(session, caller, apart)
    made = await upsert_organization(session, caller, document)
    if source is not None:
        name = f"name:{folded(document.name)}"
        await remember(session, [ExternalId(KIND, source, name, made.id)])
    return await _row(session, made.id)


async def _may_name(session: AsyncSession, caller: Principal, row: Any) -> bool:
    """Return whether the caller may enter services for this organisation. Each service contains its organisation's
    record, so a confidential organisation needs a caller who may read it."""
    return (
        row.visibility <= PARTNERS
        or reads_every_record(caller)
        or await may_change(session, caller, row)
    )


async def bring_in(
    session: AsyncSession,
    caller: Principal,
    document: OrganizationDocument,
    *,
    ours: bool,
    dry: bool = False,
) -> tuple[str, dict[str, Any]] | None:
    """Import an organisation from a file. Return `created`, `changed` or `unchanged` with its record. Return None if it
    is left unchanged because the caller has no right to it. `ours` means that the same publisher sent it before. Fields
    that the file lacks remain. A dry run gives the same result without writing or locking."""
    if document.id is None:
        return None
    row = await _row(session, document.id, lock=not dry)
    if row is None:
        if CURATE not in caller.scopes and document.id != caller.organisation_id:
            return None
        if not dry:
            await upsert_organization(session, caller, document)
        return "created", with_ids(document.plain(), document.id)
    if not await may_change(session, caller, row):
        return None
    given = with_ids(document.plain(), row.id)
    # A package puts places into services, so the organisation's own place list is incomplete.
    plain = {**row.document, **{key: value for key, value in given.items() if key != "locations"}}
    if plain == row.document:
        return "unchanged", plain
    if not ours:
        return None
    if not dry:
        await _changed(session, caller, row, plain)
    return "changed", plain


@dataclass(frozen=True, slots=True)
class Expected:
    """An organisation that an import would create."""

    id: UUID
    managed_by: UUID
    document: dict[str, Any]


async def expected(
    session: AsyncSession,
    caller: Principal,
    document: OrganizationDocument | None,
    *,
    named: UUID | None,
    own: UUID | None,
    source: str,
) -> Any:
    """Return the organisation that a service would get, or the organisation that would be created. `own` is the
    service's current organisation. This only reads and takes no lock."""
    if document is not None:
        row = await _found(session, caller, document, source, None, lock=False)
        if row is not None:
            if not owns(caller, row):
                _check_may_create(caller, row.id)
            if await _may_name(session, caller, row):
                return row
            apart = own_id(caller, row.id)
            made = await _row(session, apart, lock=False)
            return made or Expected(apart, caller.organisation, with_ids(document.plain(), apart))
        identity = document.id or new_id()
        _check_may_create(caller, identity)
        return Expected(identity, caller.organisation, with_ids(document.plain(), identity))
    if own is not None:
        return await _row(session, own, lock=False)
    return await require(session, caller, named or caller.organisation, lock=False)


async def require(
    session: AsyncSession,
    caller: Principal,
    organization_id: UUID,
    *,
    lock: bool = True,
    pointer: str = "/organization_id",
) -> Any:
    """Return the row. Raise 422 if it does not exist or the principal may not know about it."""
    row = await _row(session, organization_id, lock=lock)
    if row is None or (row.visibility > PARTNERS and not await may_change(session, caller, row)):
        raise UNKNOWN_REFERENCE.because("no_organisation_has_this_id_create", pointer=pointer)
    return row


async def known(session: AsyncSession, organization_id: UUID) -> Any:
    """Return the row of an organisation that exists and that the caller may name."""
    return await _row(session, organization_id)


async def changeable(session: AsyncSession, caller: Principal, organization_id: UUID) -> Any:
    """Return the locked row if the principal may change it, or else None. The lock lets the caller read the version and
    then change the row."""
    row = await _row(session, organization_id)
    return row if row is not None and await may_change(session, caller, row) else None


async def _row(session: AsyncSession, organization_id: UUID, *, lock: bool = True) -> Any:
    found = sa.select(organizations).where(organizations.c.id == organization_id)
    if lock:
        found = found.with_for_update()
    return (await session.execute(found)).one_or_none()


async def _found(
    session: AsyncSession,
    caller: Principal,
    document: OrganizationDocument,
    source: str | None,
    external_id: str | None,
    *,
    lock: bool = True,
) -> Any:
    name = folded(document.name)
    if source and external_id:
        own = await by_external_id(session, KIND, source, external_id)
    elif document.id is not None:
        own = document.id
    else:
        own = await by_external_id(session, KIND, source, f"name:{name}") if source else None
        own = own or await session.scalar(
            sa.select(organizations.c.id)
            .where(
                organizations.c.plain_name == name,
                sa.or_(
                    organizations.c.managed_by == caller.organisation_id,
                    organizations.c.id == caller.organisation_id,
                ),
            )
            .order_by(organizations.c.id)
            .limit(1)
        )
    return await _row(session, own, lock=lock) if own else None


def _check_may_create(caller: Principal, identity: UUID) -> None:
    if CURATE in caller.scopes or identity == caller.organisation_id:
        return
    raise NOT_YOURS.because(
        "your_client_enters_its_own_organisation",
        caller.organisation_id,
        pointer="/organization/id",
    )


async def _created(
    session: AsyncSession,
    caller: Principal,
    identity: UUID,
    plain: dict[str, Any],
    *,
    source: str | None,
    external_id: str | None,
) -> Upserted:
    now = clock.now()
    await session.execute(
        organizations.insert().values(
            id=identity,
            document=plain,
            managed_by=caller.organisation,
            visibility=level_of(plain),
            version=1,
            created_at=now,
            modified_at=now,
            plain_name=folded(plain["name"]),
        )
    )
    await record_history(session, caller, KIND, identity, version=1, old={}, new=plain)
    if source and external_id:
        await remember(session, [ExternalId(KIND, source, external_id, identity)])
    await store_organization(session, identity)
    await _tell_restricted(session, identity, 1, {}, plain)
    await _tell_recorded(session, identity, 1)
    return Upserted(identity, "created", 1, "approved")


async def _tell_recorded(session: AsyncSession, own: UUID, version: int) -> None:
    event = OrganizationRecorded(version=version, organisation_id=own)
    await append(session, COMMON, event)


async def end(session: AsyncSession, caller: Principal, own: UUID) -> None:
    """End the organisation. Only its name stays visible, and only to organisations."""
    row = await _row(session, own)
    ended_at = clock.now()
    await session.execute(
        sa.update(organizations)
        .where(organizations.c.id == own)
        .values(ended_at=ended_at, version=row.version + 1, modified_at=ended_at)
    )
    await record_history(
        session,
        caller,
        KIND,
        own,
        version=row.version + 1,
        old={"ended_at": None},
        new={"ended_at": ended_at.isoformat()},
    )
    await store_organization(session, own)


async def _tell_restricted(
    session: AsyncSession, own: UUID, version: int, old: dict[str, Any], new: dict[str, Any]
) -> None:
    word = word_of(new, withdrawn=False)
    if word != word_of(old, withdrawn=False):
        await tell_restricted(session, KIND_OF_WORD, own, version, word)


async def restrict_again(session: AsyncSession, own: UUID, word: Word) -> int:
    """Restrict the organisation again after a restore. Return 1 if this hid more of it, else 0."""
    row = await _row(session, own)
    plain = None if row is None else restricted(row.document, word)
    if plain is None or plain == row.document:
        return 0
    await _changed(session, None, row, plain)
    return 1


async def words_now(session: AsyncSession) -> list[tuple[UUID, Word]]:
    """Return the restriction of each organisation with hidden parts."""
    rows = await session.execute(sa.select(organizations.c.id, organizations.c.document))
    words = ((row.id, word_of(row.document, withdrawn=False)) for row in rows)
    return [(own, word) for own, word in words if word]


async def _changed(
    session: AsyncSession, caller: Principal | None, row: Any, plain: dict[str, Any]
) -> Upserted:
    version = row.version + 1
    await session.execute(
        sa.update(organizations)
        .where(organizations.c.id == row.id)
        .values(
            document=plain,
            visibility=level_of(plain),
            version=version,
            modified_at=clock.now(),
            plain_name=folded(plain["name"]),
        )
    )
    await record_history(
        session, caller, KIND, row.id, version=version, old=row.document, new=plain
    )
    await store_organization(session, row.id)
    await _tell_restricted(session, row.id, version, row.document, plain)
    await _tell_recorded(session, row.id, version)
    await tell(session, OrganizationChanged(row.id))
    return Upserted(row.id, "changed", version, "approved")


async def organization_looked_at(session: AsyncSession, own: UUID) -> None:
    """Store the organisation and its services after a review decided whether it is a safe house."""
    await store_organization(session, own)
    await tell(session, OrganizationChanged(own))


async def names(session: AsyncSession, caller: Principal, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of those given organisations that every verified organisation may know about."""
    rows = await session.execute(
        sa.select(organizations.c.id, organizations.c.document["name"].astext).where(
            organizations.c.id == sa.any_(sa.literal(list(ids), sa.ARRAY(sa.Uuid))),
            sa.or_(
                organizations.c.visibility <= PARTNERS,
                organizations.c.managed_by == caller.organisation_id,
            ),
        )
    )
    return {row[0]: row[1] for row in rows}
