"""People who sign in, for administrators."""

from operator import itemgetter
from typing import Annotated, Any, cast
from uuid import UUID

from common.paging import CursorText, Limit, Page, keys_in, page_of
from common.web import IfMatch, Session, StepUp, check_if_match, context_of, etag_of, router
from fastapi import Depends, Request, Response

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

routes = router("/identity/v1/people", ["identity"])


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
    response: Response,
) -> PersonWithCredentials:
    row = await service.create(session, admin, new)
    response.headers["Location"] = f"/identity/v1/people/{row['id']}"
    renewed = await service.renew_credentials(session, admin, secrets, factors, row)
    return _with_credentials(renewed, response)


@routes.get("", summary="List people")
async def listed(
    _admin: Admin, session: Session, limit: Limit = 100, cursor: CursorText = None
) -> Page[Person]:
    (after,) = keys_in(cursor, str) or (None,)
    rows = await queries.page(session, after, limit)
    return page_of(rows, limit, lambda row: Person(**row), itemgetter("sign_in_name"))


@routes.get("/{person_id}", summary="One person")
async def one(person_id: UUID, _admin: Admin, session: Session, response: Response) -> Person:
    row = await service.found(session, person_id)
    response.headers["ETag"] = etag_of(row["version"])
    return Person(**row)


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
    response: Response,
    if_match: IfMatch = None,
) -> Person:
    """Signs the person out everywhere within a minute."""
    row = await service.found(session, person_id)
    check_if_match(if_match, etag_of(row["version"]))
    changed = await service.change(session, admin, row, wanted)
    response.headers["ETag"] = etag_of(changed["version"])
    return Person(**changed)


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
    response: Response,
) -> PersonWithCredentials:
    row = await service.found(session, person_id)
    renewed = await service.renew_credentials(session, admin, secrets, factors, row)
    return _with_credentials(renewed, response)


def _with_credentials(renewed: tuple[Any, str, str], response: Response) -> PersonWithCredentials:
    changed, password, second = renewed
    response.headers["ETag"] = etag_of(changed["version"])
    response.headers["Cache-Control"] = "no-store"
    return PersonWithCredentials(
        **changed,
        password=password,
        second_factor_uri=provisioning_uri(second, changed["sign_in_name"]),
    )
