"""The mutation table, by the package that a row breaks."""

from drills.mutations.row import Row
from drills.mutations.rows import console, directory, front, referrals, reporting, shared

ROWS: tuple[Row, ...] = (
    *shared.ROWS,
    *front.ROWS,
    *directory.ROWS,
    *referrals.ROWS,
    *reporting.ROWS,
    *console.ROWS,
)
