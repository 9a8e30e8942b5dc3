"""Runs the attackers over many years of closings and prints a row per population and size.

Run `python -m tests.services.reporting.attacks.long_run --years 20`; docs/reporting.md has the results.
"""

import argparse
import sys
import time
from collections.abc import Sequence

from reporting.ground.programmes.definition import Programme

from tests.services.reporting.attacks.outsider import Method, Outsider
from tests.services.reporting.attacks.year import Year, populations, proofs, year

SIZES = (60, 120, 300, 600, 1415)
PARTNERS = (0.0, 0.33, 0.6)


def proved(of: Year, share: float) -> int:
    """Return the number of places where the attacker proves a small count from joint cubes."""
    return len(list(proofs(of, Method.JOINT, of.known_to_a_partner(share) if share else None)))


def recovered(of: Year) -> tuple[int, int]:
    """Return how many of the first period's suppressed counts (at most 30) the attacker knows exactly, and how many
    there are."""
    tables = of.tables(next(iter(of.true)), Method.SUPPRESSED)
    outsider = Outsider(of.population.k, Method.SUPPRESSED)
    outsider.period(tables)
    hidden = [
        (number, at)
        for number, (_, table) in enumerate(tables)
        for at, n in sorted(table.items())
        if 1 <= n < of.population.k
    ][:30]
    return outsider.recovered(hidden), len(hidden)


def row(name: str, programmes: Sequence[Programme], persons: int, years: int) -> str:
    began = time.monotonic()
    small = dict.fromkeys(PARTNERS, 0)
    broken, exact, hidden = 0, 0, 0
    for number in range(years):
        of = year(programmes, persons, number)
        for share in PARTNERS:
            small[share] += proved(of, share)
        broken += next(proofs(of, Method.APART, most=2), None) is not None
        if number == 0:
            found, every = recovered(of)
            exact, hidden = exact + found, hidden + every
    joint = ", ".join(f"{share:.0%} known: {n}" for share, n in small.items())
    return (
        f"{name}, {persons} persons a period, {years} years: proofs from joint cubes: {joint};"
        f" years broken where rounded apart: {broken}; hidden counts recovered exactly:"
        f" {exact} of {hidden}; {time.monotonic() - began:.0f} s\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=20)
    parser.add_argument("--persons", type=int, nargs="*", default=SIZES)
    asked = parser.parse_args()
    for name, programmes in populations().items():
        for persons in asked.persons:
            sys.stdout.write(row(name, programmes, persons, asked.years))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
