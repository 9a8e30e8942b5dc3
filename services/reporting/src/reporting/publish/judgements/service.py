"""Judgement use cases: write a statement with its sources, agree to it, remove it."""

import asyncio
from typing import Any
from uuid import UUID

from common import clock
from common.auth import Principal
from common.errors import CONFLICT, INVALID, NOT_FOUND, FieldError
from common.http import check_if_match, etag_of
from common.ids import new_id
from common.two_people import refuse_same_person
from common.words.details import Detail
from common.words.languages import LANGUAGES
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.context import queries as context_queries
from reporting.errors import OutsideProgrammeError
from reporting.ground.language import text
from reporting.ground.periods import Period
from reporting.ground.programmes.catalogue import Catalogue
from reporting.ground.programmes.definition import Programme
from reporting.protect.releases import queries as release_queries
from reporting.publish.judgements import queries
from reporting.publish.judgements.citations import Cited, Statement, loose
from reporting.publish.judgements.models import statements
from reporting.publish.judgements.queries import stored
from reporting.publish.judgements.schemas import FigureBasis, SeriesBasis, StatementBody
from reporting.publish.judgements.tree import PLACES, beneath

WITHOUT_DATA = text("juicio sin datos", "judgement without data")


async def write(
    session: AsyncSession, caller: Principal, body: StatementBody, catalogue: Catalogue
) -> Statement:
    known = await queries.held(session, body.analysis)
    if body.place == "core-problem" and any(s.place == "core-problem" for s in known.values()):
        raise CONFLICT.because("this_analysis_has_its_core_problem_change", pointer="/place")
    _refuse_parent(None, body, known)
    made = new_id()
    values = await _values(session, caller, body, catalogue)
    await session.execute(
        statements.insert().values(
            id=made, version=1, analysis=body.analysis, place=body.place, **values
        )
    )
    return (await queries.held(session, body.analysis))[made]


async def change(
    session: AsyncSession,
    caller: Principal,
    statement_id: UUID,
    if_match: str | None,
    body: StatementBody,
    catalogue: Catalogue,
) -> Statement:
    """Reword the statement. It becomes a draft again, with the person who changed it as its author."""
    found, known = await _found(session, statement_id, if_match)
    for field in ("analysis", "place"):
        if getattr(body, field) != getattr(found, field):
            raise INVALID.because(
                "statement_stays_in_its_place_take",
                pointer=f"/{field}",
            )
    _refuse_parent(statement_id, body, known)
    values = await _values(session, caller, body, catalogue)
    await session.execute(
        statements.update()
        .where(statements.c.id == statement_id)
        .values(version=found.version + 1, agreed_at=None, agreed_by=None, **values)
    )
    return (await queries.held(session, found.analysis))[statement_id]


async def agree(
    session: AsyncSession, caller: Principal, statement_id: UUID, if_match: str | None
) -> Statement:
    """Agree, as a second person, to the statement in the version that was read."""
    found, _ = await _found(session, statement_id, if_match)
    if found.agreed_at is not None:
        raise CONFLICT.because("is_agreed_already")
    refuse_same_person(
        caller, found.written_by, because=Detail("you_wrote_it_somebody_else_agrees")
    )
    await session.execute(
        statements.update()
        .where(statements.c.id == statement_id)
        .values(version=found.version + 1, agreed_at=clock.now(), agreed_by=caller.subject)
    )
    return (await queries.held(session, found.analysis))[statement_id]


async def remove(session: AsyncSession, statement_id: UUID, if_match: str | None) -> None:
    _, known = await _found(session, statement_id, if_match)
    if any(each.parent == statement_id for each in known.values()):
        raise CONFLICT.because("others_stand_beneath_it_move_or_take")
    await session.execute(statements.delete().where(statements.c.id == statement_id))


async def _found(
    session: AsyncSession, statement_id: UUID, if_match: str | None
) -> tuple[Statement, dict[UUID, Statement]]:
    analysis = await queries.analysis_of(session, statement_id)
    known = await queries.held(session, analysis) if analysis is not None else {}
    if statement_id not in known:
        raise NOT_FOUND.because("no_such_statement")
    check_if_match(if_match, etag_of(known[statement_id].version))
    return known[statement_id], known


