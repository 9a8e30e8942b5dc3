"""People who sign in, for administrators."""

from operator import itemgetter
from typing import Annotated, Any, cast
from uuid import UUID

from common.http import Session, StepUp, context_of, router
from common.paging import Limit, Page, page_of
from fastapi import Depends, Request

from gateway.issuer.access import Admin
from gateway.issuer.parts import Secrets, settings_of
from gateway.issuer.people import queries, service
from gateway.issuer.people.passkeys import Passkeys
from gateway.issuer.people.recovery import RecoveryCodes
from gateway.issuer.people.schemas import (
    NewPerson,
    Person,
    PersonChange,
    PersonWithCredentials,
)
from gateway.issuer.people.second_factor import SecondFactors, provisioning_uri
from gateway.issuer.records import After, Answer, Answered, Changing

PATH = "/identity/v1/people"
routes = router(PATH, ["identity"])


async def _factors(request: Request) -> SecondFactors:
    return cast("SecondFactors", context_of(request).parts["second_factors"])


async def _recovery(request: Request) -> RecoveryCodes:
    return cast("RecoveryCodes", context_of(request).parts["recovery_codes"])


def passkeys_of(request: Request) -> Passkeys:
    return cast("Passkeys", context_of(request).parts["passkeys"])


def script_address(request: Request) -> str:
    """Of the script that asks the browser for a passkey: the only one that these pages may run."""
    return f"{settings_of(request).token_issuer_url.rstrip('/')}/account/passkeys.js"


async def _passkeys(request: Request) -> Passkeys:
    return passkeys_of(request)


Factors = Annotated[SecondFactors, Depends(_factors)]
Recovery = Annotated[RecoveryCodes, Depends(_recovery)]
Passkeying = Annotated[Passkeys, Depends(_passkeys)]


@routes.post(
    "",
    status_code=201,
    summary="Add a person; credentials are shown once",
    dependencies=[StepUp],
)
async def create(
    *,
    new: NewPerson,
    admin: Admin,
    session: Session,
    secrets: Secrets,
    factors: Factors,
    answer: Answered,
) -> PersonWithCredentials:
    row = answer.made(await service.create(session, admin, new), PATH)
    renewed = await service.renew_credentials(session, admin, secrets, factors, row)
    return _with_credentials(renewed, answer)


@routes.get("", summary="List people")
async def listed(_admin: Admin, session: Session, after: After, limit: Limit = 100) -> Page[Person]:
    rows = await queries.page(session, after, limit)
    return page_of(rows, limit, lambda row: Person(**row), itemgetter("sign_in_name"))


@routes.get("/{person_id}", summary="One person")
async def one(person_id: UUID, _admin: Admin, session: Session, answer: Answered) -> Person:
    return Person(**answer.of(await service.found(session, person_id)))


@routes.patch(
    "/{person_id}",
    summary="Change what a person may do, or switch them off",
    dependencies=[StepUp],
)
async def change(
    *,
    person_id: UUID,
    wanted: PersonChange,
    admin: Admin,
    session: Session,
    answer: Answered,
    changing: Changing,
) -> Person:
    """Signs the person out everywhere within a minute."""
    row = changing.of(await service.found(session, person_id))
    return Person(**answer.of(await service.change(session, admin, row, wanted)))


@routes.post(
    "/{person_id}/credentials",
    summary="Renew password and second factor; shown once",
    dependencies=[StepUp],
)
async def renew_credentials(
    *,
    person_id: UUID,
    admin: Admin,
    session: Session,
    secrets: Secrets,
    factors: Factors,
    answer: Answered,
) -> PersonWithCredentials:
    row = await service.found(session, person_id)
    renewed = await service.renew_credentials(session, admin, secrets, factors, row)
    return _with_credentials(renewed, answer)


def _with_credentials(renewed: tuple[Any, str, str], answer: Answer) -> PersonWithCredentials:
    changed, password, second = renewed
    return PersonWithCredentials(
        **answer.once(changed),
        password=password,
        second_factor_uri=provisioning_uri(second, changed["sign_in_name"]),
    )
