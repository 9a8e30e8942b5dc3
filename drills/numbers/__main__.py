"""`python -m drills.numbers [--persons 60 300] [--worlds 3] [--first 200000] [--constant]` runs all measures."""

import argparse
import sys

from drills.numbers.attacker import Measures
from drills.numbers.measures import populations, records, world
from drills.numbers.worlds import SOURCES, World


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, nargs="+", default=[60, 120, 300, 1500])
    parser.add_argument("--worlds", type=int, default=2)
    parser.add_argument("--first", type=int, default=200_000)
    parser.add_argument("--constant", action="store_true")
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    found = Measures()
    numbers = range(asked.first, asked.first + asked.worlds)
    for persons in asked.persons:
        for number in numbers:
            for name, programmes in populations().items():
                if asked.only in name:
                    world(World(programmes, persons, number, constant=asked.constant), found)
            for source in SOURCES:
                if asked.only in source:
                    records(source, persons, number, found)
    sys.stdout.writelines(f"{line}\n" for line in found.lines())


if __name__ == "__main__":
    main()
