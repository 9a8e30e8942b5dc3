"""Records of services for those who edit or curate them: who may read, change and approve one."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal, Role
from common.errors import NOT_FOUND
from common.sight import PATHWAY
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.curation.states import curates
from services_directory.errors import NOT_YOURS
from services_directory.organizations import service as organizations
from services_directory.services.models import services

KIND = "service"


@dataclass(frozen=True)
class Scope:
    """Who a service concerns: decides who may read its record, change it and approve it."""

    organization_id: UUID
    managed_by: UUID
    aors: list[str]
    states: list[str]


async def readable_record(
    session: AsyncSession, principal: Principal, service_id: UUID, *, lock: bool = False
) -> Any:
    """The record row for those who edit or curate it; 404 for anybody else."""
    row = await locked(session, service_id) if lock else await row_of(session, service_id)
    if row is None or not may_read(principal, row):
        raise NOT_FOUND.because("No service record has this id.")
    return row


def scope_of(row: Any) -> Scope:
    return Scope(row.organization_id, row.managed_by, list(row.aors), list(row.states))


def owns(principal: Principal, scope: Scope) -> bool:
    return principal.organisation_id in (scope.organization_id, scope.managed_by)


def may_read(principal: Principal, row: Any) -> bool:
    scope = scope_of(row)
    if owns(principal, scope):
        return True
    if not curates(principal, scope.aors, scope.states):
        return False
    # The IM team curates, but a restricted entry is for named coordinators only.
    return Role.COORDINATOR in principal.roles or row.visibility <= PATHWAY


def check_owner(principal: Principal, scope: Scope) -> None:
    if not owns(principal, scope) and not curates(principal, scope.aors, scope.states):
        raise NOT_YOURS.because("Only its organisation or a curator changes this entry.")


def check_may_write(principal: Principal, scope: Scope, organization: Any, row: Any) -> None:
    """An existing entry: its owner or curator. A new one: for an organisation that is one's own."""
    if curates(principal, scope.aors, scope.states) and (row is None or may_read(principal, row)):
        return
    if row is not None and not may_read(principal, row):
        raise NOT_FOUND.because("No service record has this id.")
    if not organizations.owns(principal, organization) or (
        row is not None and not owns(principal, scope_of(row))
    ):
        raise NOT_YOURS.because(
            "Your client enters services of its own organisation only.", pointer="/organization_id"
        )


async def row_of(session: AsyncSession, service_id: UUID) -> Any:
    return (
        await session.execute(sa.select(services).where(services.c.id == service_id))
    ).one_or_none()


async def locked(session: AsyncSession, service_id: UUID) -> Any:
    return (
        await session.execute(
            sa.select(services).where(services.c.id == service_id).with_for_update()
        )
    ).one_or_none()
