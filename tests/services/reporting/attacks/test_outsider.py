"""A year of closings against an attacker who downloads everything, and against partners who know part of the records.
Views of joint cubes prove no small count. The same attacker breaks the earlier design, which rounded each programme
separately, and suppression.

This module runs 60 persons a period. For all sizes, run `python -m tests.services.reporting.attacks.long_run`.
"""

from dataclasses import replace

import pytest
from reporting.ground.programmes.definition import Programme, ProgrammeDimension
from reporting.ground.protection.protected import Coordinates, Dimension
from reporting.ground.protection.rounding import protect, seed

from tests.services.reporting.attacks.outsider import Method, Outsider
from tests.services.reporting.attacks.year import populations, proofs, year
from tests.services.reporting.releases.populations import SOURCES, persons_of

pytestmark = pytest.mark.laborious

KNOWN = populations()
SCREENED = KNOWN["screened-or-assisted-persons"]
REFERRED = KNOWN["referred-persons"]
SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("programmes", "share"),
    [
        pytest.param(SCREENED, 0.0, id="screened"),
        pytest.param(SCREENED, 0.33, id="screened, a partner knows 33 %", marks=SLOW),
        pytest.param(SCREENED, 0.6, id="screened, a partner knows 60 %", marks=SLOW),
        pytest.param(REFERRED, 0.0, id="referred", marks=SLOW),
        pytest.param(REFERRED, 0.33, id="referred, a partner knows 33 %", marks=SLOW),
        pytest.param(REFERRED, 0.6, id="referred, a partner knows 60 %", marks=SLOW),
    ],
)
def test_a_year_of_joint_cubes_proves_nothing_small(
    programmes: list[Programme], share: float
) -> None:
    of = year(programmes, 60, 1)
    known = of.known_to_a_partner(share) if share else None
    assert list(proofs(of, Method.JOINT, known)) == []


def test_the_same_attacker_breaks_programmes_that_are_rounded_apart() -> None:
    """Screening and trafficking by area count the same people."""
    of = year(SCREENED, 60, 1)
    found = next(proofs(of, Method.APART, most=2), None)
    assert found is not None, "the attacker proved nothing: it is too weak to count"


@pytest.mark.parametrize("source", SOURCES)
def test_the_same_attacker_knows_nearly_all_that_is_hidden_exactly(source: str) -> None:
    """The test uses real records and similar invented ones. In smaller tables, such as those of a year here, the
    attacker knows fewer counts."""
    programme, counts = of_records(source)
    outsider = Outsider(programme.k, Method.SUPPRESSED)
    outsider.period([(programme, counts)])
    hidden = [(0, at) for at, n in counts.items() if 1 <= n < programme.k]
    assert len(hidden) >= 56
    assert outsider.recovered(hidden) / len(hidden) >= 0.95


@pytest.mark.parametrize("source", SOURCES)
def test_of_the_same_records_rounded_it_proves_nothing_small(source: str) -> None:
    programme, counts = of_records(source)
    fresh = seed(b"k" * 32, programme.id, "2020", b"schema")
    cells = protect(counts, k=programme.k, weights=programme.population.weights, seed=fresh)
    outsider = Outsider(programme.k, Method.JOINT)
    outsider.period([(programme, cells)])
    assert list(outsider.proofs(most=2)) == []


def of_records(source: str) -> tuple[Programme, dict[Coordinates, int]]:
    """Return a programme that publishes all four dimensions of the records."""
    counts = persons_of(source)
    codes = [tuple(sorted({at[place] for at in counts})) for place in range(4)]
    dimensions = tuple(
        ProgrammeDimension(Dimension(str(place), own), {}, {}, own[0])
        for place, own in enumerate(codes)
    )
    known = REFERRED[0]
    population = replace(
        known.population, id="records", dimensions=dimensions, tilted=(), spans=(), carried=None,
        flagged=None,
    )  # fmt: skip
    names = {each.name: each.name for each in dimensions}
    programme = replace(
        known, id="records", population=population, dimensions=dimensions, sources=names,
        into={}, where={}, links=(),
    )  # fmt: skip
    return programme, counts


def test_the_same_attacker_breaks_small_counts_that_are_hidden() -> None:
    """By the suppression rule, every hidden count is small."""
    of = year(SCREENED, 60, 1)
    assert next(proofs(of, Method.SUPPRESSED, most=1), None) is not None


@pytest.mark.slow
def test_what_the_attacker_takes_for_possible_includes_the_truth() -> None:
    """The constraints allow the true counts. An attacker with wrong constraints would prove anything, or nothing."""
    of = year(SCREENED, 60, 1)
    period = next(iter(of.true))
    for method in (Method.JOINT, Method.APART, Method.SUPPRESSED):
        outsider = Outsider(of.population.k, method)
        outsider.period(of.tables(period, method))
        exact = [dict(table) for _, table in of.tables(period, Method.SUPPRESSED)]
        for number, table in enumerate(exact):
            for at, variable in list(outsider.variables[number].items())[:4]:
                found = outsider.attacker.range([variable])
                assert found.least <= table.get(at, 0) <= found.most, (method, at)
