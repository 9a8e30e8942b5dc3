"""All measures of the attacker on one world, and on records like those of CTDC."""

from reporting.ground.programmes.catalogue import shipped
from reporting.ground.programmes.definition import Programme

from drills.numbers import attacker
from drills.numbers.worlds import World, drawn


def populations() -> dict[str, list[Programme]]:
    found: dict[str, list[Programme]] = {}
    for each in shipped():
        if each.population.spans:
            found.setdefault(each.population.id, []).append(each)
    return found


def world(of: World, found: attacker.Measures) -> None:
    population = of.population
    label = population.id.split("-", maxsplit=1)[0]
    kinds = (population.period_kind, *population.spans)
    known: dict[str, dict[str, attacker.Published]] = {}
    for number, kind in enumerate(kinds):
        for period in of.spans(kind):
            inside = {p.programme: p for p in of.published(period, public=False)}
            published = {p.programme: p for p in of.published(period)}
            known[period.id] = inside
            attacker.parts_of_wholes(inside.values(), found)
            for each in inside.values():
                attacker.agreeing(each, found)
                for below in kinds[:number]:
                    for part in period.parts(below):
                        attacker.nested(each, known[part.id][each.programme], found)
            for each in published.values():
                truth, own = of.truth(each.programme, period), inside[each.programme]
                name = f"{label} {of.persons} {kind}"
                attacker.agreeing(each, found)
                attacker.covered(each, truth, name, found)
                attacker.covered(own, truth, f"{name} (accounts)", found)
                if not number:
                    attacker.present(each, own, truth, population.k, found)
                    attacker.proofs(each, population.k, found)
    for two in zip(of.periods[1::3], of.periods[2::3], strict=False):
        for summed, true in of.summed(two):
            attacker.agreeing(summed, found)
            attacker.covered(summed, true, f"{label} {of.persons} two periods", found)


def records(source: str, persons: int, number: int, found: attacker.Measures) -> None:
    """Measure the intervals of persons from records whose attributes depend on each other."""
    for shown, truth in drawn(source, persons, number):
        attacker.agreeing(shown, found)
        attacker.covered(shown, truth, f"{source} {persons}", found)
