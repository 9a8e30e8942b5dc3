"""Computes a programme's true counts before rounding, for tests of counting."""

from collections.abc import Mapping

from common.db.session import Database
from reporting.ground.periods import Period
from reporting.ground.programmes.catalogue import programme
from reporting.ground.programmes.definition import Population
from reporting.ground.protection.protected import Coordinates, ProtectedCube
from reporting.protect.releases.service import count
from reporting.protect.releases.views import JointCube, definition_of, joint_cube, seen, view_of


def as_joint(
    population: Population, period: str, cells: Mapping[Coordinates, int], *, k: int | None = None
) -> JointCube:
    return joint_cube(
        population.id,
        period,
        k=k or population.k,
        profile=population.profile,
        definition=definition_of(population),
        cells=cells,
    )


async def true_joint(database: Database, population: Population, period: str) -> JointCube:
    async with database.transaction() as session:
        counts = await count(session, population, Period.parse(period))
    return as_joint(population, period, counts, k=1)


async def true_view(database: Database, name: str, period: str) -> ProtectedCube:
    wanted = programme(name)
    return seen(view_of(wanted), await true_joint(database, wanted.population, period))
