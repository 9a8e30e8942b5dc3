"""Use cases of pathways: draft, submit, return and publish."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal, Role
from common.errors import FORBIDDEN, NOT_FOUND
from common.http import check_if_match, etag_of
from common.ids import new_id
from common.two_people import is_same_person, refuse_same_person
from common.words import codelists
from common.words.details import Detail
from common.words.places import Places
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from directory.pathways.definition.differences import plain
from directory.pathways.definition.graph import Pathway
from directory.pathways.definition.inheritance import inherit, inheritance_findings
from directory.pathways.definition.layers import lineage
from directory.pathways.definition.proposals import situations
from directory.pathways.definition.validation import errors_in, validate
from directory.pathways.texts.findings import Finding
from directory.pathways.texts.problems import (
    PATHWAY_EXISTS,
    PATHWAY_STATE,
    UNKNOWN_CODE,
    invalid_pathway,
)
from directory.pathways.versions import queries
from directory.pathways.versions.effective import wider
from directory.pathways.versions.models import pathway_versions, pathways
from directory.pathways.versions.queries import Version

_DRAFTED = ("draft", "returned")


def may_draft(caller: Principal, aor: str) -> bool:
    """Return whether the caller may draft. The AoR's coordinator and the IM team may draft; publishing has a separate
    rule."""
    return aor in caller.aors and bool(caller.roles & {Role.COORDINATOR, Role.IM})


def drafts_of(caller: Principal) -> list[str]:
    """Return the AoRs whose unpublished versions this caller may read."""
    return sorted(aor for aor in caller.aors if may_draft(caller, aor))


def covers(caller: Principal, area: str) -> bool:
    """Return whether the caller's mandate includes the area. A mandate without areas covers every area."""
    places = Places.load()
    return not caller.areas or any(places.within(area, held) for held in caller.areas)


def _check_mandate(caller: Principal, aor: str, area: str) -> None:
    if not may_draft(caller, aor):
        raise FORBIDDEN.because("only_coordination_or_its_im_team_drafts", aor)
    if not covers(caller, area):
        raise FORBIDDEN.because("your_mandate_does_not_include_area", area)


def legal(caller: Principal, version: Version, *, alone: bool = False) -> list[str]:
    """Return the steps that the caller can take now. Each use case below applies the same rules."""
    here = "directory:curate" in caller.scopes and covers(caller, version.area)
    drafts = here and may_draft(caller, version.aor)
    decides = here and caller.coordinates(version.aor)
    steps = {
        "draft": drafts and version.state != "submitted",
        "submit": drafts and version.state in _DRAFTED,
        "return": decides and version.state == "submitted",
        "publish": decides
        and version.state == "submitted"
        and (alone or not is_same_person(caller, version.submitted_by)),
    }
    return [step for step, may in steps.items() if may]


def check_area(area: str, pointer: str = "/area") -> None:
    """Raise 422 unless the P-code is known."""
    if not Places.load().is_known(area):
        raise UNKNOWN_CODE.because("this_p_code_is_not_known", pointer=pointer)


async def create(session: AsyncSession, caller: Principal, body: Pathway) -> Version:
    """Create the first draft of an AoR's pathway for an area."""
    check_area(body.area)
    _check_mandate(caller, body.aor, body.area)
    pathway_id = new_id()
    made = await session.execute(
        insert(pathways)
        .values(
            id=pathway_id, aor=body.aor, area=body.area, event_version=0, created_at=clock.now()
        )
        .on_conflict_do_nothing(constraint="pathways_one_per_area")
        .returning(pathways.c.id)
    )
    if made.first() is None:
        raise PATHWAY_EXISTS.because("already_has_pathway_for_put_new_draft", body.aor, body.area)
    return await _new_version(session, caller, pathway_id, body)


