"""Roles that work with an organisation's cases. Pure."""

from common.auth import Principal, Role

CASE_ROLES = frozenset({Role.PARTNER, Role.CASEWORKER, Role.SUPERVISOR})


def works_with_cases(caller: Principal) -> bool:
    """Return whether the caller works with cases. Others in the organisation can read no cases, not even in lists."""
    return not CASE_ROLES.isdisjoint(caller.roles)
