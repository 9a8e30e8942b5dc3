"""`./ruta mutations`: removes each safety mechanism in a copy and shows which test notices."""

import argparse
import sys
from collections.abc import Iterable

from rich.console import Console

from tests.mutations.playing import Player, Unplayable
from tests.mutations.table import IN_PROCESS, MUTATIONS, Mutation

_terminal = Console(highlight=False, soft_wrap=True)


def _listed(chosen: Iterable[Mutation]) -> int:
    for mutation in chosen:
        _say(mutation)
    return 0


def _played(chosen: Iterable[Mutation]) -> int:
    """How many were not noticed."""
    unnoticed = 0
    with Player() as player:
        for mutation in chosen:
            _say(mutation)
            try:
                played = player.play(mutation)
            except Unplayable as problem:
                unnoticed += 1
                _terminal.print(f"  [red]not played[/red]: {problem}")
                continue
            unnoticed += not played.noticed
            said = "noticed by" if played.noticed else "[red]not noticed by[/red]"
            _terminal.print(f"  {said} {mutation.noticed_by}")
            if not played.noticed:
                _terminal.print(played.told, markup=False)
    return unnoticed


def _say(mutation: Mutation) -> None:
    _terminal.print(f"[bold]{mutation.name}[/bold]: {mutation.rule}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="ruta mutations", description=__doc__)
    parser.add_argument("name", nargs="*", help="only these; without a name, all")
    parser.add_argument("--list", action="store_true", help="say what there is, play nothing")
    options = parser.parse_args()
    unknown = set(options.name) - {mutation.name for mutation in MUTATIONS}
    if unknown:
        known = ", ".join(mutation.name for mutation in MUTATIONS)
        sys.stderr.write(f"no mutation {', '.join(sorted(unknown))}: {known}\n")
        return 2
    chosen = [each for each in MUTATIONS if not options.name or each.name in options.name]
    unnoticed = _listed(chosen) if options.list else _played(chosen)
    _terminal.print("Broken where they stand, by tests of the suite:")
    for test in IN_PROCESS:
        _terminal.print(f"  {test}", markup=False)
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
