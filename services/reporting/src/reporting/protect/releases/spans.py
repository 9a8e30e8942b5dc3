"""The cube of a month, quarter or year, made from the closed cubes of its parts. Pure.

The span first gets every block of a part (k people of a cell as shown) without which a count by one or two dimensions
would be below the part's count; a reached step is such a dimension. Blocks move on if the flows show that the same
people progressed. The span is then filled according to the flows of the parts (who is new in the span, who moved on),
up to their total. Every cell is therefore a multiple of k from 0 up, every table of every programme is a sum of the
same cells, and no part exceeds its span. Only published cells are used, so a span reveals nothing beyond its parts
(docs/decisions/0203).
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from reporting.ground.programmes.definition import FLAG, NEW, NOTHING

Coordinates = tuple[str, ...]
Cells = Mapping[Coordinates, int]
Row = tuple[tuple[int, str], ...]
"""A count by one or two dimensions: position and code of each; −1 and a number for a reached step."""


@dataclass(frozen=True)
class Layout:
    """The positions in a cell's coordinates. `carried` and `flagged` are the positions of the codes that change as a
    person moves on; the history comes last. `reached` lists irreversible steps, each as the carried codes after it.
    `apart` are the codes whose people a programme counts separately, and therefore also by two further dimensions."""

    k: int
    carried: int
    flagged: int | None
    reached: Sequence[frozenset[str]]
    apart: Sequence[frozenset[str]]
    further: Callable[[str, str], str]

    def rows(self, at: Coordinates) -> Iterator[Row]:
        """Yield the counts that include a cell; no part may exceed them."""
        mine = [
            (place, code)
            for place, code in enumerate(at)
            if place != self.carried and (place, code) != (self.flagged, NOTHING)
        ]
        steps = [(-1, str(n)) for n, codes in enumerate(self.reached) if at[self.carried] in codes]
        yield ()
        for one in (*steps, *mine):
            yield (one,)
        yield from combinations(mine, 2)
        for step in steps:
            for one in mine:
                yield (step, one)
            if self.reached[int(step[1])] in self.apart:
                for pair in combinations(mine, 2):
                    yield (step, *pair)


def span(
    layout: Layout, number: int, parts: Iterable[Cells], within: Iterable[Cells]
) -> tuple[dict[Coordinates, int], dict[Coordinates, int]]:
    """Return the span's cells at position `number` of a history, and by how many people each cell exceeds (or falls
    below) the flows. `parts` are the closed periods, in order. `within` are the next shorter spans (or the periods);
    none of their counts exceeds the span's count."""
    made = _Span(layout, flows(layout, number, parts))
    for each in within:
        made.hold(_blocks(layout, each))
        made.move_on()
    made.fill()
    found = {at: n * layout.k for at, n in sorted(made.cells.items()) if n}
    return found, {at: -n * layout.k for at, n in sorted(made.lag.items()) if n}


def _blocks(layout: Layout, cells: Cells) -> Counter[Coordinates]:
    """Return the cells as shown, in blocks of k people."""
    found: Counter[Coordinates] = Counter()
    for (*at, _), shown in cells.items():
        found[tuple(at)] += shown // layout.k
    return found


def flows(layout: Layout, number: int, parts: Iterable[Cells]) -> Counter[Coordinates]:
    """Return blocks of people: new in the span, at their cell, or moved on, from cell to cell. A history records that a
    person had a need before, but not which need: assume the most frequent need at that cell."""
    found: Counter[Coordinates] = Counter()
    needs: set[str] = set()
    for cells in parts:
        if layout.flagged is not None:
            needs |= {at[layout.flagged] for at in cells} - {NOTHING}
        for (*now, history), shown in sorted(cells.items()):
            blocks, before = shown // layout.k, history.split("|")[number]
            if before == NEW:
                found[tuple(now)] += blocks
                continue
            left, arrived = list(now), list(now)
            left[layout.carried] = before.removesuffix(FLAG)
            arrived[layout.carried] = layout.further(left[layout.carried], now[layout.carried])
            if layout.flagged is not None:
                if before.endswith(FLAG):
                    left[layout.flagged] = _need(found, left, layout.flagged, needs)
                    arrived[layout.flagged] = left[layout.flagged]
                else:
                    left[layout.flagged] = NOTHING
            found[tuple(arrived)] += blocks
            found[tuple(left)] -= blocks
    return found