async def put_draft(
    session: AsyncSession,
    caller: Principal,
    pathway_id: UUID,
    body: Pathway,
    if_match: str | None,
) -> Version:
    """Save the open draft, or start one from the newest published version."""
    row = await _pathway(session, caller, pathway_id)
    _check_mandate(caller, row.aor, row.area)
    if (body.aor, body.area) != (row.aor, row.area):
        raise UNKNOWN_CODE.because("pathway_keeps_its_aor_and_its_area", pointer="/area")
    current = await queries.open_version(session, pathway_id, lock=True)
    if current is None:
        return await _new_version(session, caller, pathway_id, body)
    check_if_match(if_match, etag(current))
    if current.state == "submitted":
        raise PATHWAY_STATE.because("is_under_review_return_it_before")
    await session.execute(
        _of(current).values(
            body=plain(body),
            state="draft",
            revision=current.revision + 1,
            written_by=caller.subject,
            written_at=clock.now(),
        )
    )
    return await _again(session, current)


async def submit(
    session: AsyncSession, caller: Principal, pathway_id: UUID, if_match: str | None
) -> Version:
    """Submit the draft for review. Refuse it if validation finds errors."""
    row = await _pathway(session, caller, pathway_id)
    _check_mandate(caller, row.aor, row.area)
    current = await _open(session, pathway_id, if_match, _DRAFTED)
    await refuse_errors(session, Pathway.model_validate(current.body))
    await session.execute(
        _of(current).values(
            state="submitted",
            revision=current.revision + 1,
            submitted_by=caller.subject,
            submitted_at=clock.now(),
        )
    )
    return await _again(session, current)


async def give_back(
    session: AsyncSession,
    caller: Principal,
    pathway_id: UUID,
    if_match: str | None,
    because: str,
) -> Version:
    """Return a submitted version to its author. Only the AoR's coordinator may do this."""
    row = await _pathway(session, caller, pathway_id)
    _check_coordinates(caller, row.aor, row.area)
    current = await _open(session, pathway_id, if_match, ("submitted",))
    await session.execute(
        _of(current).values(
            state="returned", revision=current.revision + 1, returned_because=because
        )
    )
    return await _again(session, current)


async def publish(
    session: AsyncSession,
    caller: Principal,
    pathway_id: UUID,
    if_match: str | None,
    *,
    alone: bool = False,
) -> Version:
    """Publish a version that another person submitted. Only the AoR's coordinator may do this. With `alone`, one person
    may submit and publish; the version then names the same person twice."""
    row = await _pathway(session, caller, pathway_id)
    _check_coordinates(caller, row.aor, row.area)
    current = await _open(session, pathway_id, if_match, ("submitted",))
    if not alone:
        refuse_same_person(
            caller,
            current.submitted_by,
            because=Detail("you_submitted_it_yourself"),
        )
    body = Pathway.model_validate(current.body)
    await refuse_errors(session, body)
    await _refuse_broken_heirs(session, pathway_id, body)
    await session.execute(
        _of(current).values(
            state="published", published_by=caller.subject, published_at=clock.now()
        )
    )
    await session.execute(
        sa.update(pathways)
        .where(pathways.c.id == pathway_id)
        .values(published_number=current.number)
    )
    return await _again(session, current)


def _check_coordinates(caller: Principal, aor: str, area: str) -> None:
    if not caller.coordinates(aor):
        raise FORBIDDEN.because("only_coordinator_decides_on_this_pathway", aor)
    if not covers(caller, area):
        raise FORBIDDEN.because("your_mandate_does_not_include_area", area)


async def findings_of(session: AsyncSession, body: Pathway) -> list[Finding]:
    return (await once_published(session, body))[1]


async def once_published(session: AsyncSession, body: Pathway) -> tuple[Pathway, list[Finding]]:
    """Return a draft as it would be in force, with its inherited parts. Also return the findings, with pointers into
    the body."""
    above = await wider(session, body.aor, body.area)
    own = inheritance_findings(above, body)
    effective = inherit([above, body]) if above else body
    return effective, [*own, *(_pointing_into(body, each) for each in _checked(effective))]


