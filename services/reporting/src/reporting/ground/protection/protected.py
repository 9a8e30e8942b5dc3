"""A protected release in memory: the rounded base cube, and the only arithmetic allowed on it.

Every published number (API response, file, chart, sentence) is a sum of these cells or a ratio of two such sums.
Nothing here can access a true count.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache, cached_property
from itertools import combinations
from typing import Literal

from reporting.errors import OutsideProgrammeError, TooFineError
from reporting.ground.protection.arrays import Bools, Floats, Whole, np
from reporting.ground.protection.intervals import Noise, intervals

Coordinates = tuple[str, ...]
Counted = Literal["persons", "person-periods", "searches"]
Filters = Mapping[str, Iterable[str]]

RATE_DENOMINATOR_FACTOR = 2
"""R6: a rate needs a protected denominator of at least this many times k."""
APART = (1, 2, 5, 7)
"""Times k: from so many people everybody sees a figure by none, one (of a sensitive code), two, and three or more
dimensions. Smaller ones are pooled, so that no figure says that somebody of a small group is there."""
FROM = (0, 0, 200, 1000)
"""People in a period from which everybody may ask for a table by none, one, two, and three or more dimensions."""
REST = "rest"
"""The code of a row of all that is not shown apart."""


@dataclass(frozen=True)
class Dimension:
    """A dimension of the base cube: its codes in reviewed order. ``groups`` names unions of codes for filters (a
    country for its states, "children" for two age bands); a group is never a separate cell."""

    name: str
    codes: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sensitive: frozenset[str] = frozenset()
    """Codes whose small counts everybody sees pooled even by this dimension alone."""

    def expand(self, wanted: Iterable[str]) -> frozenset[str]:
        """Return the base codes of ``wanted`` (codes and groups). Raise OutsideProgrammeError for anything else."""
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
    """The average error of a published margin, computed only from published values. ``margin`` is ``total``, a
    dimension's name (its one-way counts), or ``cell``. ``mean_absolute`` is in units of the programme (people,
    referrals). ``relative`` is its ratio to the margin's mean published count, absent if nothing is published."""

    margin: str
    mean_absolute: Decimal
    relative: Decimal | None


@dataclass(frozen=True)
class Row:
    """One published number: its codes, and the protected count (a multiple of k)."""

    coordinates: Mapping[str, str]
    count: int
    low: int | None = None
    high: int | None = None
    """The true count is between low and high in about nine of ten cases (R9). docs/reporting.md has the measures."""


@dataclass(frozen=True)
class _Table:
    """Counts by the dimensions at `positions`; `at` gives the position of each code, per dimension."""

    positions: tuple[int, ...]
    at: Whole
    shown: Whole


@dataclass(frozen=True)
class Rate:
    """A ratio of two protected counts. If R6 forbids it, ``value`` is absent and a reason is given."""

    numerator: int
    denominator: int
    value: Decimal | None
    absent_because: str | None = None


