"""Two years of invented people, some accompanied for months, with the published tables and the true counts."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

from reporting.errors import TooFineError
from reporting.ground.periods import Period, PeriodKind
from reporting.ground.programmes.definition import Programme
from reporting.ground.protection.protected import ProtectedCube, summed
from reporting.ground.protection.rounding import protect, seed
from reporting.protect.releases.answers import ReleaseQuery, answer
from reporting.protect.releases.cells import RULES
from reporting.protect.releases.joint import Rule, cell_of, placed, tilt
from reporting.protect.releases.views import (
    JointCube,
    definition_of,
    joint_cube,
    seen,
    spanned,
    view_of,
)

from drills.numbers.attacker import At, By, Figure, Published, Truth
from tests.services.reporting.attacks.dependent import (
    IN_USE,
    SEARCHES,
    dependent,
    of_a_route,
    of_a_search,
    of_records,
)
from tests.services.reporting.attacks.year import populations
from tests.services.reporting.releases.populations import PAIRS
from tests.services.reporting.releases.populations import SOURCES as WHOLE

__all__ = ["SOURCES", "World", "drawn"]
OWN = {
    "searches": (SEARCHES, of_a_search),
    "ctdc-routes": (populations()["screened-or-assisted-persons"], of_a_route),
}
"""Programmes whose own cube takes people, or searches, with attributes that depend on each other."""
SOURCES = (*WHOLE, *PAIRS, *OWN)


@dataclass(frozen=True)
class Fact:
    counted_on: date
    person: int
    version: int
    values: Mapping[str, str]


@dataclass
class World:
    """An invented world with `persons` per closed period. `long` is the share that stays for months; `constant` means
    the same number in each period."""

    programmes: Sequence[Programme]
    persons: int
    number: int
    years: Sequence[str] = ("2026",)
    long: float = 0.15
    constant: bool = False
    _joint: dict[str, JointCube] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.population = self.programmes[0].population
        self.periods = [
            p for y in self.years for p in Period.parse(y).parts(self.population.period_kind)
        ]

    @cached_property
    def everybody(self) -> Mapping[str, list[list[Fact]]]:
        """Return, for each period, the people seen in it, each with all their facts so far."""
        chance = random.Random(f"{self.population.id} {self.persons} {self.number}")  # noqa: S311
        further = RULES[self.population.measure].further
        carried = str(self.population.carried)
        lots = {n: [c for c, k in odds.items() for _ in range(k)] for n, odds in IN_USE.items()}
        staying: list[tuple[list[Fact], int]] = []
        found: dict[str, list[list[Fact]]] = {}
        people = 0
        for period in self.periods:
            now, later = [], []
            for facts, left in staying:
                if chance.random() < 0.3:  # Nothing happened to this person in this period.
                    later.append((facts, left))
                    continue
                last = facts[-1]
                values = dict(last.values)
                values[carried] = further(values[carried], chance.choice(lots[carried]))
                step = Fact(period.start, last.person, last.version + 1, values)
                now.append([*facts, step])
                if left > 1:
                    later.append((now[-1], left - 1))
            size = self.persons
            if not self.constant:
                size = round(chance.gauss(size, size**0.5))
            while len(now) < size:
                people += 1
                values = {
                    each.name: chance.choice(lots[each.name]) for each in self.population.dimensions
                }
                now.append([Fact(period.start, people, 1, values)])
                stays = chance.random()
                if stays < self.long:
                    later.append((now[-1], chance.randint(4, 20)))
                elif stays < 0.4:
                    later.append((now[-1], 1))
            found[period.id], staying = now, later
        return found

    def joint(self, period: Period) -> JointCube:
        """Return the cube as closed or, for a span, as combined from its parts."""
        if period.id not in self._joint:
            if period.kind in self.population.spans:
                kinds = (self.population.period_kind, *self.population.spans)
                shorter = kinds[kinds.index(period.kind) - 1]
                parts, inside = (
                    [self.joint(each) for each in period.parts(kind)]
                    for kind in (kinds[0], shorter)
                )
                self._joint[period.id] = spanned(parts, inside, period)
            else:
                self._joint[period.id] = self._closed(period)
        return self._joint[period.id]

    def _closed(self, period: Period) -> JointCube:
        population = self.population
        rule: Rule[Fact] = Rule(
            lambda facts: dict(facts[-1].values),
            RULES[population.measure].further,
            lambda fact: (fact.person, fact.version),
        )
        first = min(Period.containing(period.start, s).start for s in population.spans)
        counts = Counter(
            cell_of(population, period, rule, [f for f in facts if f.counted_on >= first])
            for facts in self.everybody[period.id]
        )
        key = f"{population.id} {self.persons} {self.number}".encode().ljust(32, b".")
        cells = protect(
            {at: n for at, n in counts.items() if at is not None},
            k=population.k,
            weights=population.weights,
            seed=seed(key, population.id, period.id, population.schema),
            tilt=tilt(population),
        )
        return joint_cube(
            population.id, period.id, k=population.k, profile=population.profile,
            definition=definition_of(population), cells=cells,
        )  # fmt: skip

    def true(self, period: Period) -> JointCube:
        """Count everybody once, by their furthest step in the period or span and with their first attributes and
        place."""
        further, carried = RULES[self.population.measure].further, str(self.population.carried)
        last: dict[int, dict[str, str]] = {}
        for part in period.parts(self.population.period_kind):
            for facts in self.everybody[part.id]:
                values, person = dict(facts[-1].values), facts[-1].person
                if person in last:
                    values[carried] = further(last[person][carried], values[carried])
                last[person] = values
        cells = Counter(
            (*placed(self.population, each), *self.population.new_to_all) for each in last.values()
        )
        return joint_cube(
            self.population.id, period.id, k=1, profile=self.population.profile,
            definition=definition_of(self.population), cells=cells,
        )  # fmt: skip

    def spans(self, kind: PeriodKind) -> Iterator[Period]:
        for year in self.years:
            yield from Period.parse(year).parts(kind)

    def published(self, period: Period, *, public: bool = True) -> list[Published]:
        """Return the public tables or, if `public` is False, those for accounts."""
        joint = replace(self.joint(period), public=public)
        return [published(seen(view_of(each), joint)) for each in self.programmes]

    def summed(self, periods: Sequence[Period]) -> "Iterator[tuple[Published, Truth]]":
        """Yield each programme's sum over periods that are no span, with the true person-periods."""
        for each in self.programmes:
            cubes = [seen(view_of(each), self.joint(period)) for period in periods]
            truth = together([self.truth(each.id, period) for period in periods])
            yield published(summed(cubes, "several")), truth

    def truth(self, programme: str, period: Period) -> "TrueCounts":
        found = next(each for each in self.programmes if each.id == programme)
        return TrueCounts(seen(view_of(found), self.true(period)))


