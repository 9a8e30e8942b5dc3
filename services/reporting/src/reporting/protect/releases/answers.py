"""Answers a query from its parameters and the protected cube."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from reporting.errors import PARAMETER, OutsideProgrammeError
from reporting.ground.protection.protected import ProtectedCube, Row, Share, rate, share


@dataclass(frozen=True)
class ReleaseQuery:
    """The dimensions to split by, and the codes to keep."""

    by: tuple[str, ...]
    filters: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Answer:
    """Counts in code order, each with its share of `total` if R6 allows shares."""

    total: Row
    rows: tuple[tuple[Row, Share], ...]
    share_absent_because: str | None


def question(
    parameters: Iterable[tuple[str, str]], names: tuple[str, ...], others: Collection[str] = ()
) -> ReleaseQuery:
    """Parse query parameters; a value may list several codes separated by commas. `others` are the route's own
    parameters. Raise OutsideProgrammeError for any other name, and for a dimension that `by` repeats."""
    by: list[str] = []
    filters: dict[str, tuple[str, ...]] = {}
    for name, value in parameters:
        codes = tuple(filter(None, value.split(",")))
        if name == "by":
            by.extend(codes)
        elif name in names:
            filters[name] = (*filters.get(name, ()), *codes)
        elif name not in others:
            raise OutsideProgrammeError(PARAMETER, name, ("by", *others, *names))
    for name in by:
        if name not in names or by.count(name) > 1:
            raise OutsideProgrammeError("by", name, names)
    return ReleaseQuery(tuple(by), filters)


def answer(cube: ProtectedCube, asked: ReleaseQuery) -> Answer:
    """Return the requested counts, all of them sums of the cube's cells (R1)."""
    (total,), rows = cube.margins([(), asked.by], asked.filters)
    if rest := cube.rest(asked.by, asked.filters) if asked.by else None:
        rows = (*rows, rest)
    shares = [share(row, total, cube.k) for row in rows]
    absent = rate(0, total.count, cube.k).absent_because
    return Answer(total, tuple(zip(rows, shares, strict=True)), absent)