@dataclass(frozen=True)
class ProtectedCube:
    """The protected base cube of one (programme, closed period). ``cells`` maps coordinates (one code per dimension, in
    order) to a positive multiple of ``k``. Missing coordinates are 0, which may mean none or few."""

    programme: str
    period: str
    k: int
    profile: str
    dimensions: tuple[Dimension, ...]
    cells: Mapping[Coordinates, int]
    expected_errors: tuple[ExpectedError, ...] = ()
    beyond: Mapping[Coordinates, int] = field(default_factory=dict, compare=False)
    """What cells of a span show beyond the flows of its parts, so that no part exceeds them: intervals do without it."""
    noise: Noise | None = field(default=None, compare=False)
    """Determines the counts' intervals; None in a cube without them."""
    parts: tuple["ProtectedCube", ...] = field(default=(), compare=False)
    """The summed cubes, if this is a sum."""
    counts: Counted = "persons"
    """Whether a person counts once, or once in each period of a sum."""
    public: bool = False
    """Whether everybody reads it: then small figures are pooled (`_pooled`)."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the dimensions that a query may name, in order."""
        return tuple(dimension.name for dimension in self.dimensions)

    def dimension(self, name: str) -> Dimension:
        """Return the dimension ``name``. Raise OutsideProgrammeError with the allowed names if it does not exist."""
        return self.dimensions[self._position(name)]

    def total(self, filters: Filters | None = None) -> int:
        """Return the protected count over the cells that pass ``filters``."""
        return int(self._sums((), filters or {}))

    def allows(self, dimensions: int) -> bool:
        """Return whether the cube has enough people to be queried by this many dimensions together."""
        least = FROM[min(dimensions, len(FROM) - 1)]
        return not self.public or all(
            sum(each.cells.values()) >= least for each in self.parts or (self,)
        )

    def rest(self, by: Sequence[str], filters: Filters | None = None) -> Row | None:
        """Return the number of people in the total whom the rows by these dimensions do not show separately."""
        total, rows = self.figure(filters), self.margin(by, filters)
        left = total.count - sum(row.count for row in rows)
        if not left:
            return None
        between = (total.low, total.high)
        if total.low is not None and total.high is not None:
            low = total.low - sum(row.high or 0 for row in rows)
            between = (max(low, 0), total.high - sum(row.low or 0 for row in rows))
        return Row(dict.fromkeys(by, REST), left, *between)

    def margin(self, by: Iterable[str] = (), filters: Filters | None = None) -> tuple[Row, ...]:
        """Return protected counts by the dimensions ``by`` over the cells that pass ``filters``. Omit rows of 0, and
        keep codes in reviewed order. Without ``by`` there is exactly one row. Raise OutsideProgrammeError for an
        unknown dimension or code."""
        return self.margins([tuple(by)], filters)[0]

    def margins(
        self, asked: Iterable[Sequence[str]], filters: Filters | None = None
    ) -> list[tuple[Row, ...]]:
        """Return several results of `margin` over the same cells."""
        return [self._rows(by, filters or {}) for by in asked]

    def figure(self, filters: Filters | None = None) -> Row:
        """Return one number with its interval: the count over the cells that pass ``filters``."""
        return self.margin((), filters)[0]

    def _table(self, by: Sequence[str], filters: Filters) -> "_Table":
        positions = tuple(self._position(name) for name in by)
        sums = self._sums(positions, filters)
        at = np.argwhere(sums > 0) if by else np.zeros((1, 0), np.int64)
        return _Table(positions, at, sums[tuple(at.T)] if by else sums.reshape(1))

    def _sums(self, positions: Sequence[int], filters: Filters) -> Whole:
        """Return sums of the passing cells by the dimensions at `positions`, in this order."""
        if self.parts:
            return np.sum([each._sums(positions, filters) for each in self.parts], axis=0)  # noqa: SLF001 - its own
        asked = self._asked(positions, filters)
        return self._passed(self._apart(asked), asked, positions, filters)

    def _asked(self, positions: Sequence[int], filters: Filters) -> tuple[int, ...]:
        return tuple(sorted({*positions, *map(self._position, filters)}))

    def _passed(
        self, sums: Whole, asked: tuple[int, ...], positions: Sequence[int], filters: Filters
    ) -> Whole:
        """Return the filtered part of a table by the dimensions `asked`, as a table by `positions`."""
        for name, wanted in filters.items():
            place = asked.index(self._position(name))
            shape = [-1 if p == place else 1 for p in range(len(asked))]
            sums = sums * self._passing(name, wanted).reshape(shape)
        sums = sums.sum(axis=tuple(n for n, p in enumerate(asked) if p not in positions))
        return sums.transpose([sorted(positions).index(position) for position in positions])

    def _apart(self, asked: tuple[int, ...]) -> Whole:
        """Return the table by these dimensions, with 0 for counts that are not shown separately."""
        if asked not in self._tables:
            if not self.allows(len(asked)):
                raise TooFineError(",".join(self.names[p] for p in asked), self.names, *FROM[2:])
            sums = self._summed(self._array, asked)
            self._tables[asked] = np.where(self._pooled(asked, sums), 0, sums)
        return self._tables[asked]

    def _summed(self, array: Whole, asked: tuple[int, ...]) -> Whole:
        others = tuple(p for p in range(len(self.dimensions)) if p not in asked)
        found: Whole = array.sum(axis=others)
        return found

    @cached_property
    def _tables(self) -> dict[tuple[int, ...], Whole]:
        return {}

    def _pooled(self, asked: tuple[int, ...], sums: Whole) -> Bools:
        """Return which counts in the table by these dimensions are not shown separately."""
        if not self.public or not asked:
            return np.zeros(sums.shape, bool)
        least = APART[min(len(asked), len(APART) - 1)] * self.k
        if len(asked) > 1:
            pooled = sums < least
            for coarser in combinations(asked, len(asked) - 1) if len(asked) > 2 else ():
                # A finer table must not reveal a count that a coarser table does not show separately.
                sides = [len(self.dimensions[p].codes) if p in coarser else 1 for p in asked]
                pooled = pooled | (self._apart(coarser) == 0).reshape(sides)
            return _unguessable(sums, pooled, least - self.k) if len(asked) == 2 else pooled
        dimension = self.dimensions[asked[0]]
        sensitive = np.array([code in dimension.sensitive for code in dimension.codes])
        pooled = sensitive & (sums < least)
        found: Bools = _unguessable(sums[None], pooled[None], least - self.k)[0]
        return found

    def _rows(self, by: Sequence[str], filters: Filters) -> tuple[Row, ...]:
        table = self._table(by, filters)
        codes = [self.dimensions[position].codes for position in table.positions]
        found = zip(
            table.at.tolist(), table.shown.tolist(), self._between(table, filters), strict=True
        )
        return tuple(
            Row({name: each[i] for name, each, i in zip(by, codes, at, strict=True)}, n, *between)
            for at, n, between in found
        )

    def _between(
        self, table: "_Table", filters: Filters
    ) -> Sequence[tuple[int | None, int | None]]:
        parts = self.parts or (self,)
        if any(each.noise is None for each in parts):
            return [(None, None)] * len(table.shown)
        names = {*(self.names[p] for p in table.positions), *filters}
        variance = sum(each._variance(table, filters, names) for each in parts)  # noqa: SLF001 - its own
        beyond = sum(each._beyond_flows(table, filters) for each in parts)  # noqa: SLF001 - its own
        # In one closed period, a shown count means at least one person. A span's cells are sums over several periods.
        least = int(all(each.noise and each.noise.periods == 1 for each in parts))
        detail = min(len(names), len(APART) - 1) if self.public and len(names) > 1 else 0
        few = APART[detail] * self.k - 1
        deep = any(each.noise and each.noise.depth(names) >= each.noise.deep for each in parts)
        return intervals(
            table.shown, table.shown - beyond, np.asarray(variance), (least, few), deep=deep
        )

    def _beyond_flows(self, table: "_Table", filters: Filters) -> Whole | int:
        """Return how far a span's counts exceed the flows of its parts."""
        if not self.beyond:
            return 0
        asked = self._asked(table.positions, filters)
        sums = self._summed(self._filled(self.beyond), asked)
        found: Whole = self._passed(sums, asked, table.positions, filters)[tuple(table.at.T)]
        return found

    def _variance(self, table: "_Table", filters: Filters, names: Collection[str]) -> Floats:
        assert self.noise is not None  # noqa: S101 - `_between` asked
        shown = self._sums(table.positions, filters)[tuple(table.at.T)]
        return self.noise.variance(np.atleast_1d(shown), names)

    def rate(self, numerator: Filters, denominator: Filters | None = None, places: int = 3) -> Rate:
        """Return the share of ``numerator`` (within ``denominator``) in ``denominator`` (R6)."""
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

    @cached_property
    def _array(self) -> Whole:
        return self._filled(self.cells)

    def _filled(self, cells: Mapping[Coordinates, int]) -> Whole:
        """Return all cells, including zeros, so that a query costs the same for any number of people."""
        array: Whole = np.zeros([len(each.codes) for each in self.dimensions], dtype=np.int64)
        places = [{code: i for i, code in enumerate(each.codes)} for each in self.dimensions]
        for at, count in cells.items():
            array[tuple(place[code] for place, code in zip(places, at, strict=True))] = count
        return array

    def _passing(self, name: str, wanted: Iterable[str]) -> Bools:
        """Return which codes of a dimension pass a filter."""
        dimension = self.dimension(name)
        chosen = dimension.expand(wanted)
        return np.array([code in chosen for code in dimension.codes])


