"""Roles in an organisation that work with its cases. Pure."""

from common.auth import Principal, Role

CASE_ROLES = frozenset({Role.PARTNER, Role.CASEWORKER, Role.SUPERVISOR})


def works_with_cases(caller: Principal) -> bool:
    """Whether the caller works with cases; others in the organisation can read none, also not in lists."""
    return not CASE_ROLES.isdisjoint(caller.roles)
