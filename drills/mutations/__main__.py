"""`./ruta mutations` breaks each mechanism of the threat model in a copy and shows which test fails."""

import argparse
import sys
from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape

from drills.mutations.change import Unfit
from drills.mutations.player import play
from drills.mutations.row import Row
from drills.mutations.rows import ROWS

_terminal = Console(highlight=False, soft_wrap=True)


def _played(chosen: Iterable[Row]) -> int:
    """Run these rows and return the number of undetected changes."""
    unnoticed = 0
    for row in chosen:
        _terminal.print(f"[bold]{row.name}[/bold] ({row.promise}): {row.symbol}")
        try:
            played = play(row)
        except Unfit as problem:
            unnoticed += 1
            _terminal.print(f"  [red]not played[/red]: {escape(str(problem))}")
            continue
        unnoticed += not played.noticed
        said = "noticed by" if played.noticed else "[red]not noticed by[/red]"
        _terminal.print(f"  {said} {escape(row.noticed_by)}")
        if not played.noticed:
            _terminal.print(played.told, markup=False)
    return unnoticed


def main() -> int:
    parser = argparse.ArgumentParser(prog="ruta mutations", description=__doc__)
    parser.add_argument("name", nargs="*", help="only these rows or promises; none: all")
    parser.add_argument("--list", action="store_true", help="list the rows, play nothing")
    options = parser.parse_args()
    names = {name for row in ROWS for name in (row.name, row.promise)}
    if unknown := set(options.name) - names:
        known = ", ".join(row.name for row in ROWS)
        sys.stderr.write(f"no mutation {', '.join(sorted(unknown))}: {known}\n")
        return 2
    wanted = set(options.name) or names
    chosen = [row for row in ROWS if wanted & {row.name, row.promise}]
    if not options.list:
        return 1 if _played(chosen) else 0
    for row in chosen:
        _terminal.print(
            f"[bold]{row.promise}[/bold] {row.name}: {row.symbol} {escape(row.noticed_by)}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
