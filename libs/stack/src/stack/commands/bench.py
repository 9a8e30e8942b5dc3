"""`bench`: runs the benchmarks, each of which prints ratios against a yardstick of the same run."""

import subprocess
import sys
from typing import Annotated

import typer

from stack.commands.options import home
from stack.errors import StackError

app = typer.Typer()


@app.command()
def bench(
    name: Annotated[
        str, typer.Argument(help="One of them; without it their names are listed")
    ] = "",
) -> None:
    """Run a benchmark, with its own defaults."""
    folder = home() / "benchmarks"
    known = sorted(p.stem for p in folder.glob("*.py") if "def main(" in p.read_text())
    if not name:
        sys.stdout.write("\n".join(known) + "\n")
        return
    if name not in known:
        raise StackError(f"no benchmark {name!r} (known: {', '.join(known)})")
    done = subprocess.run([sys.executable, str(folder / f"{name}.py")], check=False, cwd=home())
    raise typer.Exit(done.returncode)