def _refuse_parent(
    statement_id: UUID | None, body: StatementBody, known: dict[UUID, Statement]
) -> None:
    if body.parent is None:
        return
    parent = known.get(body.parent)
    if parent is None or parent.place not in PLACES[body.place]:
        allowed = " or ".join(PLACES[body.place])
        raise INVALID.because("stands_beneath", body.place, allowed, pointer="/parent")
    parents = {each.id: each.parent for each in known.values()}
    if statement_id is not None and beneath(statement_id, body.parent, parents):
        raise INVALID.because("it_would_stand_beneath_itself", pointer="/parent")


async def _values(
    session: AsyncSession, caller: Principal, body: StatementBody, catalogue: Catalogue
) -> dict[str, Any]:
    cited = [
        await _cited(session, number, each, catalogue) for number, each in enumerate(body.basis)
    ]
    said = body.text.model_dump()
    wrong = loose(said, cited)
    if wrong:
        raise INVALID.because(
            "number_in_text_is_none_of_what",
            errors=[
                FieldError(
                    f"/text/{language}",
                    f"{number}: write a number as `written` says it with its interval"
                    f" ({'; '.join(filter(None, (c.written[language] for c in cited))) or 'it cites none'}),"
                    " or say it without one.",
                )
                for language, number in wrong
            ],
        )
    return {
        "parent": body.parent,
        "text": said,
        "cited": stored(cited),
        "written_at": clock.now(),
        "written_by": caller.subject,
        "organisation_id": caller.organisation,
    }


async def _cited(session: AsyncSession, number: int, basis: Any, catalogue: Catalogue) -> Cited:
    pointer = f"/basis/{number}"
    match basis:
        case FigureBasis():
            return await _figure(session, pointer, basis, catalogue)
        case SeriesBasis():
            return await _point(session, pointer, basis)
    return Cited(basis, WITHOUT_DATA)


async def _figure(
    session: AsyncSession, pointer: str, basis: FigureBasis, catalogue: Catalogue
) -> Cited:
    release = (await release_queries.published_of(session, [basis.release])).get(basis.release)
    if release is None:
        raise INVALID.because("no_published_release_has_this_id", pointer=f"{pointer}/release")
    cube = await release_queries.cube_of(session, release.id)
    try:
        row = await asyncio.to_thread(
            cube.figure, {name: tuple(codes) for name, codes in basis.where.items()}
        )
    except OutsideProgrammeError as error:
        raise INVALID.because(
            "release_has_no_such_figure", error, pointer=f"{pointer}/where"
        ) from error
    period = Period.parse(release.period)
    programme = next((p for p in catalogue if p.id == release.programme), None)
    source = {
        lang: f"{programme.title[lang] if programme else release.programme}, {period.label(lang)}"
        + _of_whom(basis, programme, lang)
        for lang in LANGUAGES
    }
    return Cited(basis, source, row.count, row.low, row.high, release.programme, period.end)


def _of_whom(basis: FigureBasis, programme: Programme | None, language: str) -> str:
    """Return which part of the programme's people the figure counts; this distinguishes figures from the same
    release."""
    if programme is None or not basis.where:
        return ""
    parts = (
        ", ".join(programme.code_label(name, code, language) for code in codes)
        for name, codes in basis.where.items()
    )
    return f" ({'; '.join(parts)})"


async def _point(session: AsyncSession, pointer: str, basis: SeriesBasis) -> Cited:
    found = await context_queries.of_ids(session, [basis.series])
    point = found[0].point(basis.day, basis.area) if found else None
    if point is None:
        raise INVALID.because("no_series_has_such_point", pointer=f"{pointer}/series")
    source = {
        lang: f"{found[0].title[lang]} ({found[0].unit[lang]}), {found[0].source}"
        for lang in LANGUAGES
    }
    return Cited(basis, source, point.value, ends=point.day)
