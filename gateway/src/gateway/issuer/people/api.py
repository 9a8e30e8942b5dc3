"""Routes for people who sign in: management by administrators, a list of names for colleagues, and the record of
identity changes."""

from datetime import datetime
from operator import itemgetter
from typing import Annotated, Any, cast
from uuid import UUID

from common.auth import Role
from common.http import Session, StepUp, context_of, router
from common.ids import is_id
from common.paging import CursorText, Limit, Page, id_cursor, keys_in, page_of
from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import RowMapping

from gateway.issuer.changes import queries as record_queries
from gateway.issuer.changes.service import record
from gateway.issuer.organisations.queries import names_of as organisations_of
from gateway.issuer.people import invitation_service as invitations
from gateway.issuer.people import queries, service
from gateway.issuer.people.factors import Passkeys, RecoveryCodes, SecondFactors, provisioning_uri
from gateway.issuer.people.queries import names_of as people_of
from gateway.issuer.people.schemas import (
    ColleagueView,
    NewInvitation,
    NewPerson,
    Person,
    PersonChange,
    PersonWithCredentials,
)
from gateway.issuer.requests import (
    Admin,
    After,
    Answer,
    Answered,
    Auditor,
    Changing,
    Colleague,
    Narrowed,
    Secrets,
    settings_of,
)
from gateway.issuer.sign_ins import queries as sign_in_queries

PATH = "/identity/v1/people"
routes = router(PATH, ["identity"])


async def _factors(request: Request) -> SecondFactors:
    return cast("SecondFactors", context_of(request).parts["second_factors"])


async def _recovery(request: Request) -> RecoveryCodes:
    return cast("RecoveryCodes", context_of(request).parts["recovery_codes"])


def passkeys_of(request: Request) -> Passkeys:
    return cast("Passkeys", context_of(request).parts["passkeys"])


def script_address(request: Request) -> str:
    """Return the address of the only script that these pages may run. It asks the browser for a passkey."""
    return f"{address_of(request)}/account/passkeys.js"


def address_of(request: Request) -> str:
    return settings_of(request).token_issuer_url.rstrip("/")


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
    request: Request,
    new: NewPerson,
    admin: Admin,
    session: Session,
    secrets: Secrets,
    factors: Factors,
    answer: Answered,
) -> PersonWithCredentials:
    """Create an account. The answer contains the password and the second factor, once. Hand them over in person. With
    `invitation_days` it contains a link instead, by which the person chooses both."""
    row = answer.made(await service.create(session, admin, new), PATH)
    if new.invitation_days is not None:
        made = await invitations.invite(session, admin, row, new.invitation_days)
        return _with_invitation(made, answer, request)
    renewed = await service.renew_credentials(session, admin, secrets, factors, row)
    return _with_credentials(renewed, answer)


@routes.get("", summary="List people")
async def listed(
    *,
    _admin: Admin,
    session: Session,
    wanted: Narrowed,
    invited: Annotated[
        bool | None, Query(description="Only those with an unused invitation, or without.")
    ] = None,
    after: After,
    limit: Limit = 100,
) -> Page[Person]:
    """All people who can sign in, by name, without credentials."""
    rows = await queries.page(session, wanted, invited, after, limit)
    return page_of(rows, limit, lambda row: Person(**row), itemgetter("sign_in_name"))


@routes.get("/{person_id}", summary="One person")
async def one(person_id: UUID, _admin: Admin, session: Session, answer: Answered) -> Person:
    """Rights and state of one person, without credentials."""
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
    """Change a person. This ends all their sign-ins within a minute."""
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
    """Replace the password and the second factor. The old ones stop working at once. Check first who asks."""
    row = await service.found(session, person_id)
    renewed = await service.renew_credentials(session, admin, secrets, factors, row)
    return _with_credentials(renewed, answer)


@routes.post(
    "/{person_id}/invitation",
    summary="Invite a person by a link; shown once",
    dependencies=[StepUp],
)
async def invite(
    *,
    request: Request,
    person_id: UUID,
    wanted: NewInvitation,
    admin: Admin,
    session: Session,
    answer: Answered,
) -> PersonWithCredentials:
    """Make a link by which the person chooses a password and a second factor, once. Earlier ones stop working at once."""
    row = await service.found(session, person_id)
    made = await invitations.invite(session, admin, row, wanted.days)
    return _with_invitation(made, answer, request)


@routes.post("/{person_id}/invitation/revocation", summary="Revoke a person's invitation")
async def revoke_invitation(
    person_id: UUID, admin: Admin, session: Session, answer: Answered
) -> Person:
    """Void the person's unused link. A person without one stays as they are."""
    row = await service.found(session, person_id)
    return Person(**answer.of(await invitations.revoke(session, admin, row)))


