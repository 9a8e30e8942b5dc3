"""A year of closings: people who come, return and progress, published by one of several methods, and attackers who
download everything."""

import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from reporting.ground.periods import Period
from reporting.ground.programmes.catalogue import shipped
from reporting.ground.programmes.definition import Population, Programme
from reporting.ground.protection.protected import Coordinates
from reporting.ground.protection.rounding import PROFILES, protect, seed
from reporting.protect.releases.cells import RULES
from reporting.protect.releases.joint import Rule, cell_of, placed, tilt
from reporting.protect.releases.views import seen, spanned, view_of

from tests.services.reporting.attacks.outsider import Method, Outsider, Table
from tests.services.reporting.releases.true_counts import as_joint

YEAR = Period.parse("2026")
STAYS = 0.3
"""Who is seen in a period is seen in the next one, too, so often."""
LIKELY: Mapping[str, Mapping[str, int]] = {
    # A few states have most of the people, as in the network's own reports, and many have only a handful.
    "area": {
        "VE23": 40,
        "VE20": 28,
        "VE07": 18,
        "VE01": 14,
        "VE10": 6,
        "VE08": 5,
        "VE14": 3,
        **dict.fromkeys(("VE06", "VE02", "VE15", "VE12", "VE04", "VE18", "VE21"), 1),
    },
    "sex": {"female": 7, "male": 3},
    "age_band": {"12-17": 2, "18-59": 8},
    "aor": {"GBV": 5, "CP": 3, "TIP": 2},
    "progress": {"undelivered": 2, "waiting": 3, "accepted": 2, "delivered": 3},
    "unmet": {"none": 6, "GBV-CM": 2, "GBV-LEGAL": 2},
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
    "need": {"GBV-CM": 3, "CP-CFS": 2},
    "group": {"child": 2, "woman": 3},
}


@dataclass(frozen=True)
class Fact:
    """A person's attributes in a period."""

    counted_on: date
    person: int
    values: Mapping[str, str]


def populations() -> dict[str, list[Programme]]:
    """Return the programmes, grouped by the population that they show."""
    found: dict[str, list[Programme]] = {}
    for each in shipped():
        found.setdefault(each.population.id, []).append(each)
    return {name: each for name, each in found.items() if len(each) > 1}


def periods(population: Population) -> tuple[Period, ...]:
    return YEAR.parts(population.period_kind)


Odds = Mapping[str, Mapping[str, int]]
"""How likely each code is, by dimension."""


def facts(
    population: Population,
    persons: int,
    number: int,
    *,
    varying: bool = False,
    likely: Odds = LIKELY,
) -> dict[Period, list[list[Fact]]]:
    """Return, for each period, the persons seen in it, with everything known about them so far that year.

    With `varying`, their number varies by chance between periods, as real counts do, and so does its rounding.
    Otherwise every period has the same number.
    """
    sizes = random.Random(f"sizes {number}")  # noqa: S311
    chance = random.Random(number)  # noqa: S311 - test data, no secret
    further = RULES[population.measure].further
    # Repeat each value by its weight, because `chance.choices` took a fifth of the attacks' time.
    lots = {
        name: [each for each, n in odds.items() for _ in range(n)] for name, odds in likely.items()
    }

    def picked(name: str) -> str:
        lot = lots[name]
        return lot[int(chance.random() * len(lot))]

    found: dict[Period, list[list[Fact]]] = {}
    before: list[list[Fact]] = []
    people = 0
    for period in periods(population):
        now = []
        for known in before:
            if chance.random() < STAYS:
                values = dict(known[-1].values)
                carried = str(population.carried)
                values[carried] = further(values[carried], picked(carried))
                now.append([*known, Fact(period.start, known[-1].person, values)])
        size = round(sizes.gauss(persons, math.sqrt(persons))) if varying else persons
        while len(now) < size:
            people += 1
            values = {each.name: picked(each.name) for each in population.dimensions}
            now.append([Fact(period.start, people, values)])
        found[period], before = now, now
    return found


def _latest(known: Sequence[Fact]) -> Mapping[str, str | None]:
    return dict(known[-1].values)


def counted(
    population: Population, period: Period, people: Sequence[Sequence[Fact]]
) -> Counter[Coordinates]:
    rule: Rule[Any] = Rule(
        _latest, RULES[population.measure].further, lambda f: (f.person, f.counted_on.toordinal())
    )
    cells = (cell_of(population, period, rule, known) for known in people)
    return Counter(each for each in cells if each is not None)


class _Counted(Mapping[Period, Counter[Coordinates]]):
    """Each period's counts, computed on first use, because a test of one month needs no whole year."""

    def __init__(
        self, population: Population, everybody: Mapping[Period, list[list[Fact]]]
    ) -> None:
        self._population, self._everybody = population, everybody
        self._made: dict[Period, Counter[Coordinates]] = {}

    def __getitem__(self, period: Period) -> Counter[Coordinates]:
        if period not in self._made:
            self._made[period] = counted(self._population, period, self._everybody[period])
        return self._made[period]

    def __iter__(self) -> Iterator[Period]:
        return iter(self._everybody)

    def __len__(self) -> int:
        return len(self._everybody)


