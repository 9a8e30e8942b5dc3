"""Persons whose attributes depend on each other, both invented and from real records (CTDC)."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from reporting.ground.programmes.definition import Programme
from reporting.ground.protection.protected import Coordinates, Dimension, ProtectedCube
from reporting.ground.protection.rounding import PROFILES, protect, seed
from reporting.protect.releases.joint import tilt
from reporting.protect.releases.views import JointCube, View, seen, view_of

from tests.services.reporting.attacks.year import LIKELY, populations
from tests.services.reporting.releases.populations import persons_of
from tests.services.reporting.releases.true_counts import as_joint

World = Iterator[tuple[ProtectedCube, ProtectedCube]]
"""Views of one rounding: what is true beside what is shown."""
SELDOM = (
    *("GBV-PSS", "GBV-CMR", "GBV-SHELTER", "GBV-LIV", "CP-CM", "CP-MHPSS", "CP-FTR", "CP-CFS"),
    *("TIP-SAFE", "TIP-ASSIST", "GP-INFO", "GP-DOC", "HLT-MH", "SHL"),
)
IN_USE = {
    **LIKELY,
    "unmet": {"none": 60, "GBV-CM": 14, "GBV-LEGAL": 12, **dict.fromkeys(SELDOM, 1)},
}
"""Of a list of 44 needs more are in use than two, most of them by a few persons. An interval allows for
persons in codes that show nothing; where there are none, what it says of all of them is too high."""


AREAS = {"VE23": 40, "VE20": 28, "VE07": 18, "VE01": 14, "VE10": 6, "VE08": 5, "VE14": 3, "VE06": 1}
NEEDS = {"GBV-CM": 22, "GBV-CMR": 14, "GBV-PSS": 14, "GBV-LEGAL": 12, "CP-CFS": 10, "GP-DOC": 10}


def of_a_kind(chance: random.Random) -> Coordinates:
    """Return a person with correlated sex, age and need."""

    def one(odds: Mapping[str, int]) -> str:
        return chance.choices(list(odds), list(odds.values()))[0]

    aor = one({"GBV": 50, "CP": 25, "TIP": 10, "GP": 15})
    sex = one(
        {"female": 88, "male": 10, "unknown": 2} if aor == "GBV" else {"female": 6, "male": 4}
    )
    ages = (
        {"0-11": 3, "12-17": 4, "18-59": 2} if aor == "CP" else {"12-17": 2, "18-59": 8, "60+": 1}
    )
    progress = one({"undelivered": 25, "waiting": 20, "accepted": 20, "delivered": 35})
    unmet = one(NEEDS) if progress == "undelivered" else "none"
    history = one({"-|-|-": 70, "-|-|waiting": 5, "waiting|waiting|waiting": 25})
    return (one(AREAS), sex, one(ages), aor, progress, unmet, history)


def dependent(programmes: Sequence[Programme], persons: int, number: int) -> World:
    """Return persons whose attributes depend on each other."""
    chance = random.Random(number)  # noqa: S311 - test data, no secret
    population = programmes[0].population
    counts = Counter(of_a_kind(chance) for _ in range(persons + chance.randint(-5, 5)))
    fresh = seed(number.to_bytes(32, "big"), population.id, "p", b"")
    cells = protect(counts, k=11, weights=population.weights, seed=fresh, tilt=tilt(population))
    true, shown = (as_joint(population, "2026-10a", each) for each in (counts, cells))
    for each in programmes:
        yield seen(view_of(each), true), seen(view_of(each), shown)


def of_records(source: str, persons: int, number: int) -> World:
    """Return persons drawn from real records (CTDC, four dimensions) or from similar invented ones."""
    records = persons_of(source)
    chance = random.Random(number)  # noqa: S311 - test data, no secret
    persons = min(persons + chance.randint(-5, 5), sum(records.values()))
    everybody = [at for at, n in sorted(records.items()) for _ in range(n)]
    dimensions = tuple(
        Dimension(str(p), tuple(sorted({at[p] for at in records}))) for p in range(4)
    )
    view = View("ctdc", dimensions, {d.name: d.name for d in dimensions}, {}, {})
    counts = Counter(chance.sample(everybody, persons))
    fresh = seed(number.to_bytes(32, "big"), "ctdc", "p", b"")
    cells = protect(counts, k=11, weights=PROFILES["J"], seed=fresh)
    yield seen(view, as_cube(dimensions, counts)), seen(view, as_cube(dimensions, cells))


def as_cube(dimensions: tuple[Dimension, ...], cells: Mapping[Coordinates, int]) -> JointCube:
    measure = populations()["referred-persons"][0].population.measure
    names = tuple(each.name for each in dimensions)
    return JointCube(
        "ctdc", "2020", 11, "J", PROFILES["J"], measure, dimensions, names,
        (), None, None, (), (), cells,
    )  # fmt: skip