def _need(
    found: Counter[Coordinates], at: Sequence[str], place: int, needs: Collection[str]
) -> str:
    """Return the most frequent of these needs at the cell, or the cell's own."""
    known = {need: found[(*at[:place], need, *at[place + 1 :])] for need in needs}
    most = max(needs, key=lambda need: (known[need], need), default=at[place])
    return most if known.get(most, 0) > 0 else at[place]


class _Span:
    """The blocks that the span shows, and how far each cell and each one-way count is behind the flows."""

    def __init__(self, layout: Layout, flows: Counter[Coordinates]) -> None:
        self._layout = layout
        self.cells: Counter[Coordinates] = Counter()
        self.lag = flows
        self._behind: Counter[tuple[int, str]] = Counter()
        for at, n in flows.items():
            for margin in enumerate(at):
                self._behind[margin] += n
        self._counts: Counter[Row] = Counter()
        self._persons: dict[Coordinates, list[Coordinates]] = {}

    def hold(self, part: Counter[Coordinates]) -> None:
        """Add a block wherever a count of the part exceeds the span's count."""
        least: Counter[Row] = Counter()
        for at, n in part.items():
            for row in self._layout.rows(at):
                least[row] += n
        for at in sorted(part):
            rows = list(self._layout.rows(at))
            for _ in range(part[at]):
                if any(self._counts[row] < least[row] for row in rows):
                    self._add(at)

    def fill(self) -> None:
        """Add blocks according to the flows until they reach the total. Start where all one-way counts are too low,
        continue where all but one are, and so on."""
        wanted = [at for at, n in sorted(self.lag.items(), key=_largest_first) for _ in range(n)]
        left = self.lag.total()
        for full in range(len(next(iter(self.lag), ())) + 1):
            later = []
            for at in wanted:
                if left > 0 and sum(self._behind[m] <= 0 for m in enumerate(at)) <= full:
                    left -= 1
                    self._add(at)
                else:
                    later.append(at)
            wanted = later

    def move_on(self) -> None:
        """Move surplus blocks where the flows show that the same people progressed. This lowers no part's count."""
        for at in sorted(self.cells):
            for to in sorted(self._further(at)):
                n = min(self.cells[at], -self.lag[at], self.lag[to])
                if n > 0:
                    self._add(at, -n)
                    self._add(to, n)

    def _further(self, at: Coordinates) -> set[Coordinates]:
        """Return the cells to which the same people can progress."""
        layout = self._layout
        moving = {layout.carried, layout.flagged}
        who = tuple(code for place, code in enumerate(at) if place not in moving)
        return {
            to
            for to in self._same(who)
            if layout.further(at[layout.carried], to[layout.carried]) == to[layout.carried]
            and (layout.flagged is None or at[layout.flagged] in (NOTHING, to[layout.flagged]))
        } - {at}

    def _same(self, who: Coordinates) -> Sequence[Coordinates]:
        if not self._persons:
            moving = {self._layout.carried, self._layout.flagged}
            for at in self.lag:
                whose = tuple(code for place, code in enumerate(at) if place not in moving)
                self._persons.setdefault(whose, []).append(at)
        return self._persons.get(who, ())

    def _add(self, at: Coordinates, blocks: int = 1) -> None:
        self.cells[at] += blocks
        self.lag[at] -= blocks
        for margin in enumerate(at):
            self._behind[margin] -= blocks
        for row in self._layout.rows(at):
            self._counts[row] += blocks


def _largest_first(entry: tuple[Coordinates, int]) -> tuple[int, Coordinates]:
    return -entry[1], entry[0]
