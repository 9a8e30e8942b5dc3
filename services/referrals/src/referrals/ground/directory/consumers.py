"""Updates the directory projection from events, in any order of arrival."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.events.directory import (
    CapacityChanged,
    OrganizationRecorded,
    OrganizationSucceeded,
    PathwayPublished,
    ServiceData,
    ServiceWithdrawn,
    SightChanged,
)
from common.events.envelope import Envelope
from common.events.readers import READ_BY
from common.happenings import tell
from common.messaging import TOGETHER, Subscription
from common.sight import states_of
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground import happenings
from referrals.ground.directory.models import (
    DirectoryOrganisation,
    DirectoryService,
    PathwayAlternative,
)
from referrals.ground.directory.queries import choosable
from referrals.ground.protocols.service import countries_of
from referrals.ground.restrictions.service import remember_word
from referrals.ground.restrictions.words import OF_DIRECTORY, Kind
from referrals.ground.row_security import act_as_service

_services = DirectoryService.metadata.tables["directory_services"]
_STATE = frozenset({"functional_status", "capacity_state", "referable", "state_version"})
_organisations = DirectoryOrganisation.metadata.tables["directory_organisations"]
_alternatives = PathwayAlternative.metadata.tables["pathway_alternatives"]


_WRITER_LOCK = 0x52555244
"""Advisory lock of the projection's writer, since several events in one transaction lock several rows."""


async def take(session: AsyncSession, received: Sequence[tuple[Any, Envelope]]) -> None:
    """Store newer data, then announce the affected services."""
    await act_as_service(session)
    changed: dict[UUID, None] = {}
    for event, _ in received:
        if isinstance(event, PathwayPublished):
            await _replace_pathway(session, event)
        elif isinstance(event, SightChanged):
            await _keep_restrictions(session, event)
        elif isinstance(event, OrganizationRecorded):
            await _know_organisation(session, event)
        elif isinstance(event, OrganizationSucceeded):
            await _keep_succession(session, event)
        elif await _is_news(session, event):
            changed[event.service_id] = None
    if changed:
        await judge(session, list(changed), clock.now())


async def judge(session: AsyncSession, service_ids: Sequence[UUID], now: datetime) -> None:
    """Announce for each of these services whether users may choose it now."""
    judged = await choosable(session, service_ids, now)
    await tell(session, happenings.ServicesChanged(judged, now))


async def _is_news(session: AsyncSession, event: ServiceData | CapacityChanged) -> bool:
    if isinstance(event, CapacityChanged):
        return await _take_capacity(session, event)
    row = {
        "service_id": event.service_id,
        "organisation_id": event.organisation_id,
        "version": event.version,
        "state_version": event.version,
        "categories": list(event.categories),
        "aors": list(event.aors),
        "areas": list(event.areas),
        "visibility": event.visibility,
        "functional_status": event.functional_status,
        "capacity_state": event.capacity_state,
        "referable": event.referable and not isinstance(event, ServiceWithdrawn),
        "withdrawn": isinstance(event, ServiceWithdrawn),
        "valid_until": event.valid_until,
        "minimum_age": event.minimum_age,
        "maximum_age": event.maximum_age,
        "endorsed_by": list(event.endorsed_by),
        "managed_by": event.managed_by,
        "states": list(states_of(event.areas) if event.states is None else event.states),
        "countries": list(_countries(event)),
        "seen_at": clock.now(),
    }
    taken = await session.scalar(_newer(row).returning(_services.c.service_id))
    return taken is not None


async def _keep_restrictions(session: AsyncSession, event: SightChanged) -> None:
    if event.entry in OF_DIRECTORY:  # any other entry belongs to a later release
        word, version = event.word(), event.version
        await remember_word(session, Kind(event.entry), event.entry_id, word, version=version)


async def _know_organisation(session: AsyncSession, event: OrganizationRecorded) -> None:
    known = {"organisation_id": event.organisation_id, "seen_at": clock.now()}
    await session.execute(insert(_organisations).values(known).on_conflict_do_nothing())