def _with_invitation(
    made: tuple[Any, str], answer: Answer, request: Request
) -> PersonWithCredentials:
    row, token = made
    return PersonWithCredentials(
        **answer.once(row), invitation_url=f"{address_of(request)}/account/invitations/{token}"
    )


def _with_credentials(renewed: tuple[Any, str, str], answer: Answer) -> PersonWithCredentials:
    changed, password, second = renewed
    return PersonWithCredentials(
        **answer.once(changed),
        password=password,
        second_factor_uri=provisioning_uri(second, changed["sign_in_name"]),
    )


colleagues = router("/identity/v1/colleagues", ["identity"])


@colleagues.get("", summary="List the people of your own organisation")
async def listed_colleagues(
    *,
    caller: Colleague,
    session: Session,
    person_id: Annotated[
        list[UUID] | None,
        Query(
            alias="id",
            description="Only these; of another organisation nobody is found.",
            max_length=100,
        ),
    ] = None,
    sign_in_name: Annotated[
        str | None, Query(description="Only who signs in by this name.", max_length=63)
    ] = None,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[ColleagueView]:
    """List colleagues, including disabled ones, because their past actions bear their names. Auditors can read names of
    all organisations, but only by id or sign-in name, as they occur in records."""
    (after,) = keys_in(cursor, str) or (None,)
    audits = Role.AUDITOR in caller.roles and (person_id or sign_in_name)
    rows = await queries.colleagues(
        session,
        None if audits else caller.organisation,
        person_id or (),
        after,
        limit,
        sign_in_name=sign_in_name,
    )
    return page_of(rows, limit, lambda row: ColleagueView(**row), itemgetter("sign_in_name"))


sign_ins = router("/identity/v1/sign-ins", ["identity"])


class SignIn(BaseModel):
    """A sign-in of the last 30 days. It is active until it ends, which is after at most twelve hours."""

    id: UUID
    person_id: UUID = Field(description="Who signed in.")
    person_name: str = Field(
        description="By which name the person signs in, and of which organisation."
    )
    client_id: str = Field(description="The client through which the person signed in.")
    signed_in_at: datetime = Field(description="When the person proved who they are.")
    factor: str | None = Field(description="The second factor that the person used.")
    active: bool


@sign_ins.get("", summary="List sign-ins")
async def listed_sign_ins(
    *,
    _admin: Admin,
    session: Session,
    person_id: Annotated[UUID | None, Query(description="Only of this person.")] = None,
    active: Annotated[bool | None, Query(description="Only active or only ended ones.")] = None,
    cursor: CursorText = None,
    limit: Limit = 100,
) -> Page[SignIn]:
    """List who signed in when, through which client and with which second factor, newest first."""
    rows = await sign_in_queries.page(session, person_id, active, id_cursor(cursor), limit)
    names = await people_of(session, [str(row["person_id"]) for row in rows])
    return page_of(
        rows,
        limit,
        lambda row: SignIn(**row, person_name=names.get(str(row["person_id"]), "")),
        itemgetter("id"),
    )


changes = router("/identity/v1/changes", ["identity"])


class Change(BaseModel):
    id: UUID
    at: datetime
    by_client: str
    by_subject: str
    what: str
    kind: str
    target: str
    by_name: str | None = Field(None, description="By which name this person signs in.")
    target_name: str | None = Field(
        None, description="By which name the person signs in, or what the organisation is called."
    )


@changes.get("", summary="Who changed which identity")
async def listed_changes(
    *,
    _admin: Admin,
    session: Session,
    target: Annotated[
        str | None,
        Query(max_length=100, description="Only changes of this person, client or organisation."),
    ] = None,
    before: After,
    limit: Limit = 100,
) -> Page[Change]:
    """Every change of organisations, clients and people."""
    return await _page(session, before, limit, target)


@changes.get("/record", summary="Who changed which identity, for auditors")
async def audited(
    auditor: Auditor, session: Session, before: After, limit: Limit = 100
) -> Page[Change]:
    """List changes. The record also logs each reading."""
    page = await _page(session, before, limit)
    await record(session, auditor, "read", "record", "changes")
    return page


async def _page(
    session: Session, before: str | None, limit: int, target: str | None = None
) -> Page[Change]:
    """Return the page with the names of authors and targets, because a reader cannot interpret ids."""
    rows = await record_queries.page(session, before, limit, target)
    ids = [UUID(one) for row in rows for one in (row["by_subject"], row["target"]) if is_id(one)]
    names = await people_of(session, [str(one) for one in ids]) | await organisations_of(
        session, ids
    )

    def view(row: RowMapping) -> Change:
        by, target = names.get(row["by_subject"]), names.get(row["target"])
        return Change(**row, by_name=by, target_name=target)

    return page_of(rows, limit, view, itemgetter("id"))