def _unguessable(sums: Whole, pooled: Bools, most: int) -> Bools:
    """Return `pooled`, extended where a row or column would reveal that a pooled count of `most` or less is not 0. A
    row or column that shows 0 contains nobody. Pool a whole row or column if its total is as large as small counts can
    add up to. Also pool the smallest neighbour of a single pooled count, and of pooled counts too few for their sum."""
    told = True
    while told:
        told = False
        for counts, hidden in ((sums.T, pooled.T), (sums, pooled)):
            full = counts.any(0) if len(sums) > 1 else np.ones(counts.shape[1], bool)
            for line, own in zip(counts, hidden, strict=True):
                if len(sums) > 1 and (full.sum() - 1) * most < line.sum() <= full.sum() * most:
                    told, own[:] = told or bool((~own & (line > 0)).any()), True
                left, candidates = line[own], (own & full).sum()
                guessed = left.sum() > max(candidates - 1, 0) * most
                guessed = guessed and (candidates == 1 or (left <= most).all())
                if guessed and line[~own].any():
                    own[np.where(own | (line == 0), line.max() + 1, line).argmin()] = told = True
    return pooled


def rate(numerator: int, denominator: int, k: int, places: int = 3) -> Rate:
    """Return a ratio of two protected counts, or the reason why there is none (R6)."""
    least = RATE_DENOMINATOR_FACTOR * k
    if denominator < least:
        reason = f"the protected denominator {denominator} is below {least}"
        return Rate(numerator, denominator, None, reason)
    value = (Decimal(numerator) / denominator).quantize(_unit(places), rounding=ROUND_HALF_EVEN)
    return Rate(numerator, denominator, value)