async def _keep_succession(session: AsyncSession, event: OrganizationSucceeded) -> None:
    """Store the succession; the worker offers the cases (`case.transfers.service.offer_left_behind`)."""
    word = {
        "organisation": str(event.organisation_id),
        "successor": str(event.successor_id),
        "kind": event.kind,
        "areas": list(event.areas),
        "at": event.decided_at.isoformat(),
    }
    await remember_word(session, Kind.SUCCESSION, event.succession_id, word)


def _countries(event: ServiceData) -> Sequence[str]:
    """Return the event's countries. Older events have only areas, which imply the countries."""
    return countries_of(event.areas) if event.countries is None else event.countries


def _newer(row: dict[str, Any]) -> Insert:
    """Keep the newer value of each column, judged by that column's own version, because a capacity change may overtake
    another event."""
    new = insert(_services).values(row)
    newest = {name: _newest(new.excluded, name) for name in row if name != "service_id"}
    newest["former_organisation_id"] = sa.case(
        (
            sa.and_(
                _services.c.version < new.excluded.version,
                _services.c.organisation_id != new.excluded.organisation_id,
            ),
            _services.c.organisation_id,
        ),
        else_=_services.c.former_organisation_id,
    )
    return new.on_conflict_do_update(
        index_elements=["service_id"],
        set_=newest,
        where=sa.or_(
            _services.c.version < new.excluded.version,
            _services.c.state_version < new.excluded.state_version,
        ),
    )


def _newest(arrived: Any, name: str) -> Any:
    """Return the new value of a column if its own version is newer than the stored one."""
    version = _services.c["state_version" if name in _STATE else "version"]
    return sa.case((version < arrived.version, arrived[name]), else_=_services.c[name])


async def _take_capacity(session: AsyncSession, event: CapacityChanged) -> bool:
    changed = await session.execute(
        sa.update(_services)
        .where(
            _services.c.service_id == event.service_id, _services.c.state_version < event.version
        )
        .values(
            state_version=event.version,
            capacity_state=event.capacity_state,
            functional_status=event.functional_status,
            referable=event.referable,
            seen_at=clock.now(),
        )
        .returning(_services.c.service_id)
    )
    return changed.first() is not None


async def _replace_pathway(session: AsyncSession, event: PathwayPublished) -> None:
    """Replace this pathway's services, unless a newer version is stored."""
    known = await session.scalar(
        sa.select(sa.func.max(_alternatives.c.version)).where(
            _alternatives.c.pathway_id == event.pathway_id
        )
    )
    if known is not None and known >= event.version:
        return
    await session.execute(
        sa.delete(_alternatives).where(_alternatives.c.pathway_id == event.pathway_id)
    )
    rows = [
        {
            "pathway_id": event.pathway_id,
            "version": event.version,
            "aor": event.aor,
            "area": event.area,
            "step": step.step,
            "need": step.need,
            "rank": rank,
            "service_id": service_id,
        }
        for step in event.steps
        for rank, service_id in enumerate(step.alternatives, start=1)
    ]
    if rows:
        await session.execute(insert(_alternatives).on_conflict_do_nothing(), rows)


async def flag_stale(session: AsyncSession, now: datetime) -> int:
    """Announce services whose entry has since expired; return their number."""
    await act_as_service(session)
    stale: list[UUID] = list(
        await session.scalars(
            sa.select(col(DirectoryService.service_id)).where(
                col(DirectoryService.referable), col(DirectoryService.valid_until) <= now
            )
        )
    )
    if stale:
        await judge(session, stale, now)
    return len(stale)


SUBSCRIPTION = Subscription(
    producer="directory",
    durable="referrals",
    kinds=READ_BY["directory"]["referrals"],
    apply=take,
    at_once=TOGETHER,
    writer_lock=_WRITER_LOCK,
)
