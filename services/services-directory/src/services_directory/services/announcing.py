"""Tells the other services what changed: one event per change, in codes, no more exact than the
service's own visibility allows."""

import math
from datetime import UTC, datetime, time
from typing import Any

import sqlalchemy as sa
from common.events.directory import (
    CapacityChanged,
    ServiceChanged,
    ServiceData,
    ServicePublished,
    ServiceWithdrawn,
)
from common.messaging import outbox
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.hsds.rendering import Facts
from services_directory.hsds.visibility import NAMES, level_of
from services_directory.services.models import services
from services_directory.services.prepared import Prepared
from services_directory.tables import COMMON

_CAPACITY = ("capacity_state", "functional_status", "referable")


async def announce(
    session: AsyncSession, row: Any, prepared: dict[int, Prepared], facts: Facts, *, changed: bool
) -> None:
    """Append the events of one service row; nothing if nothing that a reader could see changed."""
    before = row.announced
    if prepared:
        after = _data(row, prepared[level_of(row.approved)], facts)
        if before == after and not changed:
            return
        await _published(session, row, before, after)
    elif before is not None:
        await _append(session, row, ServiceWithdrawn, {**before, "referable": False}, 1)
        await _remember(session, row, 1, None)


async def _published(
    session: AsyncSession, row: Any, before: dict[str, Any] | None, after: dict[str, Any]
) -> None:
    kind = ServicePublished if before is None else ServiceChanged
    await _append(session, row, kind, after, 1)
    steps = 1
    if before is not None and any(before.get(key) != after.get(key) for key in _CAPACITY):
        steps = 2
        await outbox.append(
            session,
            COMMON,
            CapacityChanged(
                version=row.event_version + steps,
                service_id=row.id,
                organisation_id=row.organization_id,
                capacity_state=after.get("capacity_state"),
                functional_status=after.get("functional_status"),
                referable=after["referable"],
            ),
            aggregate_id=row.id,
            aggregate_type="service",
        )
    await _remember(session, row, steps, after)


async def _append(
    session: AsyncSession, row: Any, kind: type[ServiceData], data: dict[str, Any], step: int
) -> None:
    event = kind.model_validate({**data, "version": row.event_version + step})
    await outbox.append(session, COMMON, event, aggregate_id=row.id, aggregate_type="service")


async def _remember(session: AsyncSession, row: Any, steps: int, data: Any) -> None:
    await session.execute(
        sa.update(services)
        .where(services.c.id == row.id)
        .values(event_version=row.event_version + steps, announced=data)
    )


def _data(row: Any, open_form: Prepared, facts: Facts) -> dict[str, Any]:
    """Event data as JSON, from the most open document there is of the service."""
    columns = open_form.columns
    until = columns.valid_until
    data = {
        "service_id": str(row.id),
        "organisation_id": str(row.organization_id),
        "categories": columns.categories,
        "aors": list(row.aors),
        "areas": columns.areas,
        "visibility": NAMES[open_form.level],
        "functional_status": columns.functional_status,
        "capacity_state": columns.capacity_state,
        "referable": facts.referable,
        "valid_until": until and datetime.combine(until, time.max, UTC).isoformat(),
        "minimum_age": None if columns.minimum_age is None else math.floor(columns.minimum_age),
        "maximum_age": None if columns.maximum_age is None else math.ceil(columns.maximum_age),
        "provider_level": columns.provider_level,
        "endorsed_by": list(facts.endorsed_by),
        "pre_crisis": columns.pre_crisis,
    }
    return {key: value for key, value in data.items() if value is not None}
