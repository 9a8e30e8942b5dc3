"""Routes for stakeholders: coordinators and the IM role edit them, and everyone with access to reports can read
them."""

from operator import attrgetter
from typing import Annotated
from uuid import UUID

from common.auth import Principal
from common.errors import INVALID, NOT_FOUND, PROBLEMS
from common.http import IfMatch, Session, answered_as, check_if_match, etag_of, requires, router
from common.paging import CursorText, Limit, Page, keys_in, page_of
from common.words.codelists import organisation_types
from common.words.languages import LANGUAGES, PageLanguage
from common.words.places import Places
from fastapi import File, Path, Query, Response, UploadFile

from reporting.count.stakeholders import queries, service
from reporting.count.stakeholders.queries import Stakeholder
from reporting.count.stakeholders.schemas import (
    OrganisationType,
    Sector,
    StakeholderBody,
    StakeholderImport,
    StakeholderView,
)
from reporting.count.stakeholders.sheet import table
from reporting.ground.rights import PREPARING
from reporting.ground.tabular.csv_reader import UnreadableTableError
from reporting.ground.tabular.files import MEDIA_TYPES, Format, as_file

UNREADABLE_STAKEHOLDERS = PROBLEMS["unreadable_stakeholders"]


routes = router("/reports/v1/context/stakeholders", ["context"])
MOST_BYTES = 2_000_000

Reader = Annotated[Principal, requires(scope="reports:read")]
Writer = Annotated[Principal, requires(*PREPARING)]
StakeholderId = Annotated[UUID, Path(description="The id of a stakeholder's entry.")]


@routes.get("")
async def list_stakeholders(
    *,
    caller: Reader,
    session: Session,
    sector: Annotated[Sector | None, Query(max_length=20)] = None,
    organisation_type: Annotated[
        OrganisationType | None, Query(alias="type", max_length=20)
    ] = None,
    area: Annotated[
        str | None, Query(max_length=20, description="P-code: those there or in the whole country.")
    ] = None,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[StakeholderView]:
    """List institutions around the response, by code. Entries linked to the directory are shown only to coordinators
    and the IM role, because the directory decides who else may see them."""
    after = keys_in(cursor, str)
    found = await queries.visible(
        session,
        caller,
        sector=sector,
        type_=organisation_type,
        areas=_around(area) if area else (),
        after=after[0] if after else None,
        limit=limit + 1,
    )
    return page_of(found, limit, _view, attrgetter("code"))


@routes.get("/table", **answered_as(*MEDIA_TYPES.values()))
async def stakeholder_table(
    *,
    caller: Reader,
    session: Session,
    form: Annotated[Format, Query(alias="format")] = "csv",
    language: Annotated[PageLanguage, Query(description="Of the labels.")] = "es",
) -> Response:
    """Return the table as a file. A downloaded CSV can be changed and sent to `/imports`."""
    found = await queries.visible(session, caller)
    file = as_file(table((each.version, each.body) for each in found), form, language)
    return Response(file.content, media_type=file.media_type, headers=file.headers)


@routes.post("/imports")
async def import_stakeholders(
    *,
    caller: Writer,
    session: Session,
    file: Annotated[
        UploadFile,
        File(description="CSV with the columns of `/table`; `version` as it was downloaded."),
    ],
    dry_run: Annotated[bool, Query(description="Check only; write nothing.")] = False,
) -> StakeholderImport:
    """Write all rows of a sheet, or none; entries that it does not name stay.

    422 `unreadable_stakeholders` names each flaw by row and column, in Spanish and English.
    """
    content = await file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise UNREADABLE_STAKEHOLDERS.because("it_has_more_than_bytes", MOST_BYTES, pointer="/file")
    try:
        done = await service.import_sheet(session, caller, content, dry_run=dry_run)
    except UnreadableTableError as error:
        raise UNREADABLE_STAKEHOLDERS.saying(
            str(error), pointer="/file", problems=error.problems
        ) from None
    return StakeholderImport(
        rows=done.total(),
        created=done["created"],
        changed=done["changed"],
        unchanged=done["unchanged"],
    )


@routes.post("", status_code=201)
async def add_stakeholder(
    response: Response, caller: Writer, session: Session, body: StakeholderBody
) -> StakeholderView:
    """Add an institution. If the directory has it, link it by id and do not describe it again."""
    return _answered(response, await service.add(session, caller, body))


@routes.get("/{stakeholder_id}")
async def read_stakeholder(
    response: Response, caller: Reader, session: Session, stakeholder_id: StakeholderId
) -> StakeholderView:
    """Return one entry, with its ETag."""
    found = await queries.visible(session, caller, stakeholder_id=stakeholder_id)
    if not found:
        raise NOT_FOUND.because("no_such_stakeholder")
    return _answered(response, found[0])


@routes.put("/{stakeholder_id}")
async def change_stakeholder(
    *,
    response: Response,
    caller: Writer,
    session: Session,
    stakeholder_id: StakeholderId,
    body: StakeholderBody,
    if_match: IfMatch = None,
) -> StakeholderView:
    """Replace an entry. Send its ETag as If-Match."""
    found = await _held(session, stakeholder_id, if_match)
    return _answered(response, await service.change(session, caller, found, body))


@routes.delete("/{stakeholder_id}", status_code=204)
async def remove_stakeholder(
    _caller: Writer, session: Session, stakeholder_id: StakeholderId, if_match: IfMatch = None
) -> None:
    """Remove an entry; published bulletins stay as they are. Send its ETag as If-Match."""
    await service.remove(session, await _held(session, stakeholder_id, if_match))


def _around(area: str) -> tuple[str, ...]:
    places = Places.load()
    if not places.is_known(area):
        raise INVALID.because("this_p_code_is_not_known", pointer="/area")
    return (area, *places.ancestors(area))


async def _held(session: Session, stakeholder_id: UUID, if_match: str | None) -> Stakeholder:
    found = await queries.locked(session, stakeholder_id)
    if found is None:
        raise NOT_FOUND.because("no_such_stakeholder")
    check_if_match(if_match, etag_of(found.version))
    return found


def _answered(response: Response, found: Stakeholder) -> StakeholderView:
    response.headers["ETag"] = etag_of(found.version)
    return _view(found)


def _view(found: Stakeholder) -> StakeholderView:
    body, types = found.body, organisation_types()
    entry = body.organisation_id and f"/directory/v1/organizations/{body.organisation_id}"
    return StakeholderView(
        id=found.id,
        version=found.version,
        changed_at=found.changed_at,
        organisation_entry=entry,
        type_label={lang: types.label(body.type, lang) for lang in LANGUAGES},
        **{field: getattr(body, field) for field in queries.FIELDS},
    )
