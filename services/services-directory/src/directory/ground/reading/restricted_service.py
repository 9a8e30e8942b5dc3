"""Logs who saw a restricted service, in the response's transaction, so that every response has a log entry."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from common import clock
from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.reading.models import restricted_reads


async def log_restricted(
    session: AsyncSession, caller: Principal, route: str, service_ids: Iterable[UUID]
) -> None:
    rows = [_row(caller, route, service_id) for service_id in sorted(service_ids)]
    if rows:
        await session.execute(restricted_reads.insert(), rows)


async def log_look(session: AsyncSession, caller: Principal, route: str) -> None:
    """Log that the caller read the log."""
    await session.execute(restricted_reads.insert(), [_row(caller, route, None)])


def _row(caller: Principal, route: str, service_id: UUID | None) -> dict[str, Any]:
    return {
        "service_id": service_id,
        "client_id": caller.subject,
        "organisation_id": caller.organisation_id,
        "route": route,
        "at": clock.now(),
    }
