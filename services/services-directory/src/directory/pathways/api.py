"""HTTP for pathways: drafts, review, publication, differences, simulation."""

from operator import attrgetter
from typing import Annotated, Any, cast
from uuid import UUID

from common.auth import Principal, Role
from common.errors import NOT_FOUND
from common.http import (
    IfMatch,
    Session,
    StepUp,
    context_of,
    open_to_all,
    requires,
    router,
)
from common.paging import CursorText, Limit, Page, keys_in, next_cursor
from common.words.places import Places
from fastapi import Path, Query, Response, status
from starlette.requests import Request

from directory.pathways.announcements import announce
from directory.pathways.definition.differences import difference, plain
from directory.pathways.definition.graph import Pathway
from directory.pathways.definition.profile import PLACE, Aor
from directory.pathways.definition.proposals import AORS, proposal, situations
from directory.pathways.planning import simulation
from directory.pathways.profile_sets.service import profiles_of
from directory.pathways.schemas import (
    Codes,
    DifferenceOut,
    FromProposal,
    PathwayBody,
    PathwayListed,
    Proposals,
    Returned,
    Simulation,
    SimulationOut,
    VersionOut,
)
from directory.pathways.texts.findings import Finding
from directory.pathways.texts.sentences import say, say_finding
from directory.pathways.versions import queries, service
from directory.pathways.versions.effective import in_force
from directory.pathways.versions.queries import Version
from directory.settings import Settings

routes = router("/directory/v1/pathways", ["pathways"])
Reader = Annotated[Principal, open_to_all()]
Drafter = Annotated[
    Principal, requires(scope="directory:curate", roles={Role.COORDINATOR, Role.IM})
]
Coordinator = Annotated[Principal, requires(scope="directory:curate", roles={Role.COORDINATOR})]
PathwayId = Annotated[UUID, Path(description="Id of a pathway.")]
Number = Annotated[int, Path(ge=1, le=2_000_000_000, description="Number of a version.")]
Area = Annotated[str, Query(pattern=PLACE, description="A P-code.")]


@routes.get("/proposals", response_model=Proposals)
async def proposals(caller: Reader, area: Area) -> dict[str, Any]:
    """The pathways that ship with Ruta, as proposals for this area."""
    service.check_area(area)
    return {
        "items": [
            {
                "aor": aor,
                "pathway": plain(proposal(aor, area)),
                "notice": say("notices", "proposal"),
            }
            for aor in AORS
        ]
    }


@routes.post("/proposals/{aor}", status_code=status.HTTP_201_CREATED, response_model=VersionOut)
async def draft_from_proposal(
    caller: Drafter, session: Session, aor: Aor, body: FromProposal, response: Response
) -> dict[str, Any]:
    """Opens the first draft of an area's pathway with the shipped proposal as its text."""
    service.check_area(body.area)
    text = proposal(aor, body.area).model_copy(update={"proposal": False})
    return _drafted(response, caller, await service.create(session, caller, text), [])


@routes.get("/situations", response_model=Codes)
async def situation_codes(caller: Reader) -> dict[str, Any]:
    """The situations that a profile may name, with their labels."""
    return {
        "items": [
            {"code": code, "says": label.model_dump()} for code, label in situations().items()
        ]
    }


