"""A year of closings against somebody with everything that can be downloaded, and against partners who
know a part of the records: views of joint cubes prove nothing small. The same attacker breaks the
former design, in which each programme was rounded by itself, and hidden small counts.

Here with 60 persons a period; all sizes: `python -m tests.services.reporting.attacks.long_run`.
"""

import pytest
from reporting.programmes.definition import Programme

from tests.services.reporting.attacks.outsider import Method, Outsider
from tests.services.reporting.attacks.year import populations, proofs, year

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
        pytest.param(SCREENED, 0.6, id="screened, a partner knows 60 %"),
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


def test_the_same_attacker_breaks_small_counts_that_are_hidden() -> None:
    """What is hidden is small by the rule; nearly all that real records hide it knows exactly
    (test_strength)."""
    of = year(SCREENED, 60, 1)
    assert next(proofs(of, Method.SUPPRESSED, most=1), None) is not None


@pytest.mark.slow
def test_what_the_attacker_takes_for_possible_includes_the_truth() -> None:
    """An attacker that is misled would prove anything, or nothing."""
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
