"""True counts for measuring accuracy and attacks: the CTDC records, similar invented ones, and a small programme."""

import csv
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

from reporting.ground.protection.rounding import PROFILES, Coordinates, protect, seed

from tests.support.reference import reference_data

COUNTRIES = ("PH", "UA", "MD", "US", "ID", "KH", "BY")


SOURCES = ("made", "ctdc")
"""The records of CTDC may not be shipped: where they are absent, those made in their shape remain."""


PAIRS = {
    "ctdc-ways": ("CountryOfExploitation", "citizenship"),
    "ctdc-kinds": ("gender", "exploitationType"),
}
"""Pairs of CTDC's columns that depend on each other most."""
_LARGEST = 12
"""The most frequent codes of a column are kept apart; the others become one."""


@cache
def persons_of(source: str) -> dict[Coordinates, int]:
    """Return 4,919 persons in at most 320 cells (2 × 4 × 5 × 8), or by a pair of columns."""
    if source in PAIRS:
        return _persons_by(PAIRS[source])
    return persons_of_ctdc() if source == "ctdc" else _made_persons()


def _persons_by(columns: Sequence[str]) -> dict[Coordinates, int]:
    return dict(
        Counter(tuple(str(min(row[name], _LARGEST)) for name in columns) for row in records())
    )


@cache
def records() -> list[dict[str, int]]:
    """Return CTDC's records. Each value is its code's rank in its column: 0 is the most frequent."""
    path = reference_data("ctdc/ctdc_kanon_2020_7col_p10.csv")
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    ranks = {
        name: {code: i for i, (code, _) in enumerate(Counter(r[name] for r in rows).most_common())}
        for name in rows[0]
    }
    return [{name: ranks[name][code] for name, code in row.items()} for row in rows]


def _made_persons() -> dict[Coordinates, int]:
    """Return persons distributed as in the real records: a few cells contain most of them, many contain a handful, and
    half are empty."""
    chance = random.Random(2020)  # noqa: S311 - test data, no secret
    codes = [
        [f"{name}{n}" for n in range(size)] for name, size in zip("gaec", (2, 4, 5, 8), strict=True)
    ]
    weights = [[chance.paretovariate(0.7) for _ in each] for each in codes]
    cells = list(product(*codes))
    shares = [
        chance.paretovariate(1.5) * a * b * c * d * (chance.random() > 0.5)
        for a, b, c, d in product(*weights)
    ]
    return dict(Counter(chance.choices(cells, shares, k=4919)))


def persons_of_ctdc() -> dict[Coordinates, int]:
    """Return 4,919 records by gender, age group, kind of exploitation and citizenship (8 groups), in 320 cells."""
    path = reference_data("ctdc/ctdc_kanon_2020_7col_p10.csv")
    with path.open(encoding="utf-8") as file:
        return dict(
            Counter(
                (
                    row["gender"],
                    row["ageGroup"],
                    row["exploitationType"],
                    row["citizenship"] if row["citizenship"] in COUNTRIES else "other",
                )
                for row in csv.DictReader(file)
            )
        )


@cache
def _spread(persons: int, shape: tuple[int, ...], number: int) -> tuple[Coordinates, ...]:
    chance = random.Random(number)  # noqa: S311 - test data, no secret
    weights = [[chance.paretovariate(1.2) for _ in range(size)] for size in shape]
    return tuple(
        tuple(str(chance.choices(range(len(w)), w)[0]) for w in weights) for _ in range(persons)
    )


def small_programme() -> dict[Coordinates, int]:
    """Return 300 persons over at most 100 cells."""
    return dict(Counter(_spread(300, (5, 5, 4), 3)))


@dataclass(frozen=True)
class Errors:
    """Mean absolute error of one-way margins (in persons) and of the total (as a share)."""

    one_way: float
    total_share: float


def errors_of(counts: dict[Coordinates, int], *, k: int, profile: str, keys: int) -> Errors:
    """Return the mean errors over this many keys."""
    persons = sum(counts.values())
    total, one_way, margins = 0, 0, 0
    for key in range(keys):
        fresh = seed(key.to_bytes(32, "big"), "programme", "period", b"schema")
        cells = protect(counts, k=k, weights=PROFILES[profile], seed=fresh)
        total += abs(sum(cells.values()) - persons)
        errors: Counter[tuple[int, str]] = Counter()
        for at, n in counts.items():
            for place, code in enumerate(at):
                errors[place, code] += cells.get(at, 0) - n
        one_way += sum(abs(error) for error in errors.values())
        margins += len(errors)
    return Errors(one_way / margins, total / keys / persons)
