"""The endpoint through which the gateway sends people's rights; nobody else can reach it."""

from typing import Annotated

from common.auth import Principal
from common.errors import FORBIDDEN
from common.http import Session, open_to_all, router
from fastapi import Response

from referrals.ground.people.schemas import PageOfPeople
from referrals.ground.people.service import take_in

people = router("/internal/people", ["internal"])
Front = Annotated[Principal, open_to_all()]


@people.put("", status_code=204, include_in_schema=False)
async def tell_people(caller: Front, session: Session, body: PageOfPeople) -> Response:
    # The gateway authenticates with its own internal token, which belongs to no organisation.
    if "internal" not in caller.scopes:
        raise FORBIDDEN.because("only_gateway_may_tell_this")
    await take_in(session, body)
    return Response(status_code=204)
