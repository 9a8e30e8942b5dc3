"""What the issuer's routes share for the whole life of the process, by the type it has."""

import asyncio
from typing import Annotated, cast

from common.http import context_of
from fastapi import Depends
from starlette.requests import Request

from gateway.issuer.secrets import SecretChecks
from gateway.issuer.settings import IssuerSettings


def settings_of(request: Request) -> IssuerSettings:
    return cast("IssuerSettings", context_of(request).settings)


def turns_of(request: Request) -> asyncio.Semaphore:
    """Whoever signs in or asks for a token takes one before a connection of the database (`gateway.issuer.turns`)."""
    return cast("asyncio.Semaphore", context_of(request).parts["turns"])


async def _secrets(request: Request) -> SecretChecks:
    return cast("SecretChecks", context_of(request).parts["secrets"])


Secrets = Annotated[SecretChecks, Depends(_secrets)]
