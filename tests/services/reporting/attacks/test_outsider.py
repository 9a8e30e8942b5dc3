"""An outsider with everything that can be downloaded proves nothing from views of joint cubes, and the
same outsider breaks the former design, in which each programme was rounded by itself."""

import random
from collections import Counter

import pytest
from reporting.programmes.catalogue import shipped
from reporting.programmes.definition import Programme
from reporting.protection.protected import Coordinates
from reporting.protection.rounding import PROFILES, protect, seed
from reporting.releases.joint import tilt
from reporting.releases.views import seen, view_of

from tests.services.reporting.attacks.outsider import Outsider, Table
from tests.services.reporting.releases.true_counts import as_joint

SCREENED = [p for p in shipped() if p.population.id == "screened-or-assisted-persons"]
REFERRED = [p for p in shipped() if p.population.id == "referred-persons"]
LIKELY = {
    "area": {"VE23": 5, "VE20": 3, "VE07": 2, "VE01": 1},
    "sex": {"female": 7, "male": 3},
    "age_band": {"12-17": 2, "18-59": 8},
    "exploitation": {"SexualExploitation": 5, "ForcedLabour": 4, "Multiple": 1},
    "standing": {
        "opened": 1,
        "concluded": 2,
        "identified": 3,
        "assisted": 2,
        "identified-assisted": 4,
    },
    "assistance": {"SocialCare": 4, "Legal": 3, "Health": 3},
    "origin": {"VE20": 4, "VE23": 3},
    "transit": {"none": 8, "VE10": 2},
    "destination": {"CO": 4, "CW": 3, "TT": 2},
    "unmet": {"none": 6, "GBV-CM": 2, "GBV-LEGAL": 2},
}


def persons(programme: Programme, number: int, start: int) -> Counter[Coordinates]:
    chance = random.Random(start)  # noqa: S311 - test data, no secret
    population = programme.population
    counts: Counter[Coordinates] = Counter()
    for _ in range(number):
        at = []
        for each in population.dimensions:
            odds = LIKELY.get(each.name) or dict.fromkeys(each.dimension.codes[:4], 1)
            at.append(chance.choices(list(odds), list(odds.values()))[0])
        counts[(*at, population.cube_dimensions[-1].codes[0])] += 1
    return counts


def published(
    programmes: list[Programme], number: int, start: int, *, apart: bool
) -> list[tuple[Programme, Table]]:
    population = programmes[0].population
    counts = persons(programmes[0], number, start)
    key = start.to_bytes(32, "big")
    if not apart:
        fresh = seed(key, population.id, "p", population.schema)
        counts = Counter(
            protect(counts, k=11, weights=population.weights, seed=fresh, tilt=tilt(population))
        )
    tables: list[tuple[Programme, Table]] = []
    for each in programmes:
        cells = seen(view_of(each), as_joint(population, "2026-10a", counts)).cells
        if apart:
            fresh = seed(key, each.id, "p", b"former")
            cells = protect(cells, k=11, weights=PROFILES["S"], seed=fresh)
        tables.append((each, dict(cells)))
    return tables


@pytest.mark.parametrize("number", [60, 300])
@pytest.mark.parametrize("programmes", [SCREENED, REFERRED], ids=["screened", "referred"])
def test_views_of_one_joint_cube_prove_nothing_small(
    programmes: list[Programme], number: int
) -> None:
    tables = published(programmes, number, number, apart=False)
    assert list(Outsider(tables, apart=False).proofs(most=3)) == []


def test_the_same_attacker_breaks_programmes_that_are_rounded_apart() -> None:
    """Screening and trafficking by area count the same people: a few small releases are enough."""
    both = [p for p in SCREENED if p.id in {"screening", "trafficking"}]
    for start in range(6):
        tables = published(both, 60, start, apart=True)
        if next(Outsider(tables, apart=True).proofs(most=2), None) is not None:
            return
    pytest.fail("the attacker proved nothing: it is too weak to count")
