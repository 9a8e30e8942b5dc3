"""Persons whose attributes depend on each other, both invented and from real records (CTDC)."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from reporting.ground.programmes.catalogue import shipped
from reporting.ground.programmes.definition import HISTORY, Programme
from reporting.ground.protection.protected import Coordinates, Dimension, ProtectedCube
from reporting.ground.protection.rounding import PROFILES, profile_of, protect, seed
from reporting.protect.releases.joint import tilt
from reporting.protect.releases.views import JointCube, View, seen, view_of

from tests.services.reporting.attacks.year import LIKELY, populations
from tests.services.reporting.releases.populations import persons_of, records
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


SEARCHES = [each for each in shipped() if each.population.id == "searches"]
FROM_RECORDS = {
    "sex": "gender",
    "age_band": "ageGroup",
    "exploitation": "exploitationType",
    "origin": "citizenship",
    "destination": "CountryOfExploitation",
}
"""A dimension of trafficked people, and its column in CTDC's records."""
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


def of_a_search(chance: random.Random) -> Coordinates:
    """Return a search whose need and group depend on its area; most areas have few."""
    areas, needs, groups = (each.codes for each in SEARCHES[0].population.cube_dimensions)
    area = min(int(chance.expovariate(0.25)), len(areas) - 1)
    need = (area * 3 + min(int(chance.expovariate(0.6)), 10)) % len(needs)
    group = need % len(groups) if chance.random() < 0.8 else chance.randrange(len(groups))
    return areas[area], needs[need], groups[group]


def of_a_route(chance: random.Random) -> Coordinates:
    """Return a trafficked person of CTDC's records: sex, age, exploitation, origin and destination depend on each
    other. The records lack area, stage and assistance."""
    population = populations()["screened-or-assisted-persons"][0].population
    codes = {each.name: each.codes for each in population.cube_dimensions}
    known = chance.choice(records())
    at = {
        name: codes[name][min(known[column], len(codes[name]) - 1)]
        for name, column in FROM_RECORDS.items()
    }
    at["area"] = codes["area"][min(int(chance.expovariate(0.4)), len(codes["area"]) - 1)]
    at |= {name: chance.choice(codes[name][-4:]) for name in ("standing", "assistance")}
    at |= {"transit": "none", HISTORY: population.new_to_all[0]}
    return tuple(at[name] for name in codes)


def dependent(
    programmes: Sequence[Programme],
    persons: int,
    number: int,
    drawn: Callable[[random.Random], Coordinates] = of_a_kind,
) -> World:
    """Return persons whose attributes depend on each other."""
    chance = random.Random(number)  # noqa: S311 - test data, no secret
    population = programmes[0].population
    counts = Counter(drawn(chance) for _ in range(persons + chance.randint(-5, 5)))
    fresh = seed(number.to_bytes(32, "big"), population.id, "p", b"")
    cells = protect(counts, k=11, weights=population.weights, seed=fresh, tilt=tilt(population))
    true, shown = (as_joint(population, "2026-10a", each) for each in (counts, cells))
    for each in programmes:
        yield seen(view_of(each), true), seen(view_of(each), shown)


def of_records(source: str, persons: int, number: int) -> World:
    """Return persons drawn from real records (CTDC, four dimensions or a pair) or from similar invented ones."""
    records = persons_of(source)
    chance = random.Random(number)  # noqa: S311 - test data, no secret
    persons = min(persons + chance.randint(-5, 5), sum(records.values()))
    everybody = [at for at, n in sorted(records.items()) for _ in range(n)]
    dimensions = tuple(
        Dimension(str(p), tuple(sorted({at[p] for at in records})))
        for p in range(len(everybody[0]))
    )
    view = View("ctdc", dimensions, {d.name: d.name for d in dimensions}, {}, {})
    counts = Counter(chance.sample(everybody, persons))
    fresh = seed(number.to_bytes(32, "big"), "ctdc", "p", b"")
    profile = profile_of(len(dimensions))
    cells = protect(counts, k=11, weights=PROFILES[profile], seed=fresh)
    true, shown = (as_cube(profile, dimensions, each) for each in (counts, cells))
    yield seen(view, true), seen(view, shown)


def as_cube(
    profile: str, dimensions: tuple[Dimension, ...], cells: Mapping[Coordinates, int]
) -> JointCube:
    measure = populations()["referred-persons"][0].population.measure
    names = tuple(each.name for each in dimensions)
    return JointCube(
        "ctdc", "2020", 11, profile, PROFILES[profile], measure, dimensions, names,
        (), None, None, (), (), cells,
    )  # fmt: skip
