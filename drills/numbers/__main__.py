"""`python -m drills.numbers [--persons 60 300] [--worlds 3] [--first 200000] [--constant]`: all measures."""

import argparse
import sys

from reporting.ground.programmes.catalogue import shipped
from reporting.ground.programmes.definition import Programme

from drills.numbers import attacker
from drills.numbers.worlds import World


def measured(world: World, found: attacker.Measures) -> None:
    population = world.population
    label = population.id.split("-", maxsplit=1)[0]
    kinds = (population.period_kind, *population.spans)
    known: dict[str, dict[str, attacker.Published]] = {}
    for number, kind in enumerate(kinds):
        for period in world.spans(kind):
            inside = {p.programme: p for p in world.published(period, public=False)}
            published = {p.programme: p for p in world.published(period)}
            known[period.id] = inside
            attacker.parts_of_wholes(inside.values(), found)
            for each in inside.values():
                attacker.agreeing(each, found)
                for below in kinds[:number]:
                    for part in period.parts(below):
                        attacker.nested(each, known[part.id][each.programme], found)
            for each in published.values():
                attacker.agreeing(each, found)
                attacker.covered(
                    each, world.truth(each.programme, period),
                    f"{label} {world.persons} {kind}", found,
                )  # fmt: skip
                if not number:
                    truth = world.truth(each.programme, period)
                    own = inside[each.programme]
                    attacker.present(each, own, truth, population.k, found)
                    attacker.proofs(each, population.k, found)


def populations() -> dict[str, list[Programme]]:
    found: dict[str, list[Programme]] = {}
    for each in shipped():
        if each.population.spans:
            found.setdefault(each.population.id, []).append(each)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, nargs="+", default=[60, 120, 300, 1500])
    parser.add_argument("--worlds", type=int, default=2)
    parser.add_argument("--first", type=int, default=200_000)
    parser.add_argument("--constant", action="store_true")
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    found = attacker.Measures()
    for name, programmes in populations().items():
        for persons in asked.persons:
            for number in range(asked.first, asked.first + asked.worlds):
                if asked.only in name:
                    measured(World(programmes, persons, number, constant=asked.constant), found)
    sys.stdout.writelines(f"{line}\n" for line in found.lines())


if __name__ == "__main__":
    main()