def drawn(source: str, persons: int, number: int) -> "Iterator[tuple[Published, TrueCounts]]":
    """Yield the views of persons drawn from CTDC's records, from invented ones with the same structure, or of
    searches."""
    if source in OWN:
        programmes, one = OWN[source]
        worlds = dependent(programmes, persons, number, one)
    else:
        worlds = of_records(source, persons, number)
    for true, shown in worlds:
        yield published(shown), TrueCounts(true)


def together(truths: Sequence[Truth]) -> Truth:
    def counts(by: By) -> Mapping[At, int]:
        found = Counter[At]()
        for each in truths:
            found.update(each(by))
        return found

    return counts


class TrueCounts:
    def __init__(self, cube: ProtectedCube) -> None:
        self._cube, self._kept = cube, dict[By, Mapping[At, int]]()

    def __call__(self, by: By) -> Mapping[At, int]:
        if by not in self._kept:
            rows = self._cube.margin(by)
            self._kept[by] = {tuple(row.coordinates.values()): row.count for row in rows}
        return self._kept[by]


def published(cube: ProtectedCube) -> Published:
    def ask(by: By) -> tuple[Figure, Mapping[At, Figure]]:
        """Return the table as the endpoint does; a refused table has no rows."""
        try:
            found = answer(cube, ReleaseQuery(by, {}))
        except TooFineError:
            found = answer(cube, ReleaseQuery((), {}))
        total, rows = found.total, [row for row, _ in found.rows] if by else []
        return Figure(total.count, total.low or 0, total.high or 0), {
            tuple(row.coordinates.values()): Figure(row.count, row.low or 0, row.high or 0)
            for row in rows
            if row.coordinates
        }

    return Published(cube.programme, cube.period, cube.names, ask)
