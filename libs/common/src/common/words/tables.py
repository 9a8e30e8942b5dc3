"""Tables that ship with a package, as CSV beside its modules."""

import csv
from importlib.resources import files


def rows(package: str, name: str) -> list[dict[str, str]]:
    """The rows of `NAME.csv`, by column. `name` may have folders: `data/columns`."""
    table = files(package).joinpath(*f"{name}.csv".split("/"))
    return list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
