"""What the issuer's routes share for the whole life of the process, by the type it has."""

from typing import Annotated, cast

from common.web import context_of
from fastapi import Depends
from starlette.requests import Request

from gateway.issuer.secrets import SecretChecks
from gateway.issuer.settings import IssuerSettings


def settings_of(request: Request) -> IssuerSettings:
    return cast("IssuerSettings", context_of(request).settings)


async def _secrets(request: Request) -> SecretChecks:
    return cast("SecretChecks", context_of(request).parts["secrets"])


Secrets = Annotated[SecretChecks, Depends(_secrets)]
