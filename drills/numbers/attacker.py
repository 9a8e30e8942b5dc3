"""An attacker with everything that the endpoints return: definitions, and tables of periods and spans.

The module imports nothing from reporting. Only `covered` and `present` use true counts, to judge the published numbers.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

At = tuple[str, ...]
By = tuple[str, ...]
REST = "rest"
"""The code of what a table does not show apart."""
FROM = 5
"""Times k: from so many people a figure by two dimensions is shown apart, as the definitions say."""


@dataclass(frozen=True)
class Figure:
    count: int
    low: int
    high: int


@dataclass(frozen=True)
class Published:
    """A programme's tables of one period or span, as an endpoint returns them. `ask(by)` returns the total and the
    rows."""

    programme: str
    period: str
    names: tuple[str, ...]
    ask: Callable[[By], tuple[Figure, Mapping[At, Figure]]]
    kept: dict[By, tuple[Figure, Mapping[At, Figure]]] = field(default_factory=dict, repr=False)

    def table(self, by: By) -> tuple[Figure, Mapping[At, Figure]]:
        if by not in self.kept:
            self.kept[by] = self.ask(by)
        return self.kept[by]

    def questions(self) -> Iterator[By]:
        yield ()
        for size in (1, 2):
            yield from combinations(self.names, size)
        if len(self.names) > 2:
            yield self.names


STEPS: Mapping[str, Sequence[frozenset[str]]] = {
    "progress": (
        frozenset({"accepted", "delivered"}),
        frozenset({"delivered"}),
    ),
    "stage": (
        frozenset({"concluded", "referred", "assisted"}),
        frozenset({"referred", "assisted"}),
        frozenset({"assisted"}),
    ),
    "contact": (frozenset({"both"}), frozenset({"assisted", "both"})),
}
"""Of what the definitions call the furthest point: what nobody takes back."""
WITHIN = (
    # The part's programme and dimensions, then the whole's programme, dimensions and codes.
    ("unmet-needs", ("area",), "referrals", ("area",)),
    ("trafficking", ("area",), "screening", ("area",)),
    ("assistance", ("sex",), "trafficking", ("sex",)),
)


@dataclass
class Measures:
    """The number of checks and of failures, by check."""

    asked: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, fails: bool, example: str = "") -> None:
        self.asked[name] += 1
        if fails:
            self.failed[name] += 1
            self.examples.setdefault(name, example)

    def lines(self) -> Iterator[str]:
        for name in sorted(self.asked):
            share = self.failed[name] / self.asked[name]
            example = self.examples.get(name, "")
            yield f"{name:44} {self.failed[name]:6} of {self.asked[name]:7} {share:7.2%}  {example}"


def agreeing(of: Published, found: Measures) -> None:
    """Check that the rows of every table are not negative and add up to the total, and that each figure lies in its
    interval."""
    for by in of.questions():
        total, rows = of.table(by)
        where = f"{of.programme} {of.period} {by}"
        added = sum(each.count for each in rows.values())
        found.add("rows don't add to the total", bool(rows) and added != total.count, where)
        for at, each in rows.items():
            found.add("a row below 0", each.count < 0, f"{where} {at}")
            found.add(
                "a figure outside its interval", not each.low <= each.count <= each.high, where
            )


def nested(whole: Published, part: Published, found: Measures) -> None:
    """Compare a span with one of its parts: everybody, and people who reached a step, by one and two dimensions."""
    moving = [name for name in whole.names if name in STEPS]
    standing = [name for name in whole.names if name not in STEPS]
    for by in ((), *((x,) for x in standing), *combinations(standing, 2)):
        larger, smaller = (_rows(each, by) for each in (whole, part))
        for at, each in smaller.items():
            short = (larger[at].count if at in larger else 0) < each.count
            where = f"{whole.programme} {whole.period} < {part.period} {by} {at}"
            found.add(f"a span below its part, {len(by)} dimensions", short, where)
    for name in moving:
        for other in (None, *standing):
            by = (name,) if other is None else (name, other)
            sums = [_steps(each.table(by)[1], STEPS[name]) for each in (whole, part)]
            for step, n in sums[1].items():
                where = f"{whole.programme} {whole.period} < {part.period} {by} {step}"
                short = sums[0][step] < n
                found.add(f"a span below its part, a step, {len(by)} dimensions", short, where)


def _rows(of: Published, by: By) -> Mapping[At, Figure]:
    """Return the rows, or the total if there is no dimension."""
    total, rows = of.table(by)
    return rows if by else {(): total}


def _steps(rows: Mapping[At, Figure], steps: Sequence[frozenset[str]]) -> Counter[tuple[int, At]]:
    sums: Counter[tuple[int, At]] = Counter()
    for at, each in rows.items():
        for number, codes in enumerate(steps):
            if at[0] in codes:
                sums[number, at[1:]] += each.count
    return sums


def parts_of_wholes(published: Iterable[Published], found: Measures) -> None:
    """Check that, within one period or span, the people of a programme also count in the programme that contains it."""
    known = {each.programme: each for each in published}
    for part, by, whole, of in WITHIN:
        if part not in known or whole not in known:
            continue
        few, many = known[part], known[whole]
        found.add(
            "a part above its whole", few.table(())[0].count > many.table(())[0].count, few.period
        )
        rows = many.table(of)[1]
        for at, each in few.table(by)[1].items():
            more = each.count > (rows[at].count if at in rows else 0)
            found.add("a part above its whole", more, f"{part} {few.period} {at}")
    if "routes" in known and "trafficking" in known:
        totals = {known[each].table(())[0].count for each in ("routes", "trafficking")}
        found.add("equal wholes that differ", len(totals) > 1, known["routes"].period)


Truth = Callable[[By], Mapping[At, int]]


def kind(of: Published, by: By) -> str:
    return {0: "total", 1: "one-way", 2: "two-way"}.get(len(by), "finest")


def covered(of: Published, truth: Truth, label: str, found: Measures) -> None:
    """Check whether the interval of each shown figure contains the true count."""
    for by in of.questions():
        for at, each in _rows(of, by).items():
            if each.count > 0 and REST not in at:
                outside = not each.low <= truth(by).get(at, 0) <= each.high
                found.add(f"not covered: {label} {kind(of, by)}", outside)


def present(of: Published, inside: Published, truth: Truth, k: int, found: Measures) -> None:
    """Record how many true small groups are proved to contain somebody. A shown figure proves it. So does a pooled
    figure in a two-way table, unless another table, with nobody there, has the same totals and looks the same. `inside`
    contains the counts before pooling."""
    for by in of.questions():
        rows = of.table(by)[1]
        told = bool(rows) or not inside.table(by)[1]
        for at, n in truth(by).items():
            if by and 1 <= n < k:
                shown = at in rows and rows[at].low >= 1
                proved = shown or (len(by) == 2 and told and not _doubtful(inside, by, at, k))
                where = f"{of.programme} {of.period} {at}"
                found.add(f"presence proved: {kind(of, by)}", proved, where)
                small = shown and rows[at].high < k
                found.add(f"said to be small by the interval: {kind(of, by)}", small, where)


Counts = dict[At, int]


def _doubtful(inside: Published, by: By, at: At, k: int) -> bool:
    """Return whether a table with nobody at `at` would look like this one."""
    counts = {place: each.count for place, each in inside.table(by)[1].items()}
    n = counts.get(at, 0)
    if not n:
        return True
    sides = [{place[d] for place in counts} for d in (0, 1)]
    shown = _shown(counts, sides, k)
    a, b = at
    for x in sides[0] - {a}:
        for y in sides[1] - {b}:
            four = {(a, b): -n, (a, y): n, (x, b): n, (x, y): -n}
            other = counts | {place: counts.get(place, 0) + by_n for place, by_n in four.items()}
            if min(other.values()) >= 0 and _shown(other, sides, k) == shown:
                return True
    return False


def _shown(counts: Counts, sides: Sequence[set[str]], k: int) -> Counts:
    """Apply the publication rule for a two-way table. Figures from `FROM` times k are shown separately, except in a row
    or column whose total smaller counts could reach together. If one figure is pooled, or too few smaller ones are, the
    smallest figure in the same row or column is pooled too."""
    most = (FROM - 1) * k
    shown = {at: n for at, n in counts.items() if n > most}
    lines: list[list[At]] = [[(o, code) for o in sorted(sides[0])] for code in sorted(sides[1])]
    lines += [[(code, o) for o in sorted(sides[1])] for code in sorted(sides[0])]
    changed = True
    while changed:
        changed = False
        for line in lines:
            whole = sum(counts.get(at, 0) for at in line)
            if (len(line) - 1) * most < whole <= len(line) * most:
                for at in line:
                    changed |= shown.pop(at, 0) > 0
            pooled = [counts.get(at, 0) for at in line if at not in shown]
            large = [at for at in line if at in shown]
            alone = len(pooled) == 1 or max(pooled, default=0) <= most
            if large and alone and sum(pooled) > max(len(pooled) - 1, 0) * most:
                del shown[min(large, key=lambda at: (counts[at], at))]
                changed = True
    return shown


def proofs(of: Published, k: int, found: Measures) -> None:
    """Return the counts of 1 to k−1 in one closed period that follow from differences of shown figures. A shown r
    stands for at least one person per k, and each unknown cell behind it may hide k−1."""
    bounds: dict[By, dict[At, tuple[int, int]]] = defaultdict(dict)
    for by in of.questions():
        behind = 10 ** (6 - len(by))
        for at, each in of.table(by)[1].items():
            bounds[by][at] = (each.count // k, each.count + (k - 1) * behind)
    for by, rows in bounds.items():
        for at, (low, high) in rows.items():
            if REST in at:
                continue
            most = high
            for coarse, wholes in bounds.items():
                if set(coarse) < set(by):
                    places = [by.index(name) for name in coarse]
                    most = min(most, wholes.get(tuple(at[p] for p in places), (0, k - 1))[1])
            found.add("a small count proved", low >= 1 and most < k, f"{of.period} {by} {at}")
