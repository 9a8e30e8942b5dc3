"""Route dependencies: the caller and the keys."""

from typing import Annotated

from common.auth import Principal, Role
from common.http import context_of, requires
from fastapi import Depends
from starlette.requests import Request

from referrals.ground.keys.blind_index import BlindIndex
from referrals.ground.keys.store import CaseKeys
from referrals.ground.vocabulary.case_roles import CASE_ROLES
from referrals.settings import Settings

Reader = Annotated[Principal, requires("referrals:read")]
CaseReader = Annotated[Principal, requires("referrals:read", roles=CASE_ROLES)]
Writer = Annotated[Principal, requires("referrals:write", roles=CASE_ROLES)]
Coordinator = Annotated[Principal, requires("directory:curate", roles={Role.COORDINATOR})]
CoordinatorReader = Annotated[Principal, requires("referrals:read", roles={Role.COORDINATOR})]
Supervisor = Annotated[Principal, requires("referrals:write", roles={Role.SUPERVISOR})]


async def _keys(request: Request) -> CaseKeys:
    keys: CaseKeys = context_of(request).parts["keys"]
    return keys


async def _blind_index(request: Request) -> BlindIndex:
    index: BlindIndex = context_of(request).parts["blind_index"]
    return index


async def _settings(request: Request) -> Settings:
    settings = context_of(request).settings
    if not isinstance(settings, Settings):
        raise TypeError("the app was made with settings of another service")
    return settings


Keys = Annotated[CaseKeys, Depends(_keys)]
Blind = Annotated[BlindIndex, Depends(_blind_index)]
ServiceSettingsOf = Annotated[Settings, Depends(_settings)]