@cache
def _unit(places: int) -> Decimal:
    return Decimal(1).scaleb(-places)


@dataclass(frozen=True)
class Share:
    """A part of a whole, with bounds from both intervals; absent if R6 forbids it."""

    value: Decimal | None
    low: Decimal | None = None
    high: Decimal | None = None


def share(part: Row, whole: Row, k: int, places: int = 3) -> Share:
    """Return a part's share, with the lowest and highest share that both intervals allow."""
    value = rate(part.count, whole.count, k, places).value
    few, many, least, most = part.low, part.high, whole.low, whole.high
    if value is None or few is None or many is None or least is None or most is None:
        return Share(value)
    unit = _unit(places)
    low = Decimal(few) / max(few + max(most - few, 0), 1)
    high = Decimal(many) / max(many + max(least - many, 0), 1)
    return Share(value, min(low.quantize(unit), value), max(high.quantize(unit), value))


def summed(cubes: Iterable[ProtectedCube], period: str) -> ProtectedCube:
    """Return the cube over several closed periods of one programme: the sum, never a new rounding (R4). A person in
    several periods counts in each. Raise ValueError if programmes, k or dimensions differ, or if a period repeats."""
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
    repeated: Counted = "person-periods" if len(cubes) > 1 else first.counts
    return replace(
        first,
        period=period,
        cells={at: count for at, count in cells.items() if count},
        expected_errors=first.expected_errors if len(cubes) == 1 else (),
        noise=first.noise if len(cubes) == 1 else None,
        parts=cubes if len(cubes) > 1 else (),
        counts="searches" if first.counts == "searches" else repeated,
    )
