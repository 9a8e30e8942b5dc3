"""A row of the table: a promise of the threat model, the mechanism that keeps it, and how to break it."""

from dataclasses import dataclass

from drills.mutations.change import Change


@dataclass(frozen=True)
class Row:
    """With `change` in `symbol`, `noticed_by` must fail.

    `promise` is the id of a row in docs/threat-model.md. `symbol` is empty if the change names a file.
    """

    promise: str
    name: str
    symbol: str
    change: Change
    noticed_by: str
