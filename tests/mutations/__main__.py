"""`./ruta mutations`: removes each safety mechanism in a copy and shows which test notices."""

import argparse
import sys

from rich.console import Console

from tests.mutations.playing import Unplayable, play
from tests.mutations.table import IN_PROCESS, MUTATIONS

_terminal = Console(highlight=False, soft_wrap=True)


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
    unnoticed = 0
    for mutation in MUTATIONS:
        if options.name and mutation.name not in options.name:
            continue
        _terminal.print(f"[bold]{mutation.name}[/bold]: {mutation.rule}")
        if options.list:
            continue
        try:
            played = play(mutation)
        except Unplayable as problem:
            unnoticed += 1
            _terminal.print(f"  [red]not played[/red]: {problem}")
            continue
        unnoticed += not played.noticed
        said = "noticed by" if played.noticed else "[red]not noticed by[/red]"
        _terminal.print(f"  {said} {mutation.noticed_by}")
        if not played.noticed:
            _terminal.print(played.told, markup=False)
    _terminal.print("Broken where they stand, by tests of the suite:")
    for test in IN_PROCESS:
        _terminal.print(f"  {test}", markup=False)
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
