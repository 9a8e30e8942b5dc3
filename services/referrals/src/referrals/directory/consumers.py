"""Keeps the projection of the directory up to date from its events, in any order they come."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.events.directory import (
    CapacityChanged,
    PathwayPublished,
    ServiceChanged,
    ServiceData,
    ServicePublished,
    ServiceWithdrawn,
)
from common.events.envelope import Envelope
from common.messaging import Subscription
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.directory.flags import flag_open_referrals
from referrals.directory.models import DirectoryService, PathwayAlternative
from referrals.row_security import act_as_service

_services = DirectoryService.metadata.tables["directory_services"]
_STATE = frozenset({"functional_status", "capacity_state", "referable", "state_version"})
_alternatives = PathwayAlternative.metadata.tables["pathway_alternatives"]


async def on_service(session: AsyncSession, event: ServiceData, _envelope: Envelope) -> None:
    """Take what is newer than what is known: a change of capacity that overtook this event keeps
    its state, and this event still tells the rest."""
    await act_as_service(session)
    values: dict[str, Any] = {
        "organisation_id": event.organisation_id,
        "version": event.version,
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
        "seen_at": clock.now(),
    }
    statement = insert(_services).values(
        service_id=event.service_id, state_version=event.version, **values
    )
    applied = await session.execute(
        statement.on_conflict_do_update(
            index_elements=["service_id"],
            set_={name: _newest(statement.excluded, name) for name in (*values, "state_version")},
            where=sa.or_(
                _services.c.version < event.version, _services.c.state_version < event.version
            ),
        ).returning(_services.c.service_id)
    )
    if applied.first() is not None:
        await flag_open_referrals(session, [event.service_id], clock.now())


def _newest(arrived: Any, name: str) -> Any:
    """The arrived value of a column if it is newer than the known one, judged by its own version."""
    version = _services.c["state_version" if name in _STATE else "version"]
    return sa.case((version < arrived.version, arrived[name]), else_=_services.c[name])


async def on_capacity(session: AsyncSession, event: CapacityChanged, _envelope: Envelope) -> None:
    await act_as_service(session)
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
    if changed.first() is not None:
        await flag_open_referrals(session, [event.service_id], clock.now())


async def on_pathway(session: AsyncSession, event: PathwayPublished, _envelope: Envelope) -> None:
    """Replace what this pathway offers, unless a newer version was seen."""
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
    """Flag open referrals to services whose entry has run out since; returns how many services."""
    stale: list[UUID] = list(
        await session.scalars(
            sa.select(col(DirectoryService.service_id)).where(
                col(DirectoryService.referable), col(DirectoryService.valid_until) <= now
            )
        )
    )
    if stale:
        await flag_open_referrals(session, stale, now)
    return len(stale)


SUBSCRIPTION = Subscription.one_by_one(
    producer="directory",
    durable="referrals",
    handlers={
        ServicePublished: on_service,
        ServiceChanged: on_service,
        ServiceWithdrawn: on_service,
        CapacityChanged: on_capacity,
        PathwayPublished: on_pathway,
    },
)