def _pointing_into(body: Pathway, finding: Finding) -> Finding:
    """Return the finding with a pointer into the coordinator's body, because inherited steps shift the positions."""
    own = {step.key: at for at, step in enumerate(body.steps)}
    if finding.step is None or not finding.pointer.startswith("/steps/"):
        return finding
    _, _, _, *rest = finding.pointer.split("/")
    at = own.get(finding.step)
    pointer = "/steps" if at is None else "/".join(["/steps", str(at), *rest])
    return replace(finding, pointer=pointer)


def _checked(effective: Pathway) -> list[Finding]:
    return validate(
        effective,
        codelists.categories(),
        codelists.populations(),
        situations(),
    )


async def refuse_errors(session: AsyncSession, body: Pathway) -> None:
    """Raise 422 with every error, step by step."""
    wrong = errors_in(await findings_of(session, body))
    if wrong:
        raise invalid_pathway(wrong)


async def _refuse_broken_heirs(session: AsyncSession, pathway_id: UUID, body: Pathway) -> None:
    """Refuse a version that would break a published pathway of an area inside this one."""
    inside = Places.load().descendants(body.area)
    heirs = [
        layer for layer in await queries.published_layers(session, inside) if layer.aor == body.aor
    ]
    bodies = await queries.published_bodies(
        session, [(heir.pathway_id, heir.number) for heir in heirs]
    )
    parsed = {key: Pathway.model_validate(each) for key, each in bodies.items()}
    above = await wider(session, body.aor, body.area)
    for heir in heirs:
        between = [
            parsed[other.pathway_id, other.number]
            for area in lineage(heir.area)
            for other in heirs
            if other.area == area
        ]
        chain = [*([above] if above else []), body, *between]
        wrong = errors_in(_checked(inherit(chain)))
        if wrong:
            raise PATHWAY_STATE.because(
                "published_pathway_of_would_break_step",
                heir.area,
                wrong[0].step,
                area=heir.area,
                step=wrong[0].step,
                finding=wrong[0].code,
            )


async def _pathway(
    session: AsyncSession, caller: Principal, pathway_id: UUID
) -> sa.Row[tuple[object, ...]]:
    row = await queries.pathway_of(session, pathway_id, lock=True)
    if row is None or (row.published_number is None and not may_draft(caller, row.aor)):
        raise NOT_FOUND.because("no_pathway_has_this_id")
    return row


async def _open(
    session: AsyncSession, pathway_id: UUID, if_match: str | None, states: Sequence[str]
) -> Version:
    current = await queries.open_version(session, pathway_id, lock=True)
    if current is None:
        raise PATHWAY_STATE.because("no_version_is_open_write_draft_first")
    check_if_match(if_match, etag(current))
    if current.state not in states:
        raise PATHWAY_STATE.because(
            "version_is_this_needs_one_that_is",
            current.state,
            " or ".join(states),
            state=current.state,
        )
    return current


async def _new_version(
    session: AsyncSession, caller: Principal, pathway_id: UUID, body: Pathway
) -> Version:
    number = await queries.next_number(session, pathway_id)
    await session.execute(
        pathway_versions.insert().values(
            pathway_id=pathway_id,
            number=number,
            state="draft",
            revision=1,
            body=plain(body),
            written_by=caller.subject,
            written_at=clock.now(),
        )
    )
    made = await queries.version(session, pathway_id, number)
    if made is None:
        raise LookupError(pathway_id)
    return made


def _of(version: Version) -> sa.Update:
    return sa.update(pathway_versions).where(
        pathway_versions.c.pathway_id == version.pathway_id,
        pathway_versions.c.number == version.number,
    )


async def _again(session: AsyncSession, version: Version) -> Version:
    found = await queries.version(session, version.pathway_id, version.number)
    if found is None:
        raise LookupError(version.pathway_id)
    return found


def etag(version: Version) -> str:
    return etag_of(f"{version.number}.{version.revision}")
