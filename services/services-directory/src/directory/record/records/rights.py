"""Rules for who may read or change the record of a service."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from common.auth import Principal, Role
from common.sight import PATHWAY

from directory.errors import NOT_YOURS
from directory.ground.entries.states import curates


@dataclass(frozen=True)
class Scope:
    """Decides who may read a service's record, change it and approve it."""

    organization_id: UUID
    managed_by: UUID
    aors: list[str]
    states: list[str]


def scope_of(row: Any) -> Scope:
    return Scope(row.organization_id, row.managed_by, list(row.aors), list(row.states))


def owns(caller: Principal, scope: Scope) -> bool:
    return caller.organisation_id in (scope.organization_id, scope.managed_by)


def may_read(caller: Principal, row: Any) -> bool:
    scope = scope_of(row)
    if owns(caller, scope):
        return True
    if not curates(caller, scope.aors, scope.states):
        return False
    # The IM team curates, but only named coordinators may access a restricted entry.
    return Role.COORDINATOR in caller.roles or row.visibility <= PATHWAY


def check_owner(caller: Principal, scope: Scope) -> None:
    if not owns(caller, scope) and not curates(caller, scope.aors, scope.states):
        raise NOT_YOURS.because("only_its_organisation_or_curator_changes_this")
