"""A protected release in memory: the rounded base cube, and the only arithmetic allowed on it.

Every published number (API answer, file, chart, sentence) is a sum of these cells or a ratio of
two such sums. Nothing here can reach a true count.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal

from reporting.errors import OutsideProgrammeError

Coordinates = tuple[str, ...]
Filters = Mapping[str, Iterable[str]]

RATE_DENOMINATOR_FACTOR = 2
"""R6: a rate exists only over a protected denominator of at least this many times k."""


@dataclass(frozen=True)
class Dimension:
    """A dimension of the base cube: its codes in reviewed order.

    ``groups`` names unions of codes that a filter may use (a country for its states, "children"
    for two age bands); a group is never a cell of its own.
    """

    name: str
    codes: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def expand(self, wanted: Iterable[str]) -> frozenset[str]:
        """The base codes that ``wanted`` (codes and groups) stands for.

        Raises OutsideProgrammeError for a code that is neither.
        """
        chosen: set[str] = set()
        for code in wanted:
            if code in self.groups:
                chosen.update(self.groups[code])
            elif code in self.codes:
                chosen.add(code)
            else:
                raise OutsideProgrammeError(self.name, code, (*self.codes, *self.groups))
        return frozenset(chosen)


@dataclass(frozen=True)
class ExpectedError:
    """How far a published margin is off on average, computed from published values only.

    ``margin`` is ``total`` or a dimension's name (its one-way counts), or ``cell``;
    ``mean_absolute`` is in units of the programme (persons, referrals); ``relative`` is that over
    the margin's mean published count, absent where nothing is published.
    """

    margin: str
    mean_absolute: Decimal
    relative: Decimal | None


@dataclass(frozen=True)
class Row:
    """One published number: where it stands, and the protected count (a multiple of k)."""

    coordinates: Mapping[str, str]
    count: int


@dataclass(frozen=True)
class Rate:
    """A ratio of two protected counts; ``value`` is absent, with the reason, where R6 forbids it."""

    numerator: int
    denominator: int
    value: Decimal | None
    absent_because: str | None = None


@dataclass(frozen=True)
class ProtectedCube:
    """The protected base cube of one (programme, closed period).

    ``cells`` maps coordinates (one code per dimension, in order) to a positive multiple of ``k``;
    a coordinate that is missing is 0, which may mean none or few.
    """

    programme: str
    period: str
    k: int
    profile: str
    dimensions: tuple[Dimension, ...]
    cells: Mapping[Coordinates, int]
    expected_errors: tuple[ExpectedError, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The dimensions a query may name, in order."""
        return tuple(dimension.name for dimension in self.dimensions)

    def dimension(self, name: str) -> Dimension:
        """The dimension called ``name``; raises OutsideProgrammeError with the allowed names."""
        return self.dimensions[self._position(name)]

    def total(self, filters: Filters | None = None) -> int:
        """The protected count over the cells that pass ``filters``."""
        chosen = self._chosen(filters or {})
        return sum(count for at, count in self.cells.items() if _passes(at, chosen))

    def margin(self, by: Iterable[str] = (), filters: Filters | None = None) -> tuple[Row, ...]:
        """Protected counts by the dimensions ``by`` over the cells that pass ``filters``.

        Rows that are 0 are left out; order follows the reviewed order of codes. With no ``by``
        there is exactly one row. Raises OutsideProgrammeError for an unknown dimension or code.
        """
        by = tuple(by)
        if not by:
            return (Row({}, self.total(filters)),)
        positions = tuple(self._position(name) for name in by)
        chosen = self._chosen(filters or {})
        sums: dict[Coordinates, int] = {}
        for at, count in self.cells.items():
            if _passes(at, chosen):
                key = tuple(at[position] for position in positions)
                sums[key] = sums.get(key, 0) + count
        rank = [{c: i for i, c in enumerate(self.dimensions[p].codes)} for p in positions]
        ordered = sorted(sums, key=lambda key: [r[c] for r, c in zip(rank, key, strict=True)])
        return tuple(Row(dict(zip(by, key, strict=True)), sums[key]) for key in ordered)

    def rate(self, numerator: Filters, denominator: Filters | None = None, places: int = 3) -> Rate:
        """The share that ``numerator`` (within ``denominator``) has of ``denominator`` (R6)."""
        base = {name: tuple(codes) for name, codes in (denominator or {}).items()}
        part = {name: tuple(codes) for name, codes in numerator.items()}
        below = self.total(base)
        above = self.total(self._both(base, part))
        return rate(above, below, self.k, places)

    def _both(
        self, base: Mapping[str, tuple[str, ...]], part: Mapping[str, tuple[str, ...]]
    ) -> dict[str, tuple[str, ...]]:
        merged = dict(base)
        for name, codes in part.items():
            dimension = self.dimension(name)
            within = dimension.expand(base[name]) if name in base else frozenset(dimension.codes)
            merged[name] = tuple(sorted(dimension.expand(codes) & within))
        return merged

    def _position(self, name: str) -> int:
        if name not in self.names:
            raise OutsideProgrammeError("dimension", name, self.names)
        return self.names.index(name)

    def _chosen(self, filters: Filters) -> dict[int, frozenset[str]]:
        return {
            self._position(name): self.dimension(name).expand(codes)
            for name, codes in filters.items()
        }


def rate(numerator: int, denominator: int, k: int, places: int = 3) -> Rate:
    """A ratio of two protected counts, or the reason why there is none (R6)."""
    least = RATE_DENOMINATOR_FACTOR * k
    if denominator < least:
        reason = f"the protected denominator {denominator} is below {least}"
        return Rate(numerator, denominator, None, reason)
    value = (Decimal(numerator) / Decimal(denominator)).quantize(
        Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN
    )
    return Rate(numerator, denominator, value)


def summed(cubes: Iterable[ProtectedCube], period: str) -> ProtectedCube:
    """The cube over several closed periods of one programme: the sum, never a new rounding (R4).

    Raises ValueError where programmes, k or dimensions differ, or a period comes twice.
    """
    cubes = tuple(cubes)
    if not cubes:
        raise ValueError("a sum needs at least one release")
    first = cubes[0]
    if len({cube.period for cube in cubes}) != len(cubes):
        raise ValueError("a period may be summed only once")
    cells: dict[Coordinates, int] = {}
    for cube in cubes:
        if (cube.programme, cube.k, cube.dimensions) != (
            first.programme,
            first.k,
            first.dimensions,
        ):
            raise ValueError("only releases of one programme and schema can be summed")
        for at, count in cube.cells.items():
            cells[at] = cells.get(at, 0) + count
    return ProtectedCube(
        programme=first.programme,
        period=period,
        k=first.k,
        profile=first.profile,
        dimensions=first.dimensions,
        cells=cells,
    )


def _passes(at: Coordinates, chosen: Mapping[int, frozenset[str]]) -> bool:
    return all(at[position] in codes for position, codes in chosen.items())