@dataclass(frozen=True)
class Year:
    """A year's true counts and the persons in each period."""

    programmes: Sequence[Programme]
    true: Mapping[Period, Counter[Coordinates]]
    key: bytes
    everybody: Mapping[Period, list[list[Fact]]] = field(default_factory=dict, repr=False)
    _joints: dict[Period, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def population(self) -> Population:
        return self.programmes[0].population

    def known_to_a_partner(self, share: float) -> dict[Period, Counter[Coordinates]]:
        """Return this share of the records, drawn person by person."""
        chance = random.Random(self.key)  # noqa: S311 - test data, no secret
        return {
            period: Counter(
                at for at, n in counts.items() for _ in range(n) if chance.random() < share
            )
            for period, counts in self.true.items()
        }

    def tables(self, period: Period, method: Method) -> list[tuple[Programme, Table]]:
        return [(each, self._table(each, period, method)) for each in self.programmes]

    def _table(self, programme: Programme, period: Period, method: Method) -> Table:
        if method is Method.JOINT:
            return dict(seen(view_of(programme), self.joint(period)).cells)
        true = as_joint(self.population, period.id, self.true[period])
        exact = dict(seen(view_of(programme), true).cells)
        if method is Method.SUPPRESSED:
            return exact  # The attacker applies the suppression rule itself.
        fresh = seed(self.key, programme.id, period.id, b"former")
        return protect(exact, k=11, weights=PROFILES["S"], seed=fresh)

    def joint(self, period: Period) -> Any:
        if period not in self._joints:
            population = self.population
            fresh = seed(self.key, population.id, period.id, population.schema)
            cells = protect(
                self.true[period],
                k=population.k,
                weights=population.weights,
                seed=fresh,
                tilt=tilt(population),
            )
            self._joints[period] = as_joint(population, period.id, cells)
        return self._joints[period]

    def true_over(self, span: Period) -> Any:
        """Return everybody in the span once, by their furthest step in it."""
        population, last = self.population, dict[int, dict[str, str]]()
        carried, further = str(population.carried), RULES[population.measure].further
        for part in span.parts(population.period_kind):
            for known in self.everybody[part]:
                values, person = dict(known[-1].values), known[-1].person
                if person in last:
                    values[carried] = further(last[person][carried], values[carried])
                last[person] = values
        cells = Counter(
            (*placed(population, each), *population.new_to_all) for each in last.values()
        )
        return as_joint(population, span.id, cells)

    def span(self, span: Period) -> Any:
        first, *longer = kinds = (self.population.period_kind, *self.population.spans)
        if span.kind not in longer:
            return self.joint(span)
        inside = [self.span(each) for each in span.parts(kinds[kinds.index(span.kind) - 1])]
        return spanned([self.joint(each) for each in span.parts(first)], inside, span)

    def spans(self) -> Iterator[Period]:
        for kind in self.population.spans:
            yield from YEAR.parts(kind)

    def over(self, programme: Programme, span: Period) -> Table:
        return dict(seen(view_of(programme), self.span(span)).cells)


def year(
    programmes: Sequence[Programme],
    persons: int,
    number: int,
    *,
    varying: bool = False,
    likely: Odds = LIKELY,
) -> Year:
    """Return a year that is always the same for the same arguments. For `varying` see `facts`."""
    population = programmes[0].population
    everybody = facts(population, persons, number, varying=varying, likely=likely)
    true = _Counted(population, everybody)
    key = f"{population.id} {persons} {number}".encode().ljust(32, b".")
    return Year(programmes, true, key, everybody)


def proofs(
    of: Year,
    method: Method,
    known: Mapping[Period, Counter[Coordinates]] | None = None,
    most: int = 3,
) -> Iterator[str]:
    """Yield the small counts that each period's tables prove, and then those that all tables of the year prove."""
    own = known or {}
    for period in of.true:
        outsider = Outsider(of.population.k, method)
        outsider.period(of.tables(period, method), own.get(period))
        for name, at, found in outsider.proofs(most):
            yield f"{period.id} {name} {dict(at)}: {found}"
    if method is Method.JOINT:
        for programme in of.programmes:
            yield from _of_the_year(of, programme, own)


def _of_the_year(
    of: Year, programme: Programme, own: Mapping[Period, Counter[Coordinates]]
) -> Iterator[str]:
    outsider = Outsider(of.population.k, Method.JOINT)
    places: dict[Period, int] = {}
    for period in of.true:
        table = dict(seen(view_of(programme), of.joint(period)).cells)
        places[period] = outsider.period([(programme, table)], own.get(period))[0]
    for span in of.spans():
        whole = outsider.over(programme, of.over(programme, span), Counter())
        parts = span.parts(of.population.period_kind)
        outsider.span(whole, [places[each] for each in parts])
    for _, at, found in outsider.proofs(most=2):
        yield f"{YEAR.id} {programme.id} {dict(at)}: {found}"
