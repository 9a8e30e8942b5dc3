"""Assigns people to the cells of a joint cube, from their facts. Pure.

A person counts in one cell per period. The history contains what was known about the person before. For each longer
span, this is the carried code (how far the person had come), or that the person is new in the span.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, Protocol, TypeVar

from reporting.ground.periods import Period
from reporting.ground.programmes.definition import FLAG, HISTORY, NEW, NOTHING, Population

Coordinates = tuple[str, ...]
Values = Mapping[str, str | None]


class Dated(Protocol):
    @property
    def counted_on(self) -> date: ...


F = TypeVar("F", bound=Dated)


@dataclass(frozen=True)
class Rule(Generic[F]):
    """How a person's facts become the person's values. `values` returns the values in one period; `further` returns the
    carried code over two periods; `place_of` returns a fact's subject (a referral, a screening) and its version."""

    values: Callable[[Sequence[F]], Values | None]
    further: Callable[[str, str], str]
    place_of: Callable[[F], tuple[Hashable, int]]


def since(population: Population, period: Period) -> date:
    """Return the first day of the longest span that contains the period, from which to read facts."""
    return min((Period.containing(period.start, span).start for span in population.spans),
               default=period.start)  # fmt: skip


def cell_of(
    population: Population, period: Period, rule: Rule[F], facts: Sequence[F]
) -> Coordinates | None:
    """Return the cell in which a person counts, from all the person's facts since `since`, or None. A step that arrived
    after a later one was already counted adds nothing: the person does not count again at the older stage."""
    if facts and all(fact.counted_on >= period.start for fact in facts):
        # Nothing earlier is known about most people.
        values = rule.values(facts)
        return None if values is None else (*placed(population, values), *population.new_to_all)
    earlier: dict[Period, list[F]] = {}
    now: list[F] = []
    newest: dict[Hashable, int] = {}
    for fact in facts:
        of, step = rule.place_of(fact)
        if fact.counted_on >= period.start:
            now.append(fact)
        else:
            earlier.setdefault(
                Period.containing(fact.counted_on, population.period_kind), []
            ).append(fact)
            newest[of] = max(step, newest.get(of, step))
    now = [
        fact
        for fact in now
        for of, step in [rule.place_of(fact)]
        if of not in newest or step > newest[of]
    ]
    values = rule.values(now) if now else None
    if values is None:
        return None
    at = placed(population, values)
    if not population.spans:
        return at
    return (*at, _history(population, period, rule, earlier))


def placed(population: Population, values: Values) -> Coordinates:
    """Return the reviewed codes of the values, without a history."""
    return tuple([each.coded(values.get(each.name)) for each in population.dimensions])


def _history(
    population: Population, period: Period, rule: Rule[F], earlier: Mapping[Period, Sequence[F]]
) -> str:
    names = [each.name for each in population.dimensions]
    before = [
        (each.start, dict(zip(names, placed(population, values), strict=True)))
        for each in sorted(earlier)
        for values in [rule.values(earlier[each])]
        if values is not None
    ]
    codes = []
    for span in population.spans:
        start = Period.containing(period.start, span).start
        code, mark = NEW, ""
        for day, at in before:
            if day < start:
                continue
            now = at[str(population.carried)]
            code = now if code == NEW else rule.further(code, now)
            if population.flagged and at[population.flagged] != NOTHING:
                mark = FLAG
        codes.append(code + mark)
    return "|".join(codes)


def tilt(population: Population) -> Callable[[Coordinates], Coordinates]:
    """Return a function that gives the codes of a cell whose margins the rounding prefers to preserve. For a history,
    the code is the number of spans in which the person is new."""
    names = [each.name for each in population.cube_dimensions]
    places = [(names.index(name), name == HISTORY) for name in population.tilted]

    def codes(at: Coordinates) -> Coordinates:
        return tuple(margin_code(at[p]) if history else at[p] for p, history in places)

    return codes


def margin_code(history: str) -> str:
    """Return the number of spans in which the person is new."""
    return str(history.split("|").count(NEW))


def counted(cells: Iterable[Coordinates | None]) -> Counter[Coordinates]:
    return Counter(each for each in cells if each is not None)
