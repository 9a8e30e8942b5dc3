"""The lifecycle of an entry: draft → submitted → approved by the coordinator of its area of responsibility. A returned
entry is a draft again. The approved document stays visible while its editor prepares a newer draft."""

from collections.abc import Collection
from enum import StrEnum

from common.auth import Principal, Role
from common.sight import states_of
from common.words import codelists

CURATE = "directory:curate"
NO_AOR = frozenset({"MULTI", "GP"})
"""Areas that have no coordinator of their own in some responses: any curator may approve them."""


class EntryState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"


STEPS: dict[str, dict[EntryState, EntryState]] = {
    "submit": {EntryState.DRAFT: EntryState.SUBMITTED, EntryState.RETURNED: EntryState.SUBMITTED},
    "approve": {
        EntryState.SUBMITTED: EntryState.APPROVED,
        EntryState.DRAFT: EntryState.APPROVED,
        EntryState.RETURNED: EntryState.APPROVED,
    },
    "return": {EntryState.SUBMITTED: EntryState.RETURNED},
    "withdraw": {
        EntryState.DRAFT: EntryState.WITHDRAWN,
        EntryState.SUBMITTED: EntryState.WITHDRAWN,
        EntryState.RETURNED: EntryState.WITHDRAWN,
        EntryState.APPROVED: EntryState.WITHDRAWN,
    },
    "reopen": {EntryState.WITHDRAWN: EntryState.DRAFT},
}


def possible_steps(state: str) -> list[str]:
    return sorted(step for step, moves in STEPS.items() if EntryState(state) in moves)


def after(step: str, state: str) -> EntryState | None:
    """Return the state after a step, or None if the step is not possible."""
    return STEPS[step].get(EntryState(state))


def covers(caller: Principal, states: Collection[str]) -> bool:
    """Return whether the principal's areas include one of the states. A principal without areas covers every state."""
    if not caller.areas:
        return True
    return not set(states_of(caller.areas)).isdisjoint(states)


def curates(caller: Principal, aors: Collection[str], states: Collection[str]) -> bool:
    """Return whether the principal may approve a service of these areas of responsibility."""
    if CURATE not in caller.scopes:
        return False
    if not caller.roles & {Role.COORDINATOR, Role.IM}:
        return False
    led = set(aors) - NO_AOR
    return (not led or bool(led & caller.aors)) and covers(caller, states)


def endorsements(caller: Principal, aors: Collection[str]) -> list[str]:
    """Return the areas of responsibility for which this principal's approval is an endorsement."""
    own = set(aors) & set(caller.aors)
    shared = set(aors) & NO_AOR
    return sorted(own | shared)


def reads_every_record(caller: Principal) -> bool:
    """Return whether the principal coordinates all areas of responsibility everywhere and can therefore read every
    record."""
    return (
        CURATE in caller.scopes
        and Role.COORDINATOR in caller.roles
        and not caller.areas
        and caller.aors >= set(codelists.pathways()) - NO_AOR
    )
