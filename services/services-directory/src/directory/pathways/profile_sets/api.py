"""HTTP for profile sets."""

from typing import Annotated
from uuid import UUID

from common.auth import Principal, Role
from common.http import Session, requires, router
from fastapi import Path, status

from directory.pathways.profile_sets import queries, service
from directory.pathways.profile_sets.schemas import (
    ProfileSetIn,
    ProfileSetOut,
    ProfileSets,
)
from directory.pathways.versions.service import drafts_of

# Registered before the pathway routes, which have an id at the same position in the path.
routes = router("/directory/v1/pathways/profile-sets", ["pathways"])
Drafter = Annotated[
    Principal, requires(scope="directory:curate", roles={Role.COORDINATOR, Role.IM})
]
SetId = Annotated[UUID, Path(description="Id of a profile set.")]


@routes.get("")
async def list_profile_sets(caller: Drafter, session: Session) -> ProfileSets:
    """The sets of your own areas of responsibility, at most 50 of each."""
    rows = await queries.sets_of(session, drafts_of(caller))
    return ProfileSets(
        items=[ProfileSetOut.model_validate(row, from_attributes=True) for row in rows]
    )


@routes.post("", status_code=status.HTTP_201_CREATED)
async def keep_profile_set(caller: Drafter, session: Session, body: ProfileSetIn) -> ProfileSetOut:
    """Stores profiles under a name, to test every draft of the AoR with the same people."""
    row = await service.keep(session, caller, body)
    return ProfileSetOut.model_validate(row, from_attributes=True)


@routes.delete("/{set_id}", status_code=status.HTTP_204_NO_CONTENT)
async def remove_profile_set(caller: Drafter, session: Session, set_id: SetId) -> None:
    """Delete a named set of profiles of your organisation. No pathway changes."""
    await service.remove(session, caller, set_id)