@routes.get("", response_model=Page[PathwayListed], response_model_exclude_none=True)
async def list_pathways(
    *,
    caller: Reader,
    session: Session,
    aor: Annotated[list[Aor] | None, Query(max_length=4)] = None,
    area: Annotated[str | None, Query(pattern=PLACE)] = None,
    cursor: CursorText = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """Published pathways, and the open drafts of your areas of responsibility."""
    if area is not None:
        service.check_area(area)
    found = await queries.listed(
        session,
        aors=aor,
        areas=None if area is None else [area],
        drafts_of=service.drafts_of(caller),
        after=keys_in(cursor, _area_in, _aor_in),
        limit=limit + 1,
    )
    return {
        "items": found[:limit],
        "next_cursor": next_cursor(found, limit, attrgetter("area", "aor")),
    }


@routes.post("", status_code=status.HTTP_201_CREATED, response_model=VersionOut)
async def create(
    caller: Drafter, session: Session, body: PathwayBody, response: Response
) -> dict[str, Any]:
    """Opens the first draft of an AoR's pathway for an area."""
    made = await service.create(session, caller, body)
    return _drafted(response, caller, made, await service.findings_of(session, body))


@routes.get("/{pathway_id}", response_model=VersionOut, response_model_exclude_none=True)
async def read(
    caller: Reader, session: Session, pathway_id: PathwayId, response: Response
) -> dict[str, Any]:
    """The newest published version, with the steps that it inherits."""
    found = await queries.published(session, pathway_id)
    if found is None:
        raise NOT_FOUND.because("no_published_pathway_has_this_id")
    response.headers["ETag"] = service.etag(found)
    return {
        **await _with_effective(session, caller, found),
        "possible_steps": service.legal(caller, found),
    }


@routes.get("/{pathway_id}/versions", response_model=list[VersionOut])
async def list_versions(
    caller: Reader, session: Session, pathway_id: PathwayId
) -> list[dict[str, Any]]:
    """All versions, newest first. Only those who draft this AoR's pathways see unpublished ones."""
    mine = await _may_see_drafts(session, caller, pathway_id)
    found = await queries.versions(session, pathway_id, published_only=not mine)
    if not found:
        raise NOT_FOUND.because("no_pathway_has_this_id")
    return [_version(caller, each) for each in found]


@routes.get("/{pathway_id}/versions/{number}", response_model=VersionOut)
async def read_version(
    caller: Reader, session: Session, pathway_id: PathwayId, number: Number
) -> dict[str, Any]:
    """One version, as it was written."""
    return _version(caller, await _visible_version(session, caller, pathway_id, number))


@routes.get("/{pathway_id}/draft", response_model=VersionOut)
async def read_draft(
    request: Request, caller: Drafter, session: Session, pathway_id: PathwayId, response: Response
) -> dict[str, Any]:
    """The open version, with the steps that it would inherit and all findings of the validation."""
    found = await queries.open_version(session, pathway_id)
    if found is None or not service.may_draft(caller, found.aor):
        raise NOT_FOUND.because("no_draft_is_open_under_this_id")
    body = Pathway.model_validate(found.body)
    effective, findings = await service.once_published(session, body)
    return {
        **_drafted(response, caller, found, findings),
        "effective": plain(effective),
        "possible_steps": service.legal(caller, found, alone=_alone(request)),
    }


@routes.put("/{pathway_id}/draft", response_model=VersionOut)
async def put_draft(
    *,
    caller: Drafter,
    session: Session,
    pathway_id: PathwayId,
    body: PathwayBody,
    response: Response,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Writes the open draft (If-Match), or opens one from the published version."""
    found = await service.put_draft(session, caller, pathway_id, body, if_match)
    return _drafted(response, caller, found, await service.findings_of(session, body))


@routes.post("/{pathway_id}/submit", response_model=VersionOut)
async def submit(
    caller: Drafter,
    session: Session,
    pathway_id: PathwayId,
    response: Response,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Sends the draft to review."""
    return _drafted(
        response, caller, await service.submit(session, caller, pathway_id, if_match), []
    )


@routes.post("/{pathway_id}/return", response_model=VersionOut)
async def give_back(
    *,
    caller: Coordinator,
    session: Session,
    pathway_id: PathwayId,
    body: Returned,
    response: Response,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Returns a submitted version to its writer, with the reason."""
    found = await service.give_back(session, caller, pathway_id, if_match, body.because)
    return _drafted(response, caller, found, [])


@routes.post("/{pathway_id}/publish", response_model=VersionOut, dependencies=[StepUp])
async def publish(
    *,
    request: Request,
    caller: Coordinator,
    session: Session,
    pathway_id: PathwayId,
    response: Response,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Publishes a version that another person submitted. A published version never changes."""
    found = await service.publish(session, caller, pathway_id, if_match, alone=_alone(request))
    await announce(session, pathway_id)
    return _drafted(response, caller, found, [])


@routes.get("/{pathway_id}/diff", response_model=DifferenceOut, response_model_exclude_none=True)
async def diff(
    caller: Reader,
    session: Session,
    pathway_id: PathwayId,
    new: Annotated[int, Query(ge=1, le=2_000_000_000)],
    old: Annotated[int | None, Query(ge=1, le=2_000_000_000)] = None,
) -> dict[str, Any]:
    """The changes from version `old` to version `new`. Without `old`, everything counts as added."""
    newer = await _visible_version(session, caller, pathway_id, new)
    older = None if old is None else await _visible_version(session, caller, pathway_id, old)
    found = difference(
        None if older is None else Pathway.model_validate(older.body),
        Pathway.model_validate(newer.body),
    )
    return {"old": old, "new": new, **found}


@routes.post("/{pathway_id}/simulate", response_model=SimulationOut)
async def simulate(
    caller: Drafter, session: Session, pathway_id: PathwayId, body: Simulation
) -> dict[str, Any]:
    """The effects of the open draft on each of the given profiles."""
    found = await queries.open_version(session, pathway_id)
    if found is None or not service.may_draft(caller, found.aor):
        raise NOT_FOUND.because("no_draft_is_open_under_this_id")
    profiles = body.profiles
    if body.profile_set is not None:
        profiles = await profiles_of(session, caller, body.profile_set)
    return await simulation.simulate(session, caller, found, profiles)


def _area_in(key: Any) -> str:
    if not isinstance(key, str) or not Places.load().is_known(key):
        raise ValueError(key)
    return key


def _aor_in(key: Any) -> str:
    return AORS[AORS.index(key)]


async def _may_see_drafts(session: Session, caller: Principal, pathway_id: UUID) -> bool:
    row = await queries.pathway_of(session, pathway_id)
    return row is not None and service.may_draft(caller, row.aor)


async def _visible_version(
    session: Session, caller: Principal, pathway_id: UUID, number: int
) -> Version:
    found = await queries.version(session, pathway_id, number)
    if found is None or (found.state != "published" and not service.may_draft(caller, found.aor)):
        raise NOT_FOUND.because("no_such_version")
    return found


async def _with_effective(session: Session, caller: Principal, found: Version) -> dict[str, Any]:
    force = (await in_force(session, found.area))[found.aor]
    return {**_version(caller, found), "effective": plain(force.pathway)}


def _alone(request: Request) -> bool:
    return cast("Settings", context_of(request).settings).one_person_publishes


def _drafted(
    response: Response, caller: Principal, found: Version, findings: list[Finding]
) -> dict[str, Any]:
    response.headers["ETag"] = service.etag(found)
    return {**_version(caller, found), "findings": [_finding(each) for each in findings]}


def _version(caller: Principal, found: Version) -> dict[str, Any]:
    """Return the version as a response. Only people who draft this AoR's pathways see who wrote it. Anybody can read a
    published version."""
    return {
        "pathway_id": found.pathway_id,
        "aor": found.aor,
        "area": found.area,
        "number": found.number,
        "state": found.state,
        "pathway": found.body,
        "written_by": found.written_by if service.may_draft(caller, found.aor) else None,
        "written_at": found.written_at,
        "submitted_at": found.submitted_at,
        "published_at": found.published_at,
        "returned_because": found.returned_because,
    }


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "code": found.code,
        "severity": found.severity.value,
        "step": found.step,
        "pointer": found.pointer,
        "says": say_finding(found),
    }
