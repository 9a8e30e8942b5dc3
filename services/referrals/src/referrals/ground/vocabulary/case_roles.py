"""Roles in an organisation that work with its cases. Pure."""

from common.auth import Principal, Role

CASE_ROLES = frozenset({Role.PARTNER, Role.CASEWORKER, Role.SUPERVISOR})


def works_with_cases(caller: Principal) -> bool:
    """Others of the same organisation read none of its cases: not one by one, and in no list either."""
    return not CASE_ROLES.isdisjoint(caller.roles)
