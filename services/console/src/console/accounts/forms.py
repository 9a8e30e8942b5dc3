"""Forms of accounts and the API values that they produce. Pure."""

from typing import Any

from common.auth import Role, scopes_of

from console.forms import Typed, body

ROLES = tuple(Role)
INVITED_FOR = "invitation_days"
INVITATION_DAYS = (1, 7, 30)
OF_ROLES, EXCEPTIONS = "of_roles", "exceptions"
AORS = ("CP", "GBV", "TIP", "GP")
RIGHTS = ("roles[]", "scopes[]", "aors[]", "areas[]")
NEW_PERSON = ("sign_in_name", "organisation_id", *RIGHTS, INVITED_FOR)
NEW_CLIENT = ("id", "organisation_id", "name", *RIGHTS)
NEW_ORGANISATION = ("name", "aors[]")


def rights(typed: Typed) -> dict[str, Any]:
    """Return all rights; the API removes those that are not ticked."""
    found = {name.removesuffix("[]"): [v for v in typed.all(name) if v] for name in RIGHTS}
    return {**found, **carried(typed)}


def carried(typed: Typed) -> dict[str, Any]:
    """Return the scopes of the ticked roles, unless the form sets exceptions."""
    if typed.one("permissions") != OF_ROLES:
        return {}
    return {"scopes": scopes_of(role for role in typed.all("roles[]") if role in ROLES)}


def change_of_person(typed: Typed) -> dict[str, Any]:
    return _switch(typed) or rights(typed)


def change_of_client(typed: Typed) -> dict[str, Any]:
    return _switch(typed) or {**body(typed, ("name",)), **rights(typed)}


def change_of_organisation(typed: Typed) -> dict[str, Any]:
    aors = [aor for aor in typed.all("aors[]") if aor]
    return _switch(typed) or {**body(typed, ("name",)), "aors": aors}


def _switch(typed: Typed) -> dict[str, Any]:
    """Return the value of the on/off form, which has no other fields."""
    wanted = typed.one("active")
    return {"active": wanted == "true"} if wanted else {}
