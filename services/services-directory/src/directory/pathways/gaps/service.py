"""Use cases for gaps: the matrix that a caller may see, and the import of a population table."""

from collections.abc import Sequence

from common import clock
from common.auth import Principal
from common.errors import FieldError
from common.words import codelists
from common.words.details import Detail
from common.words.places import Places
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from directory.pathways.definition.proposals import confidential_needs
from directory.pathways.gaps import queries
from directory.pathways.gaps.matrix import (
    TOO_MANY_CELLS,
    GapQuery,
    Picture,
    matrix,
    steps_without_service,
    weighted,
)
from directory.pathways.gaps.models import area_population
from directory.pathways.gaps.shares import GROUPS
from directory.pathways.texts.problems import UNKNOWN_CODE
from directory.pathways.versions.effective import published_in
from directory.pathways.versions.service import check_area, covers

ROWS_AT_MOST = 20_000


async def picture(session: AsyncSession, caller: Principal, question: GapQuery) -> Picture:
    """Return the matrix from stored cells, so that its cost does not depend on the number of services."""
    areas, needs = _scope(question)
    groups = [group for group in GROUPS if not question.groups or group in question.groups]
    if len(areas) * len(needs) * len(groups) > ROWS_AT_MOST:
        raise TOO_MANY_CELLS.because(
            "this_asks_for_more_than_rows_name",
            ROWS_AT_MOST,
            pointer="/level",
        )
    rows = matrix(
        await queries.cells(session, caller, areas, needs),
        areas,
        needs,
        Places.load(),
        shown=lambda area, need: _may_know(caller, area, need),
        people=await queries.population(session, areas),
        groups=groups,
    )
    pathways = {
        area: [
            (aor, force.version, step.key, step.need)
            for aor, force in sorted(of_area.items())
            for step in force.pathway.steps
        ]
        for area, of_area in (await published_in(session, areas)).items()
    }
    return Picture(
        question=question,
        as_of=clock.today(),
        areas=areas,
        needs=needs,
        rows=[row for row in rows if row.is_gap] if question.only_gaps else rows,
        open_steps=steps_without_service(rows, pathways),
        weighted=weighted(rows),
    )


def _scope(question: GapQuery) -> tuple[list[str], list[str]]:
    check_area(question.area)
    places = Places.load()
    inside = (question.area, *places.descendants(question.area))
    areas = sorted(area for area in inside if places.require(area).level == question.level)
    known = codelists.categories()
    unknown = [
        FieldError.of(f"/need/{at}", Detail("this_category_is_not_known"), "unknown_code")
        for at, need in enumerate(question.needs)
        if need not in known
    ]
    if unknown:
        raise UNKNOWN_CODE.because("need_is_not_in_its_list", errors=unknown)
    return areas, sorted(set(question.needs)) if question.needs else sorted(known)


def _may_know(caller: Principal, area: str, need: str) -> bool:
    """Return whether the caller may know that the area has no such service. Only a caller who may know that a safe
    house exists may know that none exists."""
    if need not in confidential_needs():
        return True
    aor = codelists.categories()[need].pathway
    return caller.coordinates(aor) and covers(caller, area)


async def import_population(
    session: AsyncSession, rows: Sequence[tuple[str, str, int]], source: str
) -> int:
    """Replace the population of the given areas and groups. `rows` contains tuples (P-code, group, people)."""
    places = Places.load()
    unknown = [
        FieldError.of(f"/rows/{at}/area", Detail("this_p_code_is_not_known"), "unknown_code")
        for at, (area, _, _) in enumerate(rows)
        if not places.is_known(area)
    ]
    if unknown:
        raise UNKNOWN_CODE.because("one_of_areas_is_not_known", errors=unknown)
    latest = {(area, group): people for area, group, people in rows}
    statement = insert(area_population).values(
        [
            {"area": area, "grp": group, "people": people, "source": source,
             "imported_at": clock.now()}
            for (area, group), people in sorted(latest.items())
        ]
    )  # fmt: skip
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["area", "grp"],
            set_={name: statement.excluded[name] for name in ("people", "source", "imported_at")},
        )
    )
    return len(latest)
